import { append } from '../storage/audit.ts';
import { liveCaseOf, lockCase, moveCase } from '../storage/counter-cases.ts';
import { transaction } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';
import { claimedElsewhere } from './counter-rules.ts';

/**
 * The citizen calls the check off, also while an official has it before them: what that official enters afterwards is
 * refused. What a first official confirmed before stands. False: there was nothing to call off.
 */
export async function cancelCounterCase(
  deps: CommandDeps,
  input: { accountId: string; cause: Cause },
): Promise<boolean> {
  const at = deps.clock();
  const { accountId, cause } = input;
  return transaction(deps.db, async (tx) => {
    const live = await liveCaseOf(tx, accountId);
    const seen = live === null ? null : await lockCase(tx, live.id);
    if (seen === null) return false;
    const half = seen.status === 'half' && seen.reason !== claimedElsewhere;
    const end = half
      ? ({ status: 'confirmed', reason: 'second_cancelled' } as const)
      : ({ status: 'cancelled' } as const);
    if (!(await moveCase(tx, seen, { ...end, closedAt: at }))) return false;
    await append(tx, {
      at,
      type: 'counter_case.cancelled',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId: cause.clientId,
      requestId: cause.requestId,
      outcome: 'ok',
      reason: half ? 'second_cancelled' : null,
      data: { caseId: seen.id, officials: seen.officials },
    });
    return true;
  });
}
