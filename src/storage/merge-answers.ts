import { z } from 'zod';
import type { Db } from './db.ts';
import { flag, row, time, toMs } from './rows.ts';

/** What the holder of an account is asked: whether it and another one are to become one account. */
export interface MergeQuestion {
  /** The proposal; this question is about no other. */
  readonly changeId: string;
  readonly accountId: string;
  readonly otherId: string;
  /** Whether this account is the one that stays. */
  readonly stays: boolean;
  readonly askedAt: Date;
  readonly expiresAt: Date;
  readonly answer: 'yes' | 'no' | null;
}

const questionRow = row({
  changeId: z.string(),
  accountId: z.string(),
  otherId: z.string(),
  stays: flag,
  askedAt: time,
  expiresAt: time,
  answer: z.enum(['yes', 'no']).nullable(),
});

/** False when they have been asked before. */
export async function insertQuestion(tx: Db, question: Omit<MergeQuestion, 'answer'>): Promise<boolean> {
  const written: unknown[] = await tx('merge_answers')
    .insert({
      change_id: question.changeId,
      account_id: question.accountId,
      other_id: question.otherId,
      stays: question.stays,
      asked_at: toMs(question.askedAt),
      expires_at: toMs(question.expiresAt),
    })
    .onConflict(['change_id', 'account_id'])
    .ignore()
    .returning('account_id');
  return written.length === 1;
}

/** Those that an account's holder may still answer, or take a yes back; the newest first. */
export async function openQuestions(db: Db, accountId: string, now: Date): Promise<MergeQuestion[]> {
  const undecided = db('changes').whereIn('status', ['proposed', 'scheduled']).select('id');
  const rows = await db('merge_answers')
    .where({ account_id: accountId })
    .where('expires_at', '>', toMs(now))
    .whereIn('change_id', undecided)
    .orderBy('asked_at', 'desc');
  return rows.map((raw) => questionRow.parse(raw));
}

/** What both holders were asked on these proposals, and what they said. */
export async function questionsOf(db: Db, changeIds: readonly string[]): Promise<MergeQuestion[]> {
  const rows = await db('merge_answers').whereIn('change_id', changeIds);
  return rows.map((raw) => questionRow.parse(raw));
}

/** False when this holder has said so before; after a no nothing more is said. */
export async function writeAnswer(
  tx: Db,
  { changeId, accountId, answer, at }: { changeId: string; accountId: string; answer: 'yes' | 'no'; at: Date },
): Promise<boolean> {
  const query = tx('merge_answers').where({ change_id: changeId, account_id: accountId });
  if (answer === 'yes') query.whereNull('answer');
  else query.where((open) => open.whereNull('answer').orWhere({ answer: 'yes' }));
  return (await query.update({ answer, answered_at: toMs(at) })) === 1;
}
