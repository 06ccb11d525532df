import { type LiftReason, transition } from '../assurance/interventions.ts';
import { lockAccount } from '../storage/accounts.ts';
import { transaction } from '../storage/db.ts';
import { openInterventions } from '../storage/interventions.ts';
import { actorOf } from './actor.ts';
import type { By } from './change-rules.ts';
import { announceEnabled, closeOne } from './close-interventions.ts';
import type { CommandDeps } from './command.ts';
import { expireIn } from './expire-interventions.ts';
import { denialOf, deny, type InterventionResult } from './intervention-rules.ts';
import { withLevelChange } from './level-change.ts';

/** Ends an intervention before its end. Evidence of before counts again; sessions that it ended stay ended. */
export async function liftIntervention(
  deps: CommandDeps,
  input: { by: By; accountId: string; id: string; reason: LiftReason; note: string | null },
): Promise<InterventionResult<null>> {
  const { by, accountId, id, reason, note } = input;
  return transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    const at = deps.clock();
    await expireIn(tx, deps, accountId, at);
    const open = await openInterventions(tx, accountId);
    const meant = open.find((item) => item.id === id);
    const about = { accountId, operation: 'lift', kind: meant?.kind ?? null } as const;
    const denied = await denialOf(tx, by, accountId);
    if (denied !== null) return deny(tx, at, by, about, denied);
    if (meant === undefined) return deny(tx, at, by, about, 'not_open');
    const { kind } = meant;
    const next = transition(
      open.map((item) => ({ kind: item.kind, done: [] })),
      { do: 'lift', kind },
    );
    if ('refused' in next) return deny(tx, at, by, about, next.refused);
    const initiator = 'admin' as const;
    const actor = actorOf(by.accountId);
    await withLevelChange(tx, deps.keyring, { accountId, at, initiator, reason }, () =>
      closeOne(tx, deps, meant, { accountId, at, how: 'lifted', actor, reason, note, cause: by.cause }),
    );
    await announceEnabled(tx, deps, meant, { accountId, at, initiator });
    return { done: null };
  });
}
