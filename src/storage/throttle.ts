import { z } from 'zod';
import type { Db } from './db.ts';
import { rowsOf, toMs } from './rows.ts';

export interface HitRule {
  /** What is limited and for whom; holds hashes, never a phone number or name. */
  readonly bucket: string;
  /** Hits allowed within the window. */
  readonly limit: number;
  readonly windowSec: number;
  /** How long the bucket stays shut once the limit is passed; 0: only until the window ends. */
  readonly lockSec: number;
  readonly now: Date;
  /** How many hits it counts for; default: one. */
  readonly weight?: number;
}

export interface HitResult {
  readonly allowed: boolean;
  readonly retryAfterSec: number;
}

const counted = z.object({ hits: z.number(), window_ends_at: z.number(), locked_until: z.number() });

/**
 * Counts one hit and says whether it may go on. One statement, so parallel hits on several nodes cannot pass together.
 * Call it outside the transaction it guards: a rollback would take the count back. Hits on a shut bucket are not
 * counted, so a lock ends when it said it would; after it, or after the window, counting starts anew.
 */
export async function hit(db: Db, rule: HitRule): Promise<HitResult> {
  const now = toMs(rule.now);
  const windowEnd = now + rule.windowSec * 1000;
  const lockEnd = rule.lockSec > 0 ? now + rule.lockSec * 1000 : 0;
  const { weight = 1 } = rule;
  const firstLock = rule.limit < weight ? lockEnd : 0;
  const locked = 'throttles.locked_until > :now';
  const over = '(throttles.window_ends_at <= :now or throttles.locked_until > 0)';
  const result: unknown = await db.raw(
    `insert into throttles (bucket, hits, window_ends_at, locked_until) values (:bucket, :weight, :windowEnd, :firstLock)
     on conflict (bucket) do update set
       hits = case when ${locked} then throttles.hits when ${over} then :weight else throttles.hits + :weight end,
       window_ends_at = case when ${locked} then throttles.window_ends_at when ${over} then :windowEnd
         else throttles.window_ends_at end,
       locked_until = case when ${locked} then throttles.locked_until when ${over} then :firstLock
         when throttles.hits + :weight > :limit then :lockEnd else 0 end
     returning hits, window_ends_at, locked_until`,
    { bucket: rule.bucket, now, windowEnd, firstLock, lockEnd, limit: rule.limit, weight },
  );
  const state = counted.parse(rowsOf(result)[0]);
  const shutUntil = state.locked_until > now ? state.locked_until : state.hits > rule.limit ? state.window_ends_at : 0;
  return shutUntil === 0
    ? { allowed: true, retryAfterSec: 0 }
    : { allowed: false, retryAfterSec: Math.max(1, Math.ceil((shutUntil - now) / 1000)) };
}

/** Whether a bucket has hits in a window that goes on. */
export async function wasHit(db: Db, bucket: string, now: Date): Promise<boolean> {
  const found = await db('throttles')
    .where({ bucket })
    .where('hits', '>', 0)
    .where('window_ends_at', '>', toMs(now))
    .first('hits');
  return found !== undefined;
}

/** Takes one hit back, where the bucket is not shut: what was tried came to a good end. */
export async function giveBack(db: Db, bucket: string, now: Date): Promise<void> {
  await db('throttles')
    .where({ bucket })
    .where('hits', '>', 0)
    .where('locked_until', '<=', toMs(now))
    .decrement('hits', 1);
}

/** Forgets a bucket, for example after a success. */
export async function clear(db: Db, bucket: string): Promise<void> {
  await db('throttles').where({ bucket }).delete();
}

/** Deletes buckets whose window and lock are over. */
export async function pruneThrottles(db: Db, now: Date, limit = 1_000): Promise<number> {
  const old = db('throttles')
    .where('window_ends_at', '<=', toMs(now))
    .where('locked_until', '<=', toMs(now))
    .limit(limit)
    .select('bucket');
  return db('throttles').whereIn('bucket', old).delete();
}
