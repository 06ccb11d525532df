import { append } from '../storage/audit.ts';
import { type Counter, saveCounter } from '../storage/counters.ts';
import { transaction } from '../storage/db.ts';
import type { CommandDeps } from './command.ts';

/**
 * Writes the city's counters as they are from now on; one that is not named stays as it is, one that ends is closed and
 * not deleted, since receipts name it. Says which changed.
 */
export async function saveCounters(
  deps: Pick<CommandDeps, 'db' | 'clock'>,
  input: { counters: readonly Counter[]; operator: string },
): Promise<string[]> {
  return transaction(deps.db, async (tx) => {
    const changed: string[] = [];
    for (const counter of input.counters) if (await saveCounter(tx, counter)) changed.push(counter.id);
    if (changed.length === 0) return [];
    await append(tx, {
      at: deps.clock(),
      type: 'counter.saved',
      actor: { kind: 'operator', id: input.operator },
      accountId: null,
      clientId: null,
      requestId: null,
      outcome: 'ok',
      reason: null,
      data: { counters: changed },
    });
    return changed;
  });
}
