import { append } from '../storage/audit.ts';
import { type CounterCase, caseByCode, lockCase, moveCase } from '../storage/counter-cases.ts';
import { findCounter } from '../storage/counters.ts';
import { transaction } from '../storage/db.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import {
  type CounterResult,
  counterTimes,
  denialOf,
  deny,
  movedMeanwhile,
  officialMay,
  parseCode,
} from './counter-rules.ts';

/**
 * An official takes up the case of the citizen before them. For a while it is theirs alone; whoever walked away loses it
 * to the next one. Unknown, spent and expired codes read the same.
 */
export async function takeCounterCase(
  deps: CommandDeps,
  input: { by: By; code: string; counter: string },
): Promise<CounterResult<CounterCase>> {
  const at = deps.clock();
  const { by, counter } = input;
  const code = parseCode(input.code);
  return transaction(deps.db, async (tx) => {
    const about = { operation: 'take', counter, seen: null };
    if (!(await officialMay(tx, by, 'counter.verify'))) return deny(tx, at, by, about, 'forbidden');
    if ((await findCounter(tx, counter))?.open !== true) return deny(tx, at, by, about, 'no_counter');
    const found = code === null ? null : await caseByCode(tx, deps.keyring, code);
    const seen = found === null ? null : await lockCase(tx, found.id);
    if (seen === null) return deny(tx, at, by, about, 'code_wrong');
    const denied = (await denialOf(tx, seen, by, at)) ?? (isHeld(seen, by, at) ? 'held' : null);
    if (denied !== null) return deny(tx, at, by, { ...about, seen }, denied === 'closed' ? 'code_wrong' : denied);
    const hold = { holder: by.accountId, heldAt: at, heldCounter: counter };
    if (!(await moveCase(tx, seen, hold))) throw movedMeanwhile();
    await append(tx, {
      at,
      type: 'counter_case.taken',
      actor: { kind: 'staff', id: by.accountId },
      accountId: seen.accountId,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { caseId: seen.id, counter },
    });
    return { done: { ...seen, ...hold, revision: seen.revision + 1 } };
  });
}

const isHeld = ({ holder, heldAt }: CounterCase, by: By, at: Date) =>
  holder !== null && holder !== by.accountId && heldAt !== null && at.getTime() - heldAt.getTime() < counterTimes.hold;
