import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rolesOfAppActor } from '../../src/commands/app-roles.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { rotateSecret } from '../../src/commands/manage-app.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { saveRegisteredApp } from '../../src/commands/save-app.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { changesIn } from '../../src/storage/changes.ts';
import { openOffice } from '../admin/staff-support.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { withDatabases } from '../support/databases.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';

const app = (id: string, metadata: Record<string, unknown> = {}) => ({
  metadata: {
    client_id: id,
    client_secret: 'robot-secret-robot-secret-robot-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: ['https://robot.example/callback'],
    grant_types: ['authorization_code', 'client_credentials'],
    scope: 'openid admin',
    ...metadata,
  },
  name: { en: 'Robot' },
  purpose: { en: 'to run the city' },
  ownerName: 'test',
  rules: { allowLoopback: false },
});

withDatabases('roles of an app', (makeDb) => {
  it('are given and taken by two owners, never by itself', async () => {
    const { knex: db } = await makeDb();
    const office = await openOffice(db);
    const { deps } = office;
    const [ana, ben] = [await office.member('owner'), await office.member('owner')];
    await saveRegisteredApp(deps, app('robot'));
    const robot = { accountId: 'app:robot', cause: { requestId: null, clientId: 'robot' } };
    const role = (change: 'assign' | 'revoke', name: 'auditor' | 'owner' | 'clerk' = 'auditor', id = 'app:robot') =>
      proposeChange(deps, {
        by: ana,
        what: { kind: 'role', payload: { accountId: id, role: name, change } },
        reason: 'because',
      });
    const approve = (id: string, by = ben) =>
      decideChange(deps, { by, id, revision: 1, decision: 'approve', reason: '' });

    const given = await role('assign');
    await expect(approve(given.id, ana)).rejects.toMatchObject({ code: 'self_approval' });
    await expect(approve(given.id, robot)).rejects.toMatchObject({ code: 'decider_no_person' });
    expect(await rolesOfAppActor(db, 'app:robot')).toEqual([]);
    await approve(given.id);
    expect(await rolesOfAppActor(db, 'app:robot')).toEqual(['auditor']);
    const line = (await readAudit(db, { afterSeq: 0, limit: 100 })).find(({ type }) => type === 'role.assigned');
    expect(line).toMatchObject({ accountId: null, data: { role: 'auditor', change: 'assign', app: 'robot' } });

    // Whoever sets its keys could act as it.
    const admin = await office.member('app_admin');
    const rotate = () => rotateSecret(deps, { by: admin, id: 'robot', overlapHours: 0 });
    await expect(rotate()).rejects.toMatchObject({ code: 'app_has_roles' });

    const twice = await role('assign');
    await expect(approve(twice.id)).rejects.toMatchObject({ code: 'change_stale' });
    await approve((await role('revoke')).id);
    expect(await rolesOfAppActor(db, 'app:robot')).toEqual([]);
    expect((await rotate()).secret).toMatch(/^[\w-]{43}$/);

    for (const name of ['owner', 'clerk'] as const)
      await expect(role('assign', name)).rejects.toMatchObject({ code: 'role_not_for_apps' });
    const gone = await role('assign', 'auditor', 'app:nobody');
    await expect(approve(gone.id)).rejects.toMatchObject({ code: 'change_stale' });
  });

  it('hold while it is on, and are never more than an app may have', async () => {
    const { knex: db } = await makeDb();
    const { deps } = await openOffice(db);
    await saveRegisteredApp(deps, app('off', { shimin_staff_roles: ['auditor'], shimin_disabled: true }));
    expect(await rolesOfAppActor(db, 'app:off')).toEqual([]);
    const long = 'x'.repeat(61);
    await saveRegisteredApp(deps, app(long, { shimin_staff_roles: ['auditor'] }));
    expect(await rolesOfAppActor(db, `app:${long}`)).toEqual([]);
    for (const held of [['owner'], ['clerk'], ['nothing'], 'auditor'])
      await expect(saveRegisteredApp(deps, app('bad', { shimin_staff_roles: held }))).rejects.toMatchObject({
        code: 'bad_request',
      });
  });
});

describe('in the console', () => {
  let city: TestCity;
  let room: Staffroom;
  beforeAll(async () => {
    city = await startCity();
    room = await openStaffroom(city);
  });
  afterAll(async () => {
    await room?.close();
    await city?.close();
  });

  it('an owner proposes to give a role to an app, or to take it away', async () => {
    const deps = { db: room.db, keyring: room.keyring, clock: systemClock };
    await saveRegisteredApp(deps, app('robot'));
    await saveRegisteredApp(deps, app('plain', { scope: 'openid' }));
    const [ana, ben] = [await room.desk(['owner']), await room.desk(['owner'])];
    const before = await (await ana.get('/admin/staff', 'text/html')).text();
    expect(before).toContain('<option value="robot">');
    expect(before).not.toContain('<option value="plain">');
    expect(before).not.toContain('/admin/staff/app:robot/revoke');

    const form = { app: 'robot', role: 'auditor', reason: 'nightly export' };
    expect((await ana.post('/admin/staff/assign-app', { ...form, reason: '' })).status).toBe(422);
    expect((await ana.post('/admin/staff/assign-app', { ...form, role: 'owner' })).status).toBe(422);
    expect((await ana.post('/admin/staff/assign-app', { ...form, app: 'plain' })).status).toBe(404);
    expect((await ana.post('/admin/staff/assign-app', form)).status).toBe(303);
    const decide = async () => {
      const [change] = await changesIn(room.db, ['proposed'], { limit: 1 });
      const page = await ben.get(`/admin/approvals/${change?.id}`, 'text/html');
      expect(page.status).toBe(200);
      const decided = await ben.post(`/admin/approvals/${change?.id}/decide`, { decision: 'approve', revision: '1' });
      expect(decided.status).toBe(303);
    };
    await decide();
    const after = await (await ana.get('/admin/staff', 'text/html')).text();
    expect(after).toContain('/admin/staff/app:robot/revoke');

    const revoke = (role: string) => ana.post('/admin/staff/app:robot/revoke', { role, reason: 'done' });
    expect((await revoke('support')).status).toBe(404);
    expect((await revoke('auditor')).status).toBe(303);
    await decide();
    expect(await rolesOfAppActor(room.db, 'app:robot')).toEqual([]);
  });
});
