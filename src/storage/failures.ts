import { z } from 'zod';
import type { Db } from './db.ts';
import { rowsOf, toMs } from './rows.ts';

/** Failures in a row after which an authenticator is stopped until it is bound anew (SP 800-63B-4 3.2.2). */
export const maxFailures = 100;

/** Which row of failures; a password's and the recovery codes' id is the account's. */
export const failuresBucket = (kind: 'password' | 'totp' | 'recovery_code', id: string): string => `${kind}:${id}`;

/**
 * Counts a try in a row that no waiting ends, and says how many there are now. Null: there were `maxFailures` already, so
 * that of any number of tries side by side no more than these are looked at. Call it outside a transaction that may
 * roll back.
 */
export async function countFailure(db: Db, bucket: string, now: Date): Promise<number | null> {
  const result: unknown = await db.raw(
    `insert into failures (bucket, count, last_at) values (:bucket, 1, :at)
     on conflict (bucket) do update set count = failures.count + 1, last_at = :at where failures.count < :max
     returning count`,
    { bucket, at: toMs(now), max: maxFailures },
  );
  const [counted] = rowsOf(result);
  return counted === undefined ? null : z.object({ count: z.number() }).parse(counted).count;
}

export async function failuresOf(db: Db, bucket: string): Promise<{ count: number; lastAt: Date | null }> {
  const found = await db('failures').where({ bucket }).first('count', 'last_at');
  if (found === undefined) return { count: 0, lastAt: null };
  const { count, last_at } = z.object({ count: z.number(), last_at: z.number() }).parse(found);
  return { count, lastAt: new Date(last_at) };
}

/** Whether it is stopped: as many failures in a row as there may be. */
export async function isStopped(db: Db, ...what: Parameters<typeof failuresBucket>): Promise<boolean> {
  return (await failuresOf(db, failuresBucket(...what))).count >= maxFailures;
}

/** A success ends the row of failures, of that authenticator only (SP 800-63B-4 3.2.2); so does binding it anew. */
export async function clearFailures(db: Db, bucket: string): Promise<void> {
  await db('failures').where({ bucket }).delete();
}

/** A column that says whether a row's authenticator is stopped; `id` is the column that the row of failures is named by. */
export const stoppedColumn = (db: Db, kind: 'password' | 'totp', id: string) =>
  db.raw(`exists (select 1 from failures where bucket = ? || ${id} and count >= ?) as stopped`, [
    `${kind}:`,
    maxFailures,
  ]);
