import { z } from 'zod';
import { normaliseName } from '../identity/names.ts';
import { type Keyring, openFor, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Db, kindOf } from './db.ts';
import { documentContext, documentKey, FORM } from './person-documents.ts';
import { nameContext } from './persons.ts';
import { toMs } from './rows.ts';

/** What came of one batch. `last`: where the next one goes on; null: there is none. */
export interface Rewritten {
  readonly last: string | null;
  readonly rewritten: number;
  /** The account of each document that is another account's too, under the one form that both have. */
  readonly disputed: readonly { readonly accountId: string; readonly otherId: string; readonly type: string }[];
  /** Sealed under a key that is gone. */
  readonly unreadable: number;
}

const documentRow = z.object({
  id: z.string(),
  type: z.string(),
  sealed_number: z.string(),
  person_id: z.string(),
  account_id: z.string(),
  sealed_key: z.string(),
});
type DocumentRow = z.infer<typeof documentRow>;

const documents = (tx: Db) =>
  tx('person_documents')
    .join('persons', 'persons.id', 'person_documents.person_id')
    .join('accounts', 'accounts.id', 'persons.account_id')
    .select(
      'person_documents.id',
      'person_documents.type',
      'person_documents.sealed_number',
      'person_documents.person_id',
      'persons.account_id',
      'accounts.sealed_key',
    );

/**
 * Writes documents of older rules anew in their one form, and takes up disputes whose reason is gone. Two rows of one person that are
 * one document become one; of two persons, neither loses it: that is a dispute, and the row keeps the key it had. Each row is held
 * while it is rewritten, and one that another node has done is passed by.
 */
export async function rewriteDocuments(
  tx: Db,
  keyring: Keyring,
  { after, limit, at }: { after: string; limit: number; at: Date },
): Promise<Rewritten> {
  const query = documents(tx)
    .leftJoin('document_disputes', 'document_disputes.document_id', 'person_documents.id')
    .where('person_documents.id', '>', after)
    .where((or) =>
      or
        .where('person_documents.form', '<', FORM)
        .orWhere((open) => open.whereNotNull('document_disputes.found_at').whereNull('document_disputes.settled_at')),
    )
    .orderBy('person_documents.id')
    .limit(limit);
  const rows = await (kindOf(tx) === 'postgres' ? query.forUpdate('person_documents') : query);
  const disputed: { accountId: string; otherId: string; type: string }[] = [];
  let [rewritten, unreadable] = [0, 0];
  let last: string | null = null;
  for (const row of rows.map((raw) => documentRow.parse(raw))) {
    last = row.id;
    const number = opened(keyring, row.sealed_key, row.sealed_number, documentContext(row.person_id, row.type));
    if (number === null) {
      unreadable += 1;
      continue;
    }
    const other = await rewriteDocument(tx, keyring, row, number, at);
    if (other === null) rewritten += 1;
    else if (other.isNew) disputed.push({ accountId: row.account_id, otherId: other.accountId, type: other.type });
  }
  return { last, rewritten, disputed, unreadable };
}

/** Null: it is written under its one key. Otherwise whose it is too. */
async function rewriteDocument(
  tx: Db,
  keyring: Keyring,
  row: DocumentRow,
  number: string,
  at: Date,
): Promise<{ accountId: string; type: string; isNew: boolean } | null> {
  const key = documentKey(keyring, row.type, number);
  const raw = await documents(tx)
    .where({ 'person_documents.type': key.type, 'person_documents.number_blind': key.blind })
    .whereNot('person_documents.id', row.id)
    .first();
  const other = raw === undefined ? null : documentRow.parse(raw);
  const mine = tx('person_documents').where({ id: row.id });
  if (other !== null && other.person_id === row.person_id) {
    await mine.delete();
    return null;
  }
  if (other !== null) {
    const found = await tx('document_disputes')
      .insert({ document_id: row.id, found_at: toMs(at) })
      .onConflict('document_id')
      .ignore()
      .returning('document_id');
    await mine.update({ form: FORM });
    return { accountId: other.account_id, type: key.type, isNew: found.length > 0 };
  }
  await mine.update({
    type: key.type,
    sealed_number: sealFor(keyring, row.sealed_key, key.number, documentContext(row.person_id, key.type)),
    number_blind: key.blind,
    search_blind: key.searchBlind,
    form: FORM,
  });
  await tx('document_disputes')
    .where({ document_id: row.id })
    .update({ settled_at: toMs(at) });
  return null;
}

