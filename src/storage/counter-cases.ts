import { z } from 'zod';
import { blindIndex, type Keyring, openFor, sealFor } from '../lib/crypto.ts';
import { type Db, kindOf } from './db.ts';
import { sealedKeyOf } from './person-key.ts';
import { row, time, timeOrNull, toMs } from './rows.ts';

/** `half`: confirmed by the first of two officials. Only `open` and `half` can be worked on. */
export const caseStatuses = ['open', 'half', 'confirmed', 'refused', 'disputed', 'cancelled', 'expired'] as const;
export type CaseStatus = (typeof caseStatuses)[number];

/** A check in person: asked for by a citizen, made by one official or two. */
export interface CounterCase {
  readonly id: string;
  readonly accountId: string;
  readonly officials: number;
  readonly status: CaseStatus;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  /** The official at whose counter the citizen is now. */
  readonly holder: string | null;
  readonly heldAt: Date | null;
  readonly heldCounter: string | null;
  readonly firstBy: string | null;
  readonly firstAt: Date | null;
  readonly firstCounter: string | null;
  readonly secondBy: string | null;
  readonly secondAt: Date | null;
  readonly secondCounter: string | null;
  readonly category: string | null;
  readonly documentType: string | null;
  readonly closedAt: Date | null;
  readonly reason: string | null;
  /** Of a dispute: who claims the document as well; null: no account that is known. */
  readonly otherAccountId: string | null;
  /** Grows with each write. */
  readonly revision: number;
}

const words = z.string().nullable();
const shape = {
  id: z.string(),
  accountId: z.string(),
  officials: z.number(),
  status: z.enum(caseStatuses),
  openedAt: time,
  expiresAt: time,
  holder: words,
  heldAt: timeOrNull,
  heldCounter: words,
  firstBy: words,
  firstAt: timeOrNull,
  firstCounter: words,
  secondBy: words,
  secondAt: timeOrNull,
  secondCounter: words,
  category: words,
  documentType: words,
  closedAt: timeOrNull,
  reason: words,
  otherAccountId: words,
  revision: z.number(),
};
const caseRow = row(shape);

const columnOf = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const columns = Object.keys(shape).map(columnOf);
const live: readonly CaseStatus[] = ['open', 'half'];

const blindOf = (keyring: Keyring, code: string) => blindIndex(keyring, 'counter-code', code);
const codeContext = (id: string) => `counter-case:${id}:code`;
const documentContext = (id: string) => `counter-case:${id}:document`;

/** Opens a case; false, and nothing written, if the account has one or the code is taken: the database says so. */
export async function insertCase(
  tx: Db,
  keyring: Keyring,
  fresh: Pick<CounterCase, 'id' | 'accountId' | 'officials' | 'openedAt' | 'expiresAt'> & { readonly code: string },
): Promise<boolean> {
  const { id, accountId, code } = fresh;
  const sealedKey = await sealedKeyOf(tx, accountId);
  // `do nothing` on whichever constraint: a caught violation would leave a PostgreSQL transaction aborted.
  const written = await tx('counter_cases')
    .insert({
      id,
      account_id: accountId,
      officials: fresh.officials,
      status: 'open',
      code_blind: blindOf(keyring, code),
      sealed_code: sealFor(keyring, sealedKey, code, codeContext(id)),
      opened_at: toMs(fresh.openedAt),
      expires_at: toMs(fresh.expiresAt),
      revision: 1,
    })
    .onConflict()
    .ignore()
    .returning('id');
  return written.length === 1;
}

/** The case a code stands for while it can be worked on. */
export async function caseByCode(db: Db, keyring: Keyring, code: string): Promise<CounterCase | null> {
  return parsed(
    await db('counter_cases')
      .where({ code_blind: blindOf(keyring, code) })
      .first(columns),
  );
}

export async function caseById(db: Db, id: string): Promise<CounterCase | null> {
  return parsed(await db('counter_cases').where({ id }).first(columns));
}

/** The case, held until the end of the transaction, so that of two who act at once the second sees the first. */
export async function lockCase(tx: Db, id: string): Promise<CounterCase | null> {
  const query = tx('counter_cases').where({ id });
  return parsed(await (kindOf(tx) === 'postgres' ? query.forUpdate() : query).first(columns));
}

/** The one that is open or waits for the second official. */
export async function liveCaseOf(db: Db, accountId: string): Promise<CounterCase | null> {
  return parsed(await db('counter_cases').where({ account_id: accountId }).whereIn('status', live).first(columns));
}

