import { bindingStrengths, strengthOf, strongestOf } from '../assurance/binding.ts';
import { inForce } from '../assurance/interventions.ts';
import { agreement } from '../identity/agreement.ts';
import { findAccount, personOf } from '../storage/accounts.ts';
import { passwordOf } from '../storage/authenticators.ts';
import { liveCaseOf } from '../storage/counter-cases.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { openInterventions } from '../storage/interventions.ts';
import { eventsSince, mergeById, mergesOf } from '../storage/merges.ts';
import { rolesOf } from '../storage/staff.ts';
import type { CommandDeps } from './command.ts';
import { recordOfPerson } from './upstream-person.ts';
import { waysInOf } from './ways-in.ts';

export interface TwoAccounts {
  /** The account that stays. */
  readonly keepId: string;
  /** The account that goes into it. */
  readonly goneId: string;
}

/** A sign-in that proves an account while an official sits by. */
const PROOF_MS = 30 * 60_000;
/** A check in person proves it for a day. */
const COUNTER_MS = 24 * 3_600_000;
/** How long two officials may undo a merge. */
export const UNDO_MS = 14 * 24 * 3_600_000;

/**
 * How the holder of an account has just shown that it is theirs: by a sign-in at the account's own level, or in person at a
 * counter; null: not at all. Knowing its number, mail address or name proves nothing (D16).
 */
export async function proofOf(tx: Db, accountId: string, at: Date): Promise<'sign_in' | 'counter' | null> {
  const events = await eventsSince(tx, accountId, new Date(at.getTime() - PROOF_MS));
  const rank = (strength: (typeof bindingStrengths)[number]) => bindingStrengths.indexOf(strength);
  const own = strongestOf(await waysInOf(tx, accountId));
  // One factor is anybody's who has the phone; an account with no way in of its own has no level to go by.
  if (rank(strengthOf(events)) >= Math.max(rank(own), rank('two_factors'))) return 'sign_in';
  const since = at.getTime() - COUNTER_MS;
  const seen = (await evidenceOf(tx, accountId)).some(
    ({ kind, recordedAt, revokedAt }) => kind === 'counter' && revokedAt === null && recordedAt.getTime() > since,
  );
  return seen ? 'counter' : null;
}

/** Whether two accounts may not become one whoever proves them; the same when it is proposed and when it is done. */
export async function isBarred(
  tx: Db,
  { keyring }: Pick<CommandDeps, 'keyring'>,
  { keepId, goneId }: TwoAccounts,
  at: Date,
): Promise<boolean> {
  if (keepId === goneId) return true;
  for (const id of [keepId, goneId]) {
    if ((await findAccount(tx, id))?.status !== 'active') return true;
    // A block must not be got rid of, nor got over to another account.
    if (inForce(await openInterventions(tx, id), at).length > 0) return true;
    // Officials are at work on whose it is.
    if ((await liveCaseOf(tx, id)) !== null) return true;
    const merges = await mergesOf(tx, id);
    // One merge at a time, so that undoing it leads back to something that was.
    if (merges.some((merge) => merge.goneId === id || merge.undoUntil > at)) return true;
  }
  // Staff lose no role, and gain none, by what is a citizen's matter.
  if ((await rolesOf(tx, goneId)).length > 0) return true;
  // Nor do they get a password by it.
  if ((await rolesOf(tx, keepId)).length > 0 && (await passwordOf(tx, goneId)) !== null) return true;
  const keep = await personOf(tx, keyring, keepId);
  const gone = await personOf(tx, keyring, goneId);
  if (keep === null || gone === null) return false;
  // Both holders have shown themselves and two officials look at it; what can't be compared is not theirs to decide.
  return agreement(recordOfPerson(keep), recordOfPerson(gone), 'officials').answer !== 'agree';
}

/** Whether a merge is not there, is undone, or has become final. */
export async function isFinal(tx: Db, mergeId: string, pair: TwoAccounts, at: Date): Promise<boolean> {
  const merge = await mergeById(tx, mergeId);
  const same = merge !== null && merge.keepId === pair.keepId && merge.goneId === pair.goneId;
  return !same || merge.undoneAt !== null || merge.undoUntil <= at;
}
