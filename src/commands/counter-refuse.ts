import { append } from '../storage/audit.ts';
import { lockCase, moveCase } from '../storage/counter-cases.ts';
import { transaction } from '../storage/db.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import {
  type CounterResult,
  denialOf,
  deny,
  movedMeanwhile,
  officialMay,
  type RefusalReason,
} from './counter-rules.ts';
import { revokeEvidenceIn } from './revoke-evidence.ts';

/**
 * The official before whom the citizen stands says no. What a first official confirmed in the same case falls with it:
 * two officials who disagree have confirmed nothing.
 */
export async function refuseCounterCase(
  deps: CommandDeps,
  input: { by: By; caseId: string; reason: RefusalReason },
): Promise<CounterResult<'refused'>> {
  const at = deps.clock();
  const { by, reason } = input;
  return transaction(deps.db, async (tx) => {
    const seen = await lockCase(tx, input.caseId);
    const about = { operation: 'refuse', counter: seen?.heldCounter ?? null, seen };
    if (!(await officialMay(tx, by, 'counter.confirm'))) return deny(tx, at, by, about, 'forbidden');
    if (seen === null) return deny(tx, at, by, about, 'closed');
    const denied = (await denialOf(tx, seen, by, at)) ?? (seen.holder === by.accountId ? null : 'not_held');
    if (denied !== null) return deny(tx, at, by, about, denied);
    const half = seen.status === 'half';
    const mine = half
      ? { secondBy: by.accountId, secondAt: at, secondCounter: seen.heldCounter }
      : { firstBy: by.accountId, firstAt: at, firstCounter: seen.heldCounter };
    if (!(await moveCase(tx, seen, { ...mine, status: 'refused', reason, closedAt: at }))) throw movedMeanwhile();
    const actor = { kind: 'staff', id: by.accountId } as const;
    if (half) {
      const which = { source: 'counter', reference: seen.id };
      const { requestId } = by.cause;
      await revokeEvidenceIn(tx, deps, { which, reason, actor, initiator: 'admin', requestId });
    }
    await append(tx, {
      at,
      type: 'counter_case.refused',
      actor,
      accountId: seen.accountId,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: 'refused',
      reason,
      data: { caseId: seen.id, counter: seen.heldCounter, official: half ? 2 : 1, officials: seen.officials },
    });
    return { done: 'refused' };
  });
}
