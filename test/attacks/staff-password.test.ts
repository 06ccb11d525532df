import { beforeEach, expect, it } from 'vitest';
import { decideChange } from '../../src/commands/decide-change.ts';
import { inviteStaff, takeUpRole } from '../../src/commands/invite-staff.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { removePassword, setPassword } from '../../src/storage/authenticators.ts';
import type { Db } from '../../src/storage/db.ts';
import { rolesOf } from '../../src/storage/staff.ts';
import { type Office, openOffice } from '../admin/staff-support.ts';
import { withDatabases } from '../support/databases.ts';
import { proveName } from '../support/proved-name.ts';
import { t0, testKeyring } from '../support/rows.ts';

withDatabases('a role for somebody with a password', (makeDb) => {
  let db: Db;
  let office: Office;
  beforeEach(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
  });
  /** Somebody whom nothing else keeps from a role. */
  const person = async () => {
    const { accountId } = await office.member('auditor');
    await proveName(db, testKeyring, accountId, { at: t0 });
    return accountId;
  };
  const cause = { requestId: null, clientId: 'admin' };
  const withPassword = (accountId: string) => setPassword(db, { accountId, hash: 'x', createdAt: t0 });
  const propose = async (accountId: string) =>
    proposeChange(office.deps, {
      by: await office.member('owner'),
      what: { kind: 'role', payload: { accountId, role: 'support', change: 'assign' } },
      reason: 'new colleague',
    });
  const last = async () => (await readAudit(db, { afterSeq: 0, limit: 1000 })).at(-1);

  it('is not proposed', async () => {
    const accountId = await person();
    await withPassword(accountId);
    await expect(propose(accountId)).rejects.toMatchObject({ code: 'staff_password' });
    expect(await last()).toMatchObject({ type: 'change.refused', reason: 'staff_password' });
  });

  it('is not approved where the password came after the proposal', async () => {
    const accountId = await person();
    const { id, revision } = await propose(accountId);
    await withPassword(accountId);
    const decision = { by: await office.member('owner'), id, revision, decision: 'approve', reason: '' } as const;
    await expect(decideChange(office.deps, decision)).rejects.toMatchObject({ code: 'staff_password' });
    expect(await rolesOf(db, accountId)).toEqual(['auditor']);
  });

  it('is not taken up by an invitation, which waits until the password is gone', async () => {
    const accountId = await person();
    await withPassword(accountId);
    const { token } = await inviteStaff(office.deps, { role: 'clerk', invitedBy: 'test', breakGlass: true });
    expect(await takeUpRole(office.deps, { token, accountId, cause })).toEqual({ refused: 'staff_password' });
    expect(await last()).toMatchObject({ type: 'staff.refused', reason: 'staff_password' });
    expect(await rolesOf(db, accountId)).toEqual(['auditor']);
    await removePassword(db, accountId);
    expect(await takeUpRole(office.deps, { token, accountId, cause })).toEqual({ role: 'clerk' });
  });
});