const nameRow = z.object({
  id: z.string(),
  person_id: z.string(),
  script: z.string(),
  sealed_name: z.string(),
  sealed_key: z.string(),
});

/** The same for names. */
export async function rewriteNames(
  tx: Db,
  keyring: Keyring,
  { after, limit }: { after: string; limit: number },
): Promise<Rewritten> {
  const query = tx('person_names')
    .join('persons', 'persons.id', 'person_names.person_id')
    .join('accounts', 'accounts.id', 'persons.account_id')
    .where('person_names.form', '<', FORM)
    .where('person_names.id', '>', after)
    .orderBy('person_names.id')
    .limit(limit)
    .select(
      'person_names.id',
      'person_names.person_id',
      'person_names.script',
      'person_names.sealed_name',
      'accounts.sealed_key',
    );
  const rows = await (kindOf(tx) === 'postgres' ? query.forUpdate('person_names') : query);
  let [rewritten, unreadable] = [0, 0];
  let last: string | null = null;
  for (const row of rows.map((raw) => nameRow.parse(raw))) {
    last = row.id;
    const context = nameContext(row.person_id, row.script);
    const name = opened(keyring, row.sealed_key, row.sealed_name, context);
    if (name === null) {
      unreadable += 1;
      continue;
    }
    const sealed = sealFor(keyring, row.sealed_key, normaliseName(withFullStops(name)), context);
    await tx('person_names').where({ id: row.id }).update({ sealed_name: sealed, form: FORM });
    rewritten += 1;
  }
  return { last, rewritten, disputed: [], unreadable };
}

/** Rows of form 0 have middle dots for the full stops of Latin names; the one between two L is Catalan and a letter's own. */
const withFullStops = (name: string) =>
  /\p{Script=Han}/u.test(name) ? name : name.replaceAll(/(?<!l)\u00B7|\u00B7(?!l)/giu, '.');

/** Null: its key was destroyed, or is not in this keyring. */
function opened(keyring: Keyring, sealedKey: string, sealed: string, context: string): string | null {
  if (sealedKey === '') return null;
  try {
    return openFor(keyring, sealedKey, sealed, context);
  } catch (error) {
    if (error instanceof ShiminError) return null;
    throw error;
  }
}

const disputeRow = z.object({ document_id: z.string(), found_at: z.coerce.number() });

export interface DocumentDispute {
  readonly accountId: string;
  readonly otherId: string;
  readonly type: string;
  readonly foundAt: Date;
}

/** Disputes that nobody has settled yet, the oldest first. */
export async function openDisputes(db: Db, keyring: Keyring, limit = 100): Promise<DocumentDispute[]> {
  const open = z
    .array(disputeRow)
    .parse(await db('document_disputes').whereNull('settled_at').orderBy('found_at').limit(limit));
  const disputes: DocumentDispute[] = [];
  for (const { document_id: id, found_at: at } of open) {
    const row = documentRow.parse(await documents(db).where({ 'person_documents.id': id }).first());
    const number = opened(keyring, row.sealed_key, row.sealed_number, documentContext(row.person_id, row.type));
    if (number === null) continue;
    const key = documentKey(keyring, row.type, number);
    const other = await documents(db)
      .where({ 'person_documents.type': key.type, 'person_documents.number_blind': key.blind })
      .whereNot('person_documents.id', id)
      .first();
    if (other !== undefined)
      disputes.push({
        accountId: row.account_id,
        otherId: documentRow.parse(other).account_id,
        type: key.type,
        foundAt: new Date(at),
      });
  }
  return disputes;
}

/** How many rows are still under older rules, and how many disputes wait. */
export async function formOfRows(db: Db): Promise<{ stale: number; disputed: number }> {
  const count = async (query: PromiseLike<unknown>) =>
    z.array(z.object({ n: z.coerce.number() })).parse(await query)[0]?.n ?? 0;
  const stale =
    (await count(db('person_documents').where('form', '<', FORM).count({ n: '*' }))) +
    (await count(db('person_names').where('form', '<', FORM).count({ n: '*' })));
  return { stale, disputed: await count(db('document_disputes').whereNull('settled_at').count({ n: '*' })) };
}
