import { z } from 'zod';
import { type Keyring, open, seal } from '../lib/crypto.ts';
import { type Db, isTransaction, kindOf } from './db.ts';
import { row, time, timeOrNull, toMs } from './rows.ts';
import { isCurrent, newWatch, noteWriter, type WriteWatch } from './write-watch.ts';

/** Two accounts of one person that became one. */
export interface Merge {
  readonly id: string;
  readonly keepId: string;
  readonly goneId: string;
  readonly changeId: string;
  readonly mergedAt: Date;
  readonly undoUntil: Date;
  readonly undoneAt: Date | null;
}

const mergeRow = row({
  id: z.string(),
  keepId: z.string(),
  goneId: z.string(),
  changeId: z.string(),
  mergedAt: time,
  undoUntil: time,
  undoneAt: timeOrNull,
});
const context = (id: string) => `merge:${id}`;

/** One row as it was before the merge, and how to find it now. */
export const movedRow = z.object({
  table: z.enum([
    'contacts',
    'passkeys',
    'passwords',
    'totps',
    'external_identities',
    'external_identity_keys',
    'consents',
    'person_documents',
  ]),
  key: z.record(z.string(), z.string()),
  before: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type MovedRow = z.infer<typeof movedRow>;

export const snapshot = z.object({
  moved: z.array(movedRow),
  /** Rows of the ledger that were written again for the account that stays: original, copy. */
  evidence: z.array(z.tuple([z.string(), z.string()])),
  /** The person that was made for the account that stays, which had none. */
  person: z.string().nullable(),
  /** Names written for it. */
  names: z.array(z.string()),
});
export type Snapshot = z.infer<typeof snapshot>;

export async function keepSnapshot(tx: Db, keyring: Keyring, id: string, taken: Snapshot): Promise<void> {
  await tx('merges')
    .where({ id })
    .update({ snapshot: seal(keyring, JSON.stringify(taken), context(id)) });
}

/** The place of a merge, before anything is moved: the second of two that race waits here, and is refused. */
export async function openMerge(tx: Db, merge: Omit<Merge, 'undoneAt'>): Promise<boolean> {
  const inserted: unknown[] = await tx('merges')
    .insert({
      id: merge.id,
      keep_id: merge.keepId,
      gone_id: merge.goneId,
      change_id: merge.changeId,
      merged_at: toMs(merge.mergedAt),
      undo_until: toMs(merge.undoUntil),
      snapshot: '',
    })
    .onConflict(tx.raw('(gone_id) where undone_at is null'))
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

export async function mergeById(db: Db, id: string): Promise<Merge | null> {
  const found = await db('merges').where({ id }).first();
  return found === undefined ? null : mergeRow.parse(found);
}

/** What was taken, with the merge held until the end of the transaction. */
export async function lockMerge(tx: Db, keyring: Keyring, id: string): Promise<(Merge & { taken: Snapshot }) | null> {
  const query = tx('merges').where({ id });
  const found = await (kindOf(tx) === 'postgres' ? query.forUpdate() : query).first();
  if (found === undefined) return null;
  const sealed = z.object({ snapshot: z.string() }).parse(found).snapshot;
  return { ...mergeRow.parse(found), taken: snapshot.parse(JSON.parse(open(keyring, sealed, context(id)))) };
}

/** Whether the account is gone into another one, or part of a merge that can still be undone. */
export async function mergesOf(db: Db, accountId: string): Promise<Merge[]> {
  const rows = await db('merges')
    .whereNull('undone_at')
    .where((or) => or.where({ keep_id: accountId }).orWhere({ gone_id: accountId }));
  return rows.map((raw) => mergeRow.parse(raw));
}

/** The latest merges, undone ones included. */
export async function latestMerges(db: Db, since: Date, limit = 100): Promise<Merge[]> {
  const rows = await db('merges').where('merged_at', '>', toMs(since)).orderBy('merged_at', 'desc').limit(limit);
  return rows.map((raw) => mergeRow.parse(raw));
}

/** True for the caller whose write closed it. */
export async function closeMerge(tx: Db, id: string, at: Date): Promise<boolean> {
  noteWriter(entryOf(tx).watch, tx);
  await tx('subject_aliases').where({ merge_id: id }).delete();
  return (
    (await tx('merges')
      .where({ id })
      .whereNull('undone_at')
      .update({ undone_at: toMs(at), snapshot: '' })) === 1
  );
}

const clientRow = z.object({ client_id: z.string() });

/** Apps that have ever asked for this account, besides those connected now. */
export async function appsThatKnow(db: Db, accountId: string): Promise<string[]> {
  const asked = await db('decisions').where({ account_id: accountId }).distinct('client_id');
  const agreed = await db('consents').where({ account_id: accountId }).distinct('client_id');
  return [...asked, ...agreed].map((raw: unknown) => clientRow.parse(raw).client_id);
}

const aliasRow = row({ sector: z.string(), subjectOf: z.string() });

/** Under which account each sector knows this one, where that is another. */
export async function aliasesOf(db: Db, accountId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db('subject_aliases').where({ account_id: accountId }).select('sector', 'subject_of');
  return new Map(rows.map((raw) => aliasRow.parse(raw)).map(({ sector, subjectOf }) => [sector, subjectOf]));
}

export async function insertAliases(
  tx: Db,
  mergeId: string,
  accountId: string,
  aliases: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = [...aliases].map(([sector, subject_of]) => ({
    account_id: accountId,
    sector,
    subject_of,
    merge_id: mergeId,
  }));
  noteWriter(entryOf(tx).watch, tx);
  if (rows.length > 0) await tx('subject_aliases').insert(rows);
}

interface CachedAliases {
  of: ReadonlyMap<string, string>;
  checkedAt: number;
  generation: number;
  readonly watch: WriteWatch;
}

/** Per database (its settings object is shared with its transactions), gone with it. */
const cache = new WeakMap<object, CachedAliases>();
const CHECK_EVERY_MS = 1_000;

function entryOf(db: Db): CachedAliases {
  const key: object = db.client.config;
  const entry = cache.get(key) ?? {
    of: new Map(),
    checkedAt: Number.NEGATIVE_INFINITY,
    generation: -1,
    watch: newWatch(),
  };
  cache.set(key, entry);
  return entry;
}

const wholeRow = row({ accountId: z.string(), sector: z.string(), subjectOf: z.string() });
const keyOf = (accountId: string, sector: string) => `${accountId} ${sector}`;

/**
 * The account whose subject an app of this sector is given for this one: itself, but for a merge. Every token asks, and
 * merges are few: all aliases are held in memory, right at once in this process and within a second on other nodes.
 */
export async function subjectAccount(db: Db, accountId: string, sector: string): Promise<string> {
  const entry = entryOf(db);
  const now = performance.now();
  if (!isCurrent(entry.watch, entry.generation) || now - entry.checkedAt >= CHECK_EVERY_MS) {
    const { generation } = entry.watch;
    const rows = await db('subject_aliases').select('account_id', 'sector', 'subject_of');
    const of = new Map(
      rows.map((raw) => wholeRow.parse(raw)).map((each) => [keyOf(each.accountId, each.sector), each.subjectOf]),
    );
    // Inside a transaction an uncommitted merge may have been read: it is answered, not kept.
    if (isTransaction(db) || !isCurrent(entry.watch, generation)) return of.get(keyOf(accountId, sector)) ?? accountId;
    Object.assign(entry, { of, checkedAt: now, generation });
  }
  return entry.of.get(keyOf(accountId, sector)) ?? accountId;
}

/** The user handle that a passkey says, where it was made for another account than it is of now. */
export async function passkeyHandle(db: Db, passkeyId: string): Promise<string | null> {
  const found = await db('passkeys').where({ id: passkeyId }).first('user_handle');
  return found === undefined ? null : z.string().nullable().parse(found.user_handle);
}
