import type { Clock } from '../lib/clock.ts';
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

/** Removes what expired, in small batches, away from any request. */
export function startHousekeeping(deps: HousekeepingDeps): { stop(): void } {
  const run = async () => {
    const now = deps.clock();
    await deps.also(deps);
    await pruneExpired(deps.db, now);
    await prune(deps.db, now);
    await pruneThrottles(deps.db, now);
    await pruneLooks(deps.db, now);
    await pruneDevices(deps.db, new Date(now.getTime() - keptMs));
    await pruneIdempotency(deps.db, now);
    await pruneSignalEvents(deps.db, new Date(now.getTime() - signalsKeptMs));
    await pruneDecisions(deps.db, new Date(now.getTime() - keptMs));
    await pruneSessions(deps.db, new Date(now.getTime() - keptMs));
  };
  const timer = setInterval(() => {
    run().catch((error: unknown) => deps.log.warn({ err: error }, 'housekeeping failed; tried again in a minute'));
  }, everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
