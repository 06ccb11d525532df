import type { AuthenticationEvent } from '../assurance/evidence.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import {
  type AppReplay,
  type Comparison,
  compareCitizens,
  type Movement,
  replayDecisions,
} from '../assurance/preview.ts';
import { countingNow, decisionsThen } from '../standing/cohort.ts';
import { decisionsSince, isOfRules, wasWishLeft } from '../storage/decisions.ts';
import { type Holder, holdersAfter } from '../storage/preview-facts.ts';
import { disabledSources } from '../storage/sources.ts';
import type { AdminDeps } from './deps.ts';

/** What a draft would mean, counted over everybody and over the sign-ins of the last days. */
export interface Counted {
  finished: boolean;
  comparison: Comparison;
  replay: readonly AppReplay[];
  /** Recorded decisions that were looked at. */
  decisions: number;
}

export const replayDays = 30;
const page = { people: 250, decisions: 250 };
/** How long a page waits for its numbers; a city's count goes on behind it. */
const patienceMs = 4_000;
const keepMs = 10 * 60_000;

interface Job {
  readonly counted: Counted;
  readonly startedAt: number;
  readonly over: Promise<void>;
}

/** Counts under way or just done, by draft and revision; one installation's numbers are no secret of another's. */
const jobs = new WeakMap<AdminDeps['db'], Map<string, Job>>();

/**
 * The numbers of a draft. For a town they are there at once; for a city the first look starts the count, which reads a
 * page of accounts at a time so that sign-ins go on beside it, and later looks see how far it is.
 */
export async function countFor(
  deps: Pick<AdminDeps, 'db' | 'clock'>,
  key: string,
  policies: { old: AssurancePolicy; next: AssurancePolicy },
): Promise<Counted> {
  const running = jobs.get(deps.db) ?? new Map<string, Job>();
  jobs.set(deps.db, running);
  const now = performance.now();
  for (const [id, job] of running) if (now - job.startedAt > keepMs) running.delete(id);
  let job = running.get(key);
  if (job === undefined) {
    const counted: Counted = {
      finished: false,
      comparison: { people: 0, rising: 0, dropping: 0, movements: [] },
      replay: [],
      decisions: 0,
    };
    job = { counted, startedAt: now, over: count(deps, policies, counted) };
    // A count that failed is started anew by the next look; this look is told.
    job.over.catch(() => running.delete(key));
    running.set(key, job);
  }
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([job.over, patience]).finally(() => clearTimeout(timer));
  return job.counted;
}

async function count(
  deps: Pick<AdminDeps, 'db' | 'clock'>,
  { old, next }: { old: AssurancePolicy; next: AssurancePolicy },
  counted: Counted,
): Promise<void> {
  const now = deps.clock();
  const off = await disabledSources(deps.db);
  let after = '';
  for (;;) {
    const holders = await holdersAfter(deps.db, after, page.people);
    const people = holders.map((holder) => ({ ...holder, events: justNow(holder, now) }));
    const cohorts = countingNow(people, { off, at: now }).map((counting) => ({ ...counting, count: 1 }));
    counted.comparison = sum(counted.comparison, compareCitizens(old, next, cohorts, now));
    after = holders.at(-1)?.accountId ?? after;
    if (holders.length < page.people) break;
  }
  const since = new Date(now.getTime() - replayDays * 86_400_000);
  const then = await decisionsThen(deps.db);
  let afterId: string | undefined;
  for (;;) {
    const decisions = await decisionsSince(deps.db, { since, afterId, limit: page.decisions });
    const recorded = (await then(decisions)).map(({ decision, counting: { evidence, events } }) => ({
      ...decision,
      ...{ evidence, events, offered: wasWishLeft(decision) },
    }));
    // A sign-in whose session is long gone left no events to judge it by.
    const known = recorded.filter(
      (decision) => isOfRules(decision) && (decision.events.length > 0 || decision.outcome !== 'met'),
    );
    counted.replay = merge(counted.replay, replayDecisions(next, known));
    counted.decisions += known.length;
    afterId = decisions.at(-1)?.id;
    if (decisions.length < page.decisions) break;
  }
  counted.finished = true;
}

/** What they would show if they signed in at this moment with all they have. */
function justNow(holder: Holder, at: Date): AuthenticationEvent[] {
  const event = (id: string, method: AuthenticationEvent['method'], facts: Partial<AuthenticationEvent>) => ({
    id,
    method,
    at,
    credentialId: null,
    factors: [],
    userVerified: false,
    phishingResistant: false,
    deviceBound: false,
    interaction: 'preview',
    ...facts,
  });
  return [
    ...holder.passkeys.map(({ synced }, i) =>
      event(`passkey:${i}`, 'passkey', {
        factors: ['possession', 'inherence'],
        userVerified: true,
        phishingResistant: true,
        deviceBound: !synced,
      }),
    ),
    ...(holder.hasPassword ? [event('password', 'password', { factors: ['knowledge'] })] : []),
    ...(holder.hasTotp ? [event('totp', 'totp', { factors: ['possession'] })] : []),
  ];
}

function sum(a: Comparison, b: Comparison): Comparison {
  const movements = new Map<string, Movement>();
  for (const movement of [...a.movements, ...b.movements]) {
    const key = `${movement.category ?? ''} ${movement.level}`;
    const known = movements.get(key);
    movements.set(
      key,
      known ? { ...known, rise: known.rise + movement.rise, drop: known.drop + movement.drop } : movement,
    );
  }
  return {
    people: a.people + b.people,
    rising: a.rising + b.rising,
    dropping: a.dropping + b.dropping,
    movements: [...movements.values()],
  };
}

function merge(a: readonly AppReplay[], b: readonly AppReplay[]): AppReplay[] {
  const apps = new Map(a.map((app) => [app.clientId, app]));
  for (const app of b) {
    const known = apps.get(app.clientId);
    if (!known) {
      apps.set(app.clientId, app);
      continue;
    }
    const moves = new Map(known.moves.map((move) => [`${move.from} ${move.to}`, move]));
    for (const move of app.moves) {
      const key = `${move.from} ${move.to}`;
      moves.set(key, { ...move, count: move.count + (moves.get(key)?.count ?? 0) });
    }
    apps.set(app.clientId, {
      clientId: app.clientId,
      decisions: known.decisions + app.decisions,
      changed: known.changed + app.changed,
      moves: [...moves.values()],
    });
  }
  return [...apps.values()];
}
