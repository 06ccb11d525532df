import { append } from '../storage/audit.ts';
import { type CounterCase, moveCase } from '../storage/counter-cases.ts';
import type { Db } from '../storage/db.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { movedMeanwhile } from './counter-rules.ts';
import { notify } from './notify.ts';
import { revokeEvidenceIn } from './revoke-evidence.ts';

/**
 * Closes a case that is not for officials at a counter to decide: a second number of a document that people hold once, or one that
 * another account has proved as well. Nothing is bound; what a first official confirmed in the case falls with it.
 */
export async function disputeCase(
  tx: Db,
  deps: CommandDeps,
  seen: CounterCase,
  by: By,
  about: { reason: 'other_number' | 'claimed_as_strongly'; documentType: string; otherAccountId: string | null },
): Promise<{ done: 'disputed' }> {
  const at = deps.clock();
  const half = seen.status === 'half';
  const mine = half
    ? { secondBy: by.accountId, secondAt: at, secondCounter: seen.heldCounter }
    : { firstBy: by.accountId, firstAt: at, firstCounter: seen.heldCounter };
  const { reason, documentType, otherAccountId } = about;
  if (!(await moveCase(tx, seen, { ...mine, status: 'disputed', documentType, reason, otherAccountId, closedAt: at })))
    throw movedMeanwhile();
  const actor = { kind: 'staff', id: by.accountId } as const;
  const { clientId, requestId } = by.cause;
  if (half) {
    const which = { source: 'counter', reference: seen.id };
    await revokeEvidenceIn(tx, deps, { which, reason: 'disputed', actor, initiator: 'admin', requestId });
  }
  // Somebody showed a card that says so: that is for the other side to know, whoever is right.
  if (otherAccountId !== null) await notify(tx, deps, { accountId: otherAccountId, kind: 'identity_disputed', at });
  const sides = otherAccountId === null ? [seen.accountId] : [seen.accountId, otherAccountId];
  for (const accountId of sides)
    await append(tx, {
      ...{ at, type: 'counter_case.disputed', actor, accountId, clientId, requestId, outcome: 'refused', reason },
      data: { caseId: seen.id, counter: seen.heldCounter, official: half ? 2 : 1, documentType },
    });
  return { done: 'disputed' };
}
