import { isEnoughToMerge } from '../assurance/binding.ts';
import type { AuditEvent } from '../audit/events.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { type Change, lockChange, updateChange } from '../storage/changes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { insertQuestion, type MergeQuestion, openQuestions, writeAnswer } from '../storage/merge-answers.ts';
import { actorOf } from './actor.ts';
import { type Ceremony, shownIn } from './bind.ts';
import { type By, proposalLives } from './change-rules.ts';
import type { Cause, CommandDeps } from './command.ts';
import type { TwoAccounts } from './merge-rules.ts';
import { notify } from './notify.ts';
import { waysInOf } from './ways-in.ts';

/**
 * Asks the holders of both accounts whether these two are to become one, on every contact, in the transaction that proposes
 * it; once for a proposal, however often it is made.
 */
export async function askHolders(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  asked: { readonly change: Change; readonly pair: TwoAccounts; readonly by: By; readonly at: Date },
): Promise<void> {
  const { change, pair, by, at } = asked;
  const { keepId, goneId } = pair;
  const expiresAt = change.expiresAt ?? new Date(at.getTime() + proposalLives);
  for (const accountId of [keepId, goneId].sort()) {
    const stays = accountId === keepId;
    const question = {
      changeId: change.id,
      accountId,
      otherId: stays ? goneId : keepId,
      stays,
      askedAt: at,
      expiresAt,
    };
    if (!(await insertQuestion(tx, question))) continue;
    await note(tx, at, 'merge.asked', {
      actor: actorOf(by.accountId),
      accountId,
      cause: by.cause,
      changeId: change.id,
    });
    await notify(tx, deps, { accountId, kind: 'merge_asked', at });
  }
}

/**
 * The sign-ins that answer a question: made in the area for it, after it was put. Those to an app, and those of before, are
 * none (`test/attacks/merge-ceremony.test.ts`).
 */
export async function shownFor(
  db: Db,
  { accountId, askedAt }: Pick<MergeQuestion, 'accountId' | 'askedAt'>,
  ceremony: Ceremony,
  at: Date,
) {
  return (await shownIn(db, accountId, ceremony, at)).filter((event) => event.at >= askedAt);
}

interface Answer {
  readonly accountId: string;
  readonly changeId: string;
  readonly cause: Cause;
}

/**
 * The holder of one of the two says yes to this merge, after a sign-in for it that is as strong as the account can show.
 * @throws ShiminError `not_found` for a question that is not theirs, or over; `merge_unproven`
 */
export async function confirmMerge(deps: CommandDeps, input: Answer & { ceremony: Ceremony }): Promise<void> {
  const { accountId, changeId, ceremony } = input;
  const at = deps.clock();
  const enough = await transaction(deps.db, async (tx) => {
    await lockChange(tx, changeId);
    const question = await questionOf(tx, input, at);
    const by = { actor: { kind: 'citizen', id: accountId }, ...input } as const;
    if (!isEnoughToMerge(await waysInOf(tx, accountId), await shownFor(tx, question, ceremony, at))) {
      await note(tx, at, 'merge.confirmed', by, 'merge_unproven');
      return false;
    }
    if (await writeAnswer(tx, { changeId, accountId, answer: 'yes', at })) await note(tx, at, 'merge.confirmed', by);
    return true;
  });
  if (!enough) throw new ShiminError('merge_unproven', { status: 403 });
}

/**
 * The holder of one of the two says no, or no more: the proposal is over.
 * @throws ShiminError `not_found` for a question that is not theirs, or over
 */
export async function declineMerge(deps: CommandDeps, input: Answer): Promise<void> {
  const { accountId, changeId } = input;
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    const change = await lockChange(tx, changeId);
    await questionOf(tx, input, at);
    const over = change !== null && (await updateChange(tx, changeId, change.revision, { status: 'withdrawn' }));
    if (!over || !(await writeAnswer(tx, { changeId, accountId, answer: 'no', at })))
      throw new ShiminError('not_found', { status: 404 });
    await note(tx, at, 'merge.declined', { actor: { kind: 'citizen', id: accountId }, ...input });
  });
}

/** What this holder may answer at this moment: nobody answers for the other side. */
async function questionOf(tx: Db, { accountId, changeId }: Answer, at: Date): Promise<MergeQuestion> {
  const question = (await openQuestions(tx, accountId, at)).find((one) => one.changeId === changeId);
  if (question === undefined) throw new ShiminError('not_found', { status: 404 });
  return question;
}

async function note(
  tx: Db,
  at: Date,
  type: 'merge.asked' | 'merge.confirmed' | 'merge.declined',
  { actor, accountId, cause, changeId }: Answer & Pick<AuditEvent, 'actor'>,
  refused: string | null = null,
): Promise<void> {
  await append(tx, {
    ...{ at, type, actor, accountId, clientId: cause.clientId, requestId: cause.requestId },
    outcome: refused === null ? 'ok' : 'refused',
    reason: refused,
    data: { changeId },
  });
}
