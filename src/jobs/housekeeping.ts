import { type Clock, clockMarginMs } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Db } from '../storage/db.ts';
import { pruneDecisions } from '../storage/decisions.ts';
import { pruneIdempotency } from '../storage/idempotency.ts';
import { pruneDevices } from '../storage/known-devices.ts';
import { pruneExpired } from '../storage/oidc-models/grants.ts';
import { prune } from '../storage/pending.ts';
import { pruneSessions } from '../storage/sessions.ts';
import { pruneSignalEvents } from '../storage/signal-events.ts';
import { pruneLooks } from '../storage/staff-looks.ts';
import { pruneThrottles } from '../storage/throttle.ts';

const everyMs = 60_000;
/** Decisions, and the events they were made on, can be explained for this long. */
const keptMs = 400 * 86_400_000;
/** What a receiver did not fetch by then tells of the past (docs/signals.md). */
const signalsKeptMs = 30 * 86_400_000;

export interface HousekeepingDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  /** What a command must do, handed in by the composition root. */
  readonly also: (deps: { db: Db; clock: Clock }) => Promise<unknown>;
}

/** Batches of one kind in one go, so that no kind holds up the others; the rest has its turn a minute later. */
const mostBatches = 100;

/**
 * Removes what expired: once through all of it. What says no (a throttle, a lock, a key under which something was done) is
 * kept for the margin, so that it still says no when the clock is set back; replays have the margin in their own time
 * (`storage/oidc-models.ts`). What says yes goes at once, and doesn't come back.
 */
export async function housekeep({ db, clock, also }: Omit<HousekeepingDeps, 'log'>): Promise<void> {
  const now = clock();
  const ago = (ms: number) => new Date(now.getTime() - ms);
  await also({ db, clock });
  await allOf(() => pruneExpired(db, now));
  await allOf(() => prune(db, now));
  await allOf(() => pruneThrottles(db, ago(clockMarginMs)));
  await pruneLooks(db, now);
  await pruneDevices(db, ago(keptMs));
  await allOf(() => pruneIdempotency(db, ago(clockMarginMs)));
  await allOf(() => pruneSignalEvents(db, ago(signalsKeptMs)));
  await allOf(() => pruneDecisions(db, ago(keptMs)));
  await allOf(() => pruneSessions(db, ago(keptMs)));
}

/** Batch after batch until one finds nothing more. */
async function allOf(removeSome: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < mostBatches; batch += 1) if ((await removeSome()) === 0) return;
}

/** Does it every minute, in small batches, away from any request. */
export function startHousekeeping(deps: HousekeepingDeps): { stop(): void } {
  const timer = setInterval(() => {
    housekeep(deps).catch((error: unknown) =>
      deps.log.warn({ err: error }, 'housekeeping failed; tried again in a minute'),
    );
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
