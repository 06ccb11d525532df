import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { type ChangeStatus, lockChange } from '../storage/changes.ts';
import { transaction } from '../storage/db.ts';
import { activeShadows, startShadow, stopShadow } from '../storage/shadow.ts';
import { actorOf } from './actor.ts';
import { proposalOf, validPolicy } from './change-payload.ts';
import { type By, orThrow, type Refusal, refuse, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { may } from './permissions.ts';

const open: readonly ChangeStatus[] = ['draft', 'proposed', 'scheduled'];

/**
 * Tries a draft of the policy beside the one in force, or ends that. One at a time: the one tried before ends. Nobody is
 * affected, so one person suffices.
 * @throws ShiminError `policy_invalid` for a draft that can't stand; `change_decided` when it is no draft any more
 */
export async function setShadow(deps: CommandDeps, input: { by: By; id: string; on: boolean }): Promise<void> {
  const at = deps.clock();
  const { by, id, on } = input;
  const result = await transaction(deps.db, async (tx): Promise<{ done: null } | Refusal> => {
    const change = await lockChange(tx, id);
    if (change?.kind !== 'policy') throw new ShiminError('not_found', { status: 404 });
    const about = { change, kind: change.kind, operation: 'shadow', roles: await staffRoles(tx, by.accountId) };
    if (!may(about.roles, 'policy.propose')) return refuse(tx, at, by, about, 'forbidden');
    let replaced: string | null = null;
    if (on) {
      if (!open.includes(change.status)) return refuse(tx, at, by, about, 'change_decided');
      const what = proposalOf(change);
      if (what.kind === 'policy') validPolicy(what.payload.document);
      for (const { changeId } of await activeShadows(tx))
        if (changeId !== id && (await stopShadow(tx, changeId, at))) replaced = changeId;
      await startShadow(tx, { changeId: id, since: at, setBy: by.accountId });
    } else if (!(await stopShadow(tx, id, at))) return { done: null };
    await append(tx, {
      at,
      type: 'shadow.set',
      actor: actorOf(by.accountId),
      accountId: null,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { changeId: id, on, replaced },
    });
    return { done: null };
  });
  orThrow(result);
}
