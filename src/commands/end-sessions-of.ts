import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { endSessions } from '../storage/sessions.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { denialOf, deny, type InterventionResult } from './intervention-rules.ts';
import { tellApps } from './tell-apps.ts';

/** Staff end sessions of a citizen: one, or all. Tokens and grants go with them, and the apps hear of it. Answers how many. */
export async function endSessionsOf(
  deps: CommandDeps,
  { by, accountId, uid }: { by: By; accountId: string; uid: string | null },
): Promise<InterventionResult<number>> {
  return transaction(deps.db, async (tx) => {
    const at = deps.clock();
    const denied = await denialOf(tx, by, accountId);
    if (denied !== null) return deny(tx, at, by, { accountId, operation: 'end_sessions', kind: null }, denied);
    const which = uid === null ? {} : { uid };
    await tellApps(tx, deps.keyring, { accountId, which, at, initiator: 'admin' });
    const { uids, parked } = await endSessions(tx, accountId, { ...which, at });
    if (uids.length + parked > 0) {
      await append(tx, {
        at,
        type: 'session.ended',
        actor: actorOf(by.accountId),
        accountId,
        clientId: by.cause.clientId,
        requestId: by.cause.requestId,
        outcome: 'ok',
        reason: null,
        data: {
          ...{ count: uids.length, parked, scope: uid === null ? 'all' : 'one' },
          roles: await staffRoles(tx, by.accountId),
        },
      });
    }
    return { done: uids.length };
  });
}
