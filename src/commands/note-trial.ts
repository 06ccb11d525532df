import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';

/** A member of staff tried a bridge: they saw what it answered about whoever signed in there. */
export async function noteTrial(deps: CommandDeps, input: { by: By; bridge: string; result: string }): Promise<void> {
  const { by, bridge, result } = input;
  await transaction(deps.db, async (tx) => {
    const roles = await staffRoles(tx, by.accountId);
    await append(tx, {
      at: deps.clock(),
      type: 'bridge.tried',
      actor: actorOf(by.accountId),
      accountId: null,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: result === 'identified' ? 'ok' : 'failed',
      reason: null,
      data: { bridge, result, roles },
    });
  });
}
