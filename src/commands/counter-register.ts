import { lockCase } from '../storage/counter-cases.ts';
import { transaction } from '../storage/db.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { deny } from './counter-rules.ts';

/** Notes that the population register did not confirm what an official entered; not what that was. */
export async function noteRegisterDenial(
  deps: CommandDeps,
  input: { by: By; caseId: string; outcome: string },
): Promise<void> {
  await transaction(deps.db, async (tx) => {
    const seen = await lockCase(tx, input.caseId);
    const about = { operation: 'register', counter: seen?.heldCounter ?? null, seen };
    await deny(tx, deps.clock(), input.by, about, `register_${input.outcome}`);
  });
}
