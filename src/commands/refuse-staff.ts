import { append } from '../storage/audit.ts';
import { actorOf } from './actor.ts';
import type { Cause, CommandDeps } from './command.ts';
import type { Operation, Role } from './permissions.ts';

/** Notes that somebody signed in to the console wanted more than their roles allow. */
export async function refuseStaff(
  deps: CommandDeps,
  input: { accountId: string; operation: Operation; roles: readonly Role[]; method: string; cause: Cause },
): Promise<void> {
  await append(deps.db, {
    at: deps.clock(),
    type: 'staff.refused',
    actor: actorOf(input.accountId),
    accountId: null,
    clientId: input.cause.clientId,
    requestId: input.cause.requestId,
    outcome: 'refused',
    reason: 'role',
    data: { operation: input.operation, roles: [...input.roles], method: input.method },
  });
}
