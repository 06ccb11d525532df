import { inForce } from '../assurance/interventions.ts';
import { agreement } from '../identity/agreement.ts';
import { findAccount, personOf } from '../storage/accounts.ts';
import { passwordOf } from '../storage/authenticators.ts';
import { liveCaseOf } from '../storage/counter-cases.ts';
import type { Db } from '../storage/db.ts';
import { openInterventions } from '../storage/interventions.ts';
import { questionsOf } from '../storage/merge-answers.ts';
import { mergeById, mergesOf } from '../storage/merges.ts';
import { rolesOf } from '../storage/staff.ts';
import type { CommandDeps } from './command.ts';
import { recordOfPerson } from './upstream-person.ts';

export interface TwoAccounts {
  /** The account that stays. */
  readonly keepId: string;
  /** The account that goes into it. */
  readonly goneId: string;
}

/** How long two officials may undo a merge. */
export const UNDO_MS = 14 * 24 * 3_600_000;

/**
 * Whether the holders of both accounts have said yes to this proposal. What they were asked names the pair and the
 * direction, so a yes to another one is none (`test/attacks/merge-ceremony.test.ts`).
 */
export async function bothSaidYes(tx: Db, changeId: string, { keepId, goneId }: TwoAccounts): Promise<boolean> {
  const asked = await questionsOf(tx, [changeId]);
  const saidYes = (own: string, other: string, stays: boolean) =>
    asked.some((one) => one.accountId === own && one.otherId === other && one.stays === stays && one.answer === 'yes');
  return saidYes(keepId, goneId, true) && saidYes(goneId, keepId, false);
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
