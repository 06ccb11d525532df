import { passwordOf } from '../storage/authenticators.ts';
import type { Db } from '../storage/db.ts';
import { isAppActor } from './app-roles.ts';
import type { Proposal } from './change-payload.ts';

/**
 * Whether a change would give a role to somebody with a password: whoever does the work of staff signs in by what can't be
 * phished, so the password goes first. Looked at when it is proposed and again when it becomes theirs.
 */
export async function rolePastPassword(tx: Db, what: Proposal): Promise<boolean> {
  if (what.kind !== 'role' || what.payload.change !== 'assign' || isAppActor(what.payload.accountId)) return false;
  return (await passwordOf(tx, what.payload.accountId)) !== null;
}
