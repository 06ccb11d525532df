import { z } from 'zod';
import type { Db } from './db.ts';

const shape = z.object({ id: z.string(), record_id: z.string().nullable(), sealed_birth_date: z.string().nullable() });

/**
 * Takes one record of a person off an account: its documents and names. What other records tell stays; without any the account
 * has no person any more.
 */
export async function releaseRecord(tx: Db, accountId: string, record: string): Promise<void> {
  const found = await tx('persons').where({ account_id: accountId }).first('id');
  if (found === undefined) return;
  const personId = z.string().parse(found.id);
  const documents = z
    .array(shape)
    .parse(await tx('person_documents').where({ person_id: personId }).orderBy('id').select(Object.keys(shape.shape)));
  const isOf = (row: z.infer<typeof shape>) => (row.record_id ?? row.id) === record;
  const left = documents.filter((row) => !isOf(row));
  const gone = documents.filter(isOf).map(({ id }) => id);
  await tx('person_documents').whereIn('id', gone).delete();
  if (left[0] !== undefined) {
    await tx('person_names').where({ person_id: personId, record_id: record }).delete();
    await tx('persons').where({ id: personId }).update({ sealed_birth_date: left[0].sealed_birth_date });
    return;
  }
  await tx('person_names').where({ person_id: personId }).delete();
  await tx('persons').where({ id: personId }).delete();
}
