import type { Db } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';
import { interveneIn } from './intervene.ts';

/**
 * Stops the account of somebody whom the register calls dead: no session, refresh or sign-in goes on at any level, and the
 * apps are told, as with a block by staff, who can lift it where the register was wrong. Heard again, it changes nothing. In
 * the transaction that takes the evidence, with the account locked.
 */
export async function stopDeceased(tx: Db, deps: CommandDeps, accountId: string, cause: Cause): Promise<void> {
  const wanted = { accountId, kind: 'blocked', reason: 'deceased', note: null, until: null } as const;
  const agent = { actor: { kind: 'system', id: 'population' }, initiator: 'system', cause, roles: [] } as const;
  await interveneIn(tx, deps, wanted, agent);
}
