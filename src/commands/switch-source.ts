import { changeData } from '../audit/fields.ts';
import { append } from '../storage/audit.ts';
import type { Change } from '../storage/changes.ts';
import { transaction } from '../storage/db.ts';
import { setSource, sourceById } from '../storage/sources.ts';
import { actorOf } from './actor.ts';
import { type By, orThrow, type Refusal, refuse, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { may } from './permissions.ts';
import { proposeConfirmation } from './propose-change.ts';

/**
 * Emergency stop: the source is off when this returns, on other nodes within a second. Its evidence counts for nothing
 * while it is off. The change it answers waits for a second person, who confirms it or switches the source on again.
 * Switching without haste is an ordinary change (`proposeChange`).
 * @throws ShiminError `forbidden`; `change_decided` when it is off already
 */
export async function killSource(
  deps: CommandDeps,
  input: { by: By; source: string; reason: string },
): Promise<Change> {
  const at = deps.clock();
  const { by, source } = input;
  const result = await transaction(deps.db, async (tx): Promise<{ done: Change } | Refusal> => {
    const roles = await staffRoles(tx, by.accountId);
    const about = { change: null, kind: 'source', operation: 'kill', roles };
    if (!may(roles, 'source.kill')) return refuse(tx, at, by, about, 'forbidden');
    const known = await sourceById(tx, source);
    if (known?.enabled === false) return refuse(tx, at, by, about, 'change_decided');
    const change = await proposeConfirmation(tx, at, by, source, input.reason);
    await setSource(tx, {
      id: source,
      enabled: false,
      changedAt: at,
      changedBy: by.accountId,
      reason: input.reason,
      needsSecond: change.id,
    });
    await append(tx, {
      at,
      type: 'source.switched',
      actor: actorOf(by.accountId),
      accountId: null,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: 'ok',
      reason: 'killed',
      data: {
        ...{ source, from: true, to: false, changeId: change.id, roles },
        ...changeData({ enabled: true }, { enabled: false }),
      },
    });
    return { done: change };
  });
  return orThrow(result);
}