/** The latest cases of an account, the newest first. */
export async function casesOf(db: Db, accountId: string, limit: number): Promise<CounterCase[]> {
  const rows = await db('counter_cases')
    .where({ account_id: accountId })
    .orderBy('id', 'desc')
    .limit(limit)
    .select(columns);
  return rows.map((raw) => caseRow.parse(raw));
}

export interface CounterDispute extends CounterCase {
  /** The person was confirmed in a later case, or the two accounts were made one. */
  readonly settled: boolean;
}

/** What was not for officials at a counter to decide, the newest first. */
export async function disputedCases(db: Db, limit = 100): Promise<CounterDispute[]> {
  const found = await db('counter_cases')
    .where({ status: 'disputed' })
    .orderBy('id', 'desc')
    .limit(limit)
    .select(columns);
  const disputes = found.map((raw) => caseRow.parse(raw));
  const ids = disputes.map(({ accountId }) => accountId);
  const confirmed = z
    .array(z.object({ id: z.string(), account_id: z.string() }))
    .parse(
      await db('counter_cases').where({ status: 'confirmed' }).whereIn('account_id', ids).select('id', 'account_id'),
    );
  const merged = z
    .array(z.object({ keep_id: z.string(), gone_id: z.string() }))
    .parse(
      await db('merges').whereNull('undone_at').whereIn('keep_id', sidesOf(disputes)).select('keep_id', 'gone_id'),
    );
  return disputes.map((dispute) => {
    const { id, accountId, otherAccountId } = dispute;
    const sides = [accountId, otherAccountId];
    const settled =
      confirmed.some((later) => later.account_id === accountId && later.id > id) ||
      merged.some((merge) => sides.includes(merge.keep_id) && sides.includes(merge.gone_id));
    return { ...dispute, settled };
  });
}

const sidesOf = (disputes: readonly CounterCase[]): string[] =>
  disputes.flatMap(({ accountId, otherAccountId }) => (otherAccountId === null ? [] : [accountId, otherAccountId]));

/** The code for the citizen's own page; null once the case is closed. */
export async function codeOf(db: Db, keyring: Keyring, counterCase: CounterCase): Promise<string | null> {
  return opened(db, keyring, counterCase, 'sealed_code', codeContext(counterCase.id));
}

/** What the first official read, as `moveCase` was given it. */
export async function documentOf(db: Db, keyring: Keyring, counterCase: CounterCase): Promise<string | null> {
  return opened(db, keyring, counterCase, 'sealed_document', documentContext(counterCase.id));
}

async function opened(
  db: Db,
  keyring: Keyring,
  { id, accountId }: CounterCase,
  column: 'sealed_code' | 'sealed_document',
  context: string,
): Promise<string | null> {
  const found = await db('counter_cases').where({ id }).first({ sealed: column });
  const sealed = found === undefined ? null : words.parse(found.sealed);
  return sealed === null ? null : openFor(keyring, await sealedKeyOf(db, accountId), sealed, context);
}

export type CaseMove = Partial<Omit<CounterCase, 'id' | 'accountId' | 'openedAt' | 'revision'>>;

/**
 * Writes on from the state that was seen: of any number of callers exactly one gets true. A case that is closed by it
 * loses its code and what was read.
 */
export async function moveCase(
  tx: Db,
  seen: Pick<CounterCase, 'id' | 'revision'>,
  move: CaseMove,
  document?: { readonly keyring: Keyring; readonly accountId: string; readonly text: string },
): Promise<boolean> {
  const written: Record<string, string | number | null> = { revision: seen.revision + 1 };
  for (const [name, value] of Object.entries(move))
    written[columnOf(name)] = value instanceof Date ? toMs(value) : (value ?? null);
  if (document) {
    const sealedKey = await sealedKeyOf(tx, document.accountId);
    written.sealed_document = sealFor(document.keyring, sealedKey, document.text, documentContext(seen.id));
  }
  if (move.status !== undefined && !live.includes(move.status))
    Object.assign(written, { code_blind: null, sealed_code: null, sealed_document: null });
  const changed = await tx('counter_cases')
    .where({ id: seen.id, revision: seen.revision })
    .whereIn('status', live)
    .update(written);
  return changed === 1;
}

/** Cases whose time is over, the longest over first. */
export async function overdueCases(db: Db, now: Date, limit = 100): Promise<string[]> {
  const rows = await db('counter_cases')
    .whereIn('status', live)
    .where('expires_at', '<=', toMs(now))
    .orderBy('expires_at')
    .limit(limit)
    .select('id');
  return rows.map((raw) => z.object({ id: z.string() }).parse(raw).id);
}

function parsed(raw: unknown): CounterCase | null {
  return raw === undefined ? null : caseRow.parse(raw);
}
