import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { auditLines } from '../storage/audit.ts';
import { addCounts, type DailyCount, dayOf, moveMark, rollupMark } from '../storage/daily-counts.ts';
import { type Db, transaction } from '../storage/db.ts';
import { decisionsSince } from '../storage/decisions.ts';
import { takeVisits } from '../storage/journey-visits.ts';
import { type Loop, startLoop } from './loop.ts';

type Count = Omit<DailyCount, 'count'>;

const batch = 2_000;
/** An interaction lives for 30 minutes; after this nobody comes back to it. */
const leftAfterMs = 40 * 60_000;
/** Rows of other nodes may be committed a little after the time in their ids. */
const settleMs = 5_000;

export interface RollUpDeps {
  readonly db: Db;
  readonly clock: Clock;
  /** Something odd about a source was counted, by this process and no other. */
  readonly onOdd?: (what: string, source: string) => void;
}

/** Counts what happened into the day it happened on, each thing once, whichever process does it. Says whether there is more. */
export async function rollUp(deps: RollUpDeps): Promise<boolean> {
  const more = [await rollUpDecisions(deps), await rollUpAudit(deps), await rollUpVisits(deps)];
  return more.some(Boolean);
}

async function rollUpDecisions({ db, clock }: { db: Db; clock: Clock }): Promise<boolean> {
  const mark = await rollupMark(db, 'decisions');
  const page = await decisionsSince(db, { since: new Date(0), limit: batch, ...(mark ? { afterId: mark } : {}) });
  const settled = page.filter((decision) => decision.at.getTime() < clock().getTime() - settleMs);
  const last = settled.at(-1);
  if (!last) return false;
  const counts = settled.map(
    ({ at, clientId, outcome, level }): Count => ({
      day: dayOf(at),
      kind: 'signin',
      a: clientId,
      b: outcome,
      c: level ?? '',
    }),
  );
  return (await counted(db, 'decisions', mark, last.id, counts)) && settled.length === batch;
}

async function rollUpAudit({ db, onOdd }: RollUpDeps): Promise<boolean> {
  const mark = await rollupMark(db, 'audit');
  // As they are stored: a line that somebody spoilt is for `audit verify`, and holds nothing up here.
  const page = await auditLines(db, { afterSeq: Number(mark || 0), limit: batch });
  const last = page.at(-1);
  if (!last) return false;
  const counts = page.flatMap((line): Count[] => {
    if (!('type' in line)) return [];
    const { type, data, at, outcome, clientId, reason } = line;
    if (type === 'source.odd') return [{ day: dayOf(at), kind: 'odd', a: reason ?? '', b: String(data.source), c: '' }];
    if (type !== 'authentication.succeeded' && type !== 'authentication.failed') return [];
    const { methods } = data;
    const names = typeof methods === 'string' ? [methods] : Array.isArray(methods) ? methods.map(String) : [];
    return names.map((method) => ({ day: dayOf(at), kind: 'method', a: method, b: outcome, c: clientId ?? '' }));
  });
  const mine = await counted(db, 'audit', mark, String(last.seq), counts);
  if (mine) for (const { kind, a, b } of counts) if (kind === 'odd') onOdd?.(a, b);
  return mine && page.length === batch;
}

async function rollUpVisits({ db, clock }: { db: Db; clock: Clock }): Promise<boolean> {
  const now = clock();
  return transaction(db, async (tx) => {
    const visits = await takeVisits(tx, new Date(now.getTime() - leftAfterMs), 200);
    const day = dayOf(now);
    await addCounts(
      tx,
      visits.map(({ clientId, finishedAt, lastPage }): Count => {
        const ended = finishedAt !== null;
        return { day, kind: 'journey', a: clientId, b: ended ? 'ended' : 'left', c: ended ? '' : lastPage };
      }),
    );
    return visits.length === 200;
  });
}

/** True when this process was the one that counted. */
function counted(db: Db, name: string, from: string, to: string, counts: readonly Count[]): Promise<boolean> {
  return transaction(db, async (tx) => {
    if (!(await moveMark(tx, name, from, to))) return false;
    await addCounts(tx, counts);
    return true;
  });
}

export interface SourceStats {
  /** A call to a source of evidence ended. */
  note(source: string, ok: boolean): void;
}

/**
 * Counts in the background every ten seconds. Calls to sources are gathered in memory till then: a process that dies takes
 * ten seconds of that one plot with it, and no request waits for a count.
 */
export function startRollups(deps: RollUpDeps & { log: Log }): Loop & SourceStats {
  let calls: Count[] = [];
  const loop = startLoop({
    log: deps.log,
    name: 'rollups',
    everyMs: 10_000,
    run: async () => {
      const gathered = calls;
      calls = [];
      try {
        if (gathered.length > 0) await transaction(deps.db, (tx) => addCounts(tx, gathered));
      } catch (error) {
        calls = [...gathered, ...calls];
        throw error;
      }
      return rollUp(deps);
    },
  });
  return {
    ...loop,
    note(source, ok) {
      calls.push({ day: dayOf(deps.clock()), kind: 'source', a: source, b: ok ? 'ok' : 'failed', c: '' });
    },
  };
}
