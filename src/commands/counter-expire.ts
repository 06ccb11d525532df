import { append } from '../storage/audit.ts';
import { type CounterCase, lockCase, moveCase, overdueCases } from '../storage/counter-cases.ts';
import { type Db, transaction } from '../storage/db.ts';
import type { CommandDeps } from './command.ts';
import { claimedElsewhere } from './counter-rules.ts';

/** Closes what nobody came for in time, each case by itself. Every node does; whoever has the row locked closes it. */
export async function expireCounterCases(deps: Pick<CommandDeps, 'db' | 'clock'>): Promise<number> {
  const at = deps.clock();
  let closed = 0;
  for (const id of await overdueCases(deps.db, at)) {
    const done = await transaction(deps.db, async (tx) => {
      const seen = await lockCase(tx, id);
      return seen !== null && seen.expiresAt <= at && (await endOverdue(tx, seen, at));
    });
    if (done) closed += 1;
  }
  return closed;
}

/** What the first of two officials confirmed stands, as the word of one. */
export async function endOverdue(tx: Db, seen: CounterCase, at: Date): Promise<boolean> {
  const half = seen.status === 'half' && seen.reason !== claimedElsewhere;
  const end = half ? ({ status: 'confirmed', reason: 'second_missed' } as const) : ({ status: 'expired' } as const);
  if (!(await moveCase(tx, seen, { ...end, closedAt: at }))) return false;
  await append(tx, {
    at,
    type: 'counter_case.expired',
    actor: { kind: 'system', id: 'counter' },
    accountId: seen.accountId,
    clientId: null,
    requestId: null,
    outcome: 'ok',
    reason: half ? 'second_missed' : null,
    data: { caseId: seen.id, officials: seen.officials },
  });
  return true;
}
