import { z } from 'zod';
import type { Db } from './db.ts';
import { toMs } from './rows.ts';

/** Whose record a member of staff may read until when, and what they said it was for. */
export interface StaffLook {
  readonly staffId: string;
  readonly accountId: string;
  readonly reason: string;
  readonly until: Date;
}

/** Begins a look, or begins it anew with another reason. */
export async function openLook(tx: Db, look: StaffLook): Promise<void> {
  await tx('staff_looks')
    .insert({
      staff_id: look.staffId,
      account_id: look.accountId,
      reason: look.reason,
      until: toMs(look.until),
    })
    .onConflict(['staff_id', 'account_id'])
    .merge(['reason', 'until']);
}

/** The reason of a look that is still open; null: none was begun, or its time is over. */
export async function lookOf(db: Db, staffId: string, accountId: string, now: Date): Promise<string | null> {
  const found = await db('staff_looks')
    .where({ staff_id: staffId, account_id: accountId })
    .where('until', '>', toMs(now))
    .first('reason');
  return found === undefined ? null : z.object({ reason: z.string() }).parse(found).reason;
}

export async function pruneLooks(db: Db, now: Date): Promise<number> {
  return db('staff_looks').where('until', '<=', toMs(now)).delete();
}
