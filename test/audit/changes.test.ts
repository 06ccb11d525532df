import { beforeAll, describe, expect, it } from 'vitest';
import type { By } from '../../src/commands/change-rules.ts';
import { decideChange } from '../../src/commands/decide-change.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { inviteStaff, takeUpRole } from '../../src/commands/invite-staff.ts';
import { liftIntervention } from '../../src/commands/lift-intervention.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { saveRegisteredApp } from '../../src/commands/save-app.ts';
import { killSource } from '../../src/commands/switch-source.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { sealSettings } from '../../src/storage/bridges.ts';
import type { Db } from '../../src/storage/db.ts';
import { type Office, openOffice } from '../admin/staff-support.ts';
import { withDatabases } from '../support/databases.ts';
import { proveName } from '../support/proved-name.ts';
import { storedAccount, t0, testKeyring } from '../support/rows.ts';

withDatabases('what fields were and are', (makeDb) => {
  let db: Db;
  let office: Office;
  let [owner, second, bridges, support]: By[] = [];
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
    owner = await office.member('owner', 'bridge_admin');
    second = await office.member('owner', 'assurance_admin');
    bridges = await office.member('bridge_admin');
    support = await office.member('support');
  });
  const of = (by: By | undefined): By => {
    if (by === undefined) throw new Error('nobody');
    return by;
  };
  const last = async (type: string) => {
    const line = (await readAudit(db, { afterSeq: 0, limit: 1_000 })).findLast((each) => each.type === type);
    if (line === undefined) throw new Error(`no ${type}`);
    return line;
  };
  const change = async (what: Parameters<typeof proposeChange>[1]['what'], by = of(owner)) => {
    const { id, revision } = await proposeChange(office.deps, { by, what, reason: 'a reason in words' });
    await decideChange(office.deps, { by: of(second), id, revision, decision: 'approve', reason: 'a yes in words' });
  };

  it('roles, given by two owners and by an invitation', async () => {
    const { id: accountId } = await storedAccount(db);
    await proveName(db, office.deps.keyring, accountId, { at: t0 });
    await change({ kind: 'role', payload: { accountId, role: 'auditor', change: 'assign' } });
    expect((await last('role.assigned')).data).toMatchObject({ before: { roles: [] }, after: { roles: ['auditor'] } });
    const { token } = await inviteStaff(office.deps, { role: 'clerk', invitedBy: 'cli', breakGlass: true });
    await takeUpRole(office.deps, { token, accountId, cause: { requestId: null, clientId: 'admin' } });
    const both = ['auditor', 'clerk'];
    expect((await last('role.assigned')).data).toMatchObject({
      before: { roles: ['auditor'] },
      after: { roles: both },
    });
    await change({ kind: 'role', payload: { accountId, role: 'auditor', change: 'revoke' } });
    expect((await last('role.assigned')).data).toMatchObject({ before: { roles: both }, after: { roles: ['clerk'] } });
  });

  it('signing keys, by their ids', async () => {
    const was = (await last('key.rotated')).data.after;
    await change({ kind: 'keys', payload: {} });
    const { before, after, ...rest } = (await last('key.rotated')).data;
    expect(before).toMatchObject({ next: Reflect.get(Object(was), 'next') });
    expect(Reflect.get(Object(after), 'current')).toEqual(Reflect.get(Object(was), 'next'));
    expect(JSON.stringify({ before, after, rest })).not.toMatch(/"d"|sealed|k1\./);
  });

  it('a source: switched, stopped, and switched on again by the second person', async () => {
    const on = { before: { enabled: false }, after: { enabled: true } };
    const off = { before: { enabled: true }, after: { enabled: false } };
    await change({ kind: 'source', payload: { source: 'face', enabled: false, killed: false } });
    expect((await last('source.switched')).data).toMatchObject(off);
    const { id, revision } = await killSource(office.deps, { by: of(bridges), source: 'sms', reason: 'misuse' });
    expect((await last('source.switched')).data).toMatchObject({ ...off, source: 'sms', roles: ['bridge_admin'] });
    await decideChange(office.deps, { by: of(second), id, revision, decision: 'reject', reason: 'no' });
    expect((await last('source.switched')).data).toMatchObject({ ...on, source: 'sms' });
  });

  it('a bridge: its use, its cap, and settings that are no secrets', async () => {
    const payload = (settings: Record<string, string>, from: number | null, cap: 'strong' | null) => ({
      kind: 'bridge' as const,
      payload: {
        ...{ bridge: 'oidc', use: from === null ? ('sign_in' as const) : ('link_only' as const), from },
        cap: cap === null ? null : { identity: cap, factors: 1 as const },
        sealedSettings: sealSettings(testKeyring, 'oidc', settings),
        fields: Object.keys(settings),
        plain: ['issuer', 'clientId'],
      },
    });
    const first = { issuer: 'https://a.example', clientId: 'x', clientSecret: 'very-secret-1' };
    await change(payload(first, null, null), of(bridges));
    expect((await last('bridge.saved')).data).toMatchObject({
      before: { use: null, 'settings.issuer': null },
      after: { use: 'sign_in', 'settings.issuer': 'https://a.example', 'settings.clientId': 'x' },
    });
    await change(
      payload({ ...first, issuer: 'https://b.example', clientSecret: 'very-secret-2' }, 1, 'strong'),
      of(bridges),
    );
    const { data } = await last('bridge.saved');
    expect(data.before).toEqual({
      use: 'sign_in',
      identity: null,
      factors: null,
      'settings.issuer': 'https://a.example',
    });
    expect(data.after).toEqual({
      ...{ use: 'link_only', identity: 'strong', factors: 1, 'settings.issuer': 'https://b.example' },
    });
    expect(JSON.stringify(await readAudit(db, { afterSeq: 0, limit: 1_000 }))).not.toMatch(/very-secret/);
  });

  it('an app that comes with the installation', async () => {
    const rules = { allowLoopback: false };
    const texts = { name: { en: 'Park' }, purpose: { en: 'Seats' }, ownerName: 'seed', rules };
    const method = { token_endpoint_auth_method: 'client_secret_basic' };
    const metadata = {
      client_id: 'park',
      client_secret: 'very-secret-3',
      redirect_uris: ['https://p.example/1'],
      ...method,
    };
    await saveRegisteredApp(office.deps, { ...texts, metadata });
    expect((await last('app.saved')).data).toMatchObject({ change: 'created', after: { 'name.en': 'Park' } });
    const next = { ...metadata, redirect_uris: ['https://p.example/2'] };
    await saveRegisteredApp(office.deps, { ...texts, metadata: next });
    const line = await last('app.saved');
    expect(line.actor).toEqual({ kind: 'operator', id: 'operator:seed' });
    expect(line.data).toEqual({
      ...{ change: 'changed', fields: ['redirect_uris'], roles: [] },
      before: { redirect_uris: ['https://p.example/1'] },
      after: { redirect_uris: ['https://p.example/2'] },
    });
    expect(JSON.stringify(line)).not.toMatch(/secret/);
  });

  it('interventions: what was and is in force, also when a stronger one takes the place of one', async () => {
    const { id: accountId } = await storedAccount(db);
    const set = async (kind: 'suspended' | 'blocked') => {
      const wanted = { by: of(support), accountId, kind, reason: 'misuse', note: null, until: null } as const;
      const result = await intervene(office.deps, wanted);
      if (!('done' in result)) throw new Error(result.denied);
      return result.done;
    };
    await set('suspended');
    const first = { before: { open: [] }, after: { open: ['suspended'] }, roles: ['support'] };
    expect((await last('intervention.set')).data).toMatchObject(first);
    const id = await set('blocked');
    expect((await last('intervention.ended')).data).toMatchObject({
      ...{ how: 'superseded', before: { open: ['suspended'] }, after: { open: [] } },
    });
    expect((await last('intervention.set')).data).toMatchObject({ before: { open: [] }, after: { open: ['blocked'] } });
    await liftIntervention(office.deps, { by: of(support), accountId, id, reason: 'cleared', note: null });
    expect((await last('intervention.ended')).data).toMatchObject({
      ...{ how: 'lifted', before: { open: ['blocked'] }, after: { open: [] }, roles: ['support'] },
    });
  });

  describe('never', () => {
    it('the words in which somebody gave a reason', async () => {
      expect(JSON.stringify(await readAudit(db, { afterSeq: 0, limit: 1_000 }))).not.toMatch(/in words/);
    });
  });
});
