import { append } from '../storage/audit.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';

/** What of a citizen's record staff may open. */
export type Looked = 'person' | 'decision' | 'counter_case' | 'audit_note';

/** Notes that staff looked at a citizen's record; the citizen sees the line among their own activity. */
export async function noteLook(
  deps: CommandDeps,
  look: { by: By; accountId: string; what: Looked; ref?: string | null; reason?: string },
): Promise<void> {
  const { by, accountId, what, ref = null, reason = null } = look;
  await append(deps.db, {
    at: deps.clock(),
    type: 'person.viewed',
    actor: actorOf(by.accountId),
    accountId,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason,
    data: { what, ref, roles: await staffRoles(deps.db, by.accountId) },
  });
}
