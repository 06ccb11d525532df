import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { endSessions } from '../storage/sessions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { tellApps } from './tell-apps.ts';

/** Ends sessions of an account: one, all but one, or all; their apps will hear of it. Answers those that were alive. */
export async function endOwnSessions(
  deps: CommandDeps,
  input: { accountId: string; which: { uid?: string; except?: string }; cause: Cause },
): Promise<readonly string[]> {
  const at = deps.clock();
  const scope = input.which.uid !== undefined ? 'one' : input.which.except !== undefined ? 'others' : 'all';
  return transaction(deps.db, async (tx) => {
    const { accountId, which } = input;
    await tellApps(tx, deps.keyring, { accountId, which, at, initiator: 'user' });
    const { uids, parked } = await endSessions(tx, input.accountId, { ...input.which, at });
    if (uids.length + parked === 0) return uids;
    await append(tx, {
      at,
      type: 'session.ended',
      actor: { kind: 'citizen', id: input.accountId },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { count: uids.length, parked, scope },
    });
    return uids;
  });
}
