import { inForce, transition } from '../assurance/interventions.ts';
import { lockAccount } from '../storage/accounts.ts';
import { type Db, transaction } from '../storage/db.ts';
import { openInterventions, overdueInterventions } from '../storage/interventions.ts';
import { announceEnabled, closeOne } from './close-interventions.ts';
import type { CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';

/**
 * Closes interventions whose time is over. They count for nothing from that moment on; this writes it down and tells the
 * apps. Every node does it; each is closed by exactly one.
 */
export async function expireInterventions(deps: CommandDeps): Promise<number> {
  const at = deps.clock();
  let closed = 0;
  for (const accountId of await overdueInterventions(deps.db, at)) {
    closed += await transaction(deps.db, async (tx) => {
      await lockAccount(tx, accountId);
      return expireIn(tx, deps, accountId, at);
    });
  }
  return closed;
}

/** The same of one account, which the caller's transaction holds. */
export async function expireIn(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  accountId: string,
  at: Date,
): Promise<number> {
  const open = await openInterventions(tx, accountId);
  const living = new Set(inForce(open, at));
  const over = open.filter((item) => !living.has(item));
  for (const item of over) {
    const next = transition([{ kind: item.kind, done: [] }], { do: 'expire', kind: item.kind });
    if ('refused' in next) continue;
    const initiator = 'policy' as const;
    await withLevelChange(tx, deps.keyring, { accountId, at, initiator, reason: 'intervention_expired' }, () =>
      closeOne(tx, deps, item, {
        accountId,
        at,
        how: 'expired',
        actor: { kind: 'system', id: 'interventions' },
        reason: null,
        note: null,
        cause: { requestId: null, clientId: null },
      }),
    );
    await announceEnabled(tx, deps, item, { accountId, at, initiator });
  }
  return over.length;
}
