import { z } from 'zod';
import { type Keyring, newId, openFor, sealFor } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import type { Pair } from './merge-rows.ts';
import type { MovedRow, Snapshot } from './merges.ts';
import { sealedKeyOf } from './person-key.ts';
import { birthContext, documentContext, nameContext } from './persons.ts';
import { toMs } from './rows.ts';

const personRow = z.object({ id: z.string(), category: z.string(), sealed_birth_date: z.string().nullable() });
const nameRow = z.object({
  script: z.string(),
  sealed_name: z.string(),
  registered: z.union([z.boolean(), z.number()]),
  form: z.number(),
  record_id: z.string().nullable(),
});
const documentRow = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/** Makes the documents and names of one account's person those of the other's. */
export async function mergePeople(
  tx: Db,
  keyring: Keyring,
  { keepId, goneId }: Pair,
  at: Date,
): Promise<{ moved: MovedRow[]; person: string | null; names: string[] }> {
  const found = await tx('persons').where({ account_id: goneId }).first();
  if (found === undefined) return { moved: [], person: null, names: [] };
  const gone = personRow.parse(found);
  const [from, to] = [await sealedKeyOf(tx, goneId), await sealedKeyOf(tx, keepId)];
  const reseal = (sealed: string, was: string, is: string) =>
    sealFor(keyring, to, openFor(keyring, from, sealed, was), is);

  const known = await tx('persons').where({ account_id: keepId }).first('id');
  const personId = known === undefined ? newId() : z.string().parse(known.id);
  if (known === undefined) {
    const birth = gone.sealed_birth_date;
    await tx('persons').insert({
      id: personId,
      account_id: keepId,
      category: gone.category,
      sealed_birth_date: birth === null ? null : reseal(birth, birthContext(gone.id), birthContext(personId)),
      created_at: toMs(at),
    });
  }

  const documents = z
    .array(documentRow)
    .parse(await tx('person_documents').where({ person_id: gone.id }).orderBy('id'));
  for (const row of documents) {
    const [id, type, sealed] = [String(row.id), String(row.type), String(row.sealed_number)];
    const number = reseal(sealed, documentContext(gone.id, type), documentContext(personId, type));
    const birth = typeof row.sealed_birth_date === 'string' ? row.sealed_birth_date : null;
    await tx('person_documents')
      .where({ id })
      .update({
        person_id: personId,
        sealed_number: number,
        sealed_birth_date: birth === null ? null : reseal(birth, birthContext(gone.id), birthContext(personId)),
      });
  }

  const names: string[] = [];
  for (const raw of await tx('person_names').where({ person_id: gone.id }).orderBy('id')) {
    const { script, sealed_name, registered, form, record_id } = nameRow.parse(raw);
    const id = newId();
    const name = reseal(sealed_name, nameContext(gone.id, script), nameContext(personId, script));
    const inserted: unknown[] = await tx('person_names')
      .insert({ id, person_id: personId, record_id, script, sealed_name: name, registered, form, created_at: toMs(at) })
      .onConflict(['person_id', 'record_id', 'script'])
      .ignore()
      .returning('id');
    if (inserted.length > 0) names.push(id);
  }
  return {
    moved: documents.map((row) => ({ table: 'person_documents', key: { id: String(row.id) }, before: row })),
    person: known === undefined ? personId : null,
    names,
  };
}

/** After the documents went back: what was written for the account that stayed goes, unless it proved more since. */
export async function splitPeople(tx: Db, { person, names }: Snapshot): Promise<void> {
  const proved =
    person !== null && (await tx('person_documents').where({ person_id: person }).first('id')) !== undefined;
  if (proved) return;
  await tx('person_names').whereIn('id', names).delete();
  if (person === null) return;
  await tx('person_names').where({ person_id: person }).delete();
  await tx('persons').where({ id: person }).delete();
}
