import { z } from 'zod';
import type { Db } from './db.ts';
import { row, time, toMs } from './rows.ts';

/** The words of the roles are the commands' business (`commands/permissions.ts`); here they are kept. */
export interface StaffRole {
  readonly accountId: string;
  readonly role: string;
  readonly grantedBy: string;
  readonly grantedAt: Date;
}

const staffRow = row({ accountId: z.string(), role: z.string(), grantedBy: z.string(), grantedAt: time });

/** The roles an account holds now; by primary key, asked at every staff request and again at every decision. */
export async function rolesOf(db: Db, accountId: string): Promise<string[]> {
  const rows = await db('staff')
    .where({ account_id: accountId })
    .whereNull('revoked_at')
    .orderBy('role')
    .select('role');
  return rows.map((raw) => z.object({ role: z.string() }).parse(raw).role);
}

/** Whether the account holds a role, or ever did. */
export async function wasStaff(db: Db, accountId: string): Promise<boolean> {
  return (await db('staff').where({ account_id: accountId }).first('account_id')) !== undefined;
}

/** False if the account holds that role already. */
export async function assignRole(
  db: Db,
  grant: { accountId: string; role: string; grantedBy: string; at: Date },
): Promise<boolean> {
  const values = { granted_by: grant.grantedBy, granted_at: toMs(grant.at), revoked_at: null };
  const written = await db('staff')
    .insert({ account_id: grant.accountId, role: grant.role, ...values })
    .onConflict(['account_id', 'role'])
    .merge(values)
    .whereNotNull('staff.revoked_at')
    .returning('role');
  return written.length === 1;
}

/** False if the account does not hold that role. */
export async function revokeRole(db: Db, accountId: string, role: string, at: Date): Promise<boolean> {
  const changed = await db('staff')
    .where({ account_id: accountId, role })
    .whereNull('revoked_at')
    .update({ revoked_at: toMs(at) });
  return changed === 1;
}

/** Everybody who holds a role now. A city has hundreds of staff, not millions: one page. */
export async function staffMembers(db: Db): Promise<StaffRole[]> {
  const rows = await db('staff').whereNull('revoked_at').orderBy('granted_at').orderBy('account_id');
  return rows.map((raw) => staffRow.parse(raw));
}

export async function holdersOf(db: Db, role: string): Promise<string[]> {
  const rows = await db('staff').where({ role }).whereNull('revoked_at').select('account_id');
  return rows.map((raw) => z.object({ account_id: z.string() }).parse(raw).account_id);
}
