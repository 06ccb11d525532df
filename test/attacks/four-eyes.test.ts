import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsForm } from '../../src/admin/apps-settings-form.ts';
import { settingsOf } from '../../src/commands/app-metadata.ts';
import { revisionOf } from '../../src/commands/manage-app.ts';
import type { Role } from '../../src/commands/permissions.ts';
import { newPersonKey } from '../../src/lib/crypto.ts';
import { insertContact } from '../../src/storage/accounts.ts';
import { findApp, saveApp } from '../../src/storage/apps.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { changesIn } from '../../src/storage/changes.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { proveName } from '../support/proved-name.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';

const inFour = Object.fromEntries(
  ['zh-Hans', 'zh-Hant', 'en', 'pt'].flatMap((locale) => [
    [`name-${locale}`, 'Parks'],
    [`purpose-${locale}`, 'to book a pitch'],
  ]),
);
const key =
  '{"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"oRA3-dCihDbZ4yZxxGxt22nJMKoVFtEcStXARaV6KB8","y":"SnXWKCmGZ1wxj9hB3Rhp-_WrWhufgBWVheoLke2EeBg"}]}';

describe.each(databaseKinds)('two people, over HTTP [%s]', { timeout: 60_000 }, (kind) => {
  let transmitter: Transmitter;
  let room: Staffroom;
  let wei: Desk;
  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    const { issuer, database, keyring, env } = transmitter;
    await registerReceiver({ db: database.knex, keyring }, 'parks', {
      redirect_uris: ['https://parks.example/back'],
      scope: 'openid profile',
      grant_types: ['authorization_code'],
    });
    await transmitter.start();
    room = await openStaffroom({ issuer, env, databaseUrl: env.SHIMIN_DATABASE_URL ?? '' });
    wei = await room.desk(['app_admin']);
  }, 60_000);
  afterAll(async () => {
    await room?.close();
    await transmitter?.close();
  });

  const parks = async () => {
    const app = await findApp(room.db, 'parks');
    if (app === null) throw new Error('no app');
    return app;
  };
  const codeOf = async (response: Response) => [response.status, (await response.json()).error];
  const pageOf = (response: Response) => {
    const page = /^\/admin\/approvals\/[0-9a-f-]{36}/.exec(response.headers.get('location') ?? '')?.[0];
    if (page === undefined) throw new Error(`nothing proposed: ${response.status}`);
    return page;
  };
  const decide = (desk: Desk, page: string, decision = 'approve') =>
    desk.post(`${page}/decide`, { decision, revision: '1', reason: 'seen' });
  async function save(changes: Record<string, string | string[]>, desk = wei): Promise<Response> {
    const app = await parks();
    const { values, scopes } = settingsForm(settingsOf(app));
    return desk.post('/admin/apps/parks/settings/save', {
      ...{ ...values, ...inFour, scopes: [...scopes], revision: revisionOf(app) },
      ...changes,
    });
  }
  const lastReason = async () => (await readAudit(room.db, { afterSeq: 0, limit: 10_000 })).at(-1)?.reason;

  it.each<[string, Record<string, string | string[]>, string]>([
    ['an address after signing in', { redirectUris: 'https://thief.example/back' }, 'redirect_uris'],
    ['an address after signing out', { postLogoutUris: 'https://thief.example/' }, 'post_logout_redirect_uris'],
    ['keys', { authMethod: 'private_key_jwt', jwks: key }, 'jwks'],
    ['the address of keys', { authMethod: 'private_key_jwt', jwksUri: 'https://thief.example/keys' }, 'jwks_uri'],
    ['no secret at all', { authMethod: 'none' }, 'token_endpoint_auth_method'],
    ['a scope', { scopes: ['profile', 'phone'] }, 'scope'],
    ['a scope less', { scopes: [] }, 'scope'],
    ['being asked about or not', { firstParty: '' }, 'shimin_first_party'],
    [
      'the address for sign-out notices',
      { backchannelLogoutUri: 'https://thief.example/out' },
      'backchannel_logout_uri',
    ],
    ['refresh tokens', { refreshTokens: 'yes' }, 'grant_types'],
    ['where it runs', { applicationType: 'native', redirectUris: 'com.example.parks:/back' }, 'application_type'],
  ])('%s of an app: nothing changes until another person approves', async (_what, changes, member) => {
    await save({ ownerName: `Parks ${member}` });
    const before = await parks();
    const page = pageOf(await save(changes));
    expect((await parks()).metadata).toEqual(before.metadata);
    expect(await codeOf(await decide(wei, page))).toEqual([403, 'self_approval']);
    expect((await parks()).metadata).toEqual(before.metadata);
    const shown = await (await (await room.desk(['owner'])).get(page, 'text/html')).text();
    expect(shown).toContain('id="app-changes"');
    expect((await decide(await room.desk(['app_admin']), page)).status).toBe(303);
    expect((await parks()).metadata[member]).not.toEqual(before.metadata[member]);
    // Back, for the next one.
    await saveApp(room.db, before);
  });

  it('a secret: the new one opens nothing before the approval, and who may not look after apps gets none', async () => {
    const before = (await parks()).metadata.client_secret;
    const rotated = await wei.post('/admin/apps/parks/rotate', { overlap: '0' });
    const page = pageOf(rotated);
    expect((await parks()).metadata.client_secret).toBe(before);
    for (const role of ['support', 'clerk', 'auditor', 'bridge_admin'] as const)
      expect((await decide(await room.desk([role]), page)).status).toBe(403);
    expect((await parks()).metadata.client_secret).toBe(before);
    expect((await decide(await room.desk(['assurance_admin']), page, 'reject')).status).toBe(303);
    expect((await parks()).metadata.client_secret).toBe(before);
  });

  it('the same proposed again is one proposal, whoever asks; what the app no longer is can’t be approved', async () => {
    const [first, second] = [
      await save({ redirectUris: 'https://parks.example/new' }),
      await save({ redirectUris: 'https://parks.example/new' }),
    ];
    const third = await save({ redirectUris: 'https://parks.example/new' }, await room.desk(['app_admin']));
    expect([pageOf(second), pageOf(third)]).toEqual([pageOf(first), pageOf(first)]);
    const other = pageOf(await save({ redirectUris: 'https://parks.example/other' }));
    const owner = await room.desk(['owner']);
    expect((await decide(owner, pageOf(first))).status).toBe(303);
    expect(await codeOf(await decide(owner, other))).toEqual([409, 'change_stale']);
    expect((await parks()).metadata.redirect_uris).toEqual(['https://parks.example/new']);
  });

  /** Somebody on the staff, with a proved name; accounts of the desks have none. */
  async function named(role: Role, name: string, birthDate: string): Promise<Desk> {
    const desk = await room.desk([role]);
    await room
      .db('accounts')
      .where({ id: desk.accountId })
      .update({ sealed_key: newPersonKey(room.keyring).sealedKey });
    await proveName(room.db, room.keyring, desk.accountId, { name, birthDate });
    return desk;
  }

  it('one person with two accounts is one person; a namesake of another day of birth is not', async () => {
    const ana = await named('app_admin', '欧阳娜', '1980-01-02');
    const again = await named('owner', '欧阳娜', '1980-01-02');
    const latin = await named('owner', 'OUYANG NA', '1980-01-02');
    const namesake = await named('owner', '欧阳娜', '1991-07-30');
    const page = pageOf(await save({ redirectUris: 'https://parks.example/two' }, ana));
    for (const desk of [again, latin]) {
      expect(await codeOf(await decide(desk, page))).toEqual([403, 'same_person']);
      expect(await lastReason()).toBe('same_person');
    }
    expect((await decide(namesake, page)).status).toBe(303);
  });

  it('who keeps a program is not the second person of what it proposes', async () => {
    const keeper = await room.desk(['app_admin', 'owner']);
    const other = await room.desk(['owner']);
    const made = await keeper.post('/admin/apps/new/create', {
      ...{ ...inFour, id: 'robot', ownerName: 'Keeper', redirectUris: 'https://robot.example/back' },
      ...{ authMethod: 'client_secret_basic', scopes: ['admin'] },
    });
    const location = made.headers.get('location') ?? '';
    const secret = /<code id="client-secret">([^<]+)</.exec(
      await (await keeper.get(location, 'text/html')).text(),
    )?.[1];
    expect((await decide(other, pageOf(made))).status).toBe(303);
    const robot = await findApp(room.db, 'robot');
    if (robot === null) throw new Error('no robot');
    await saveApp(room.db, { ...robot, metadata: { ...robot.metadata, shimin_staff_roles: ['app_admin'] } });
    const { issuer } = transmitter;
    const api = `${issuer}/api/admin/v1`;
    const answer = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'admin', resource: api }),
    });
    const { access_token: token } = await answer.json();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'once' };
    const proposed = await fetch(`${api}/apps/parks/secret`, { method: 'POST', headers, body: '{"overlapHours":0}' });
    const { change } = await proposed.json();
    const page = `/admin/approvals/${change.id}`;
    expect(await codeOf(await decide(keeper, page))).toEqual([403, 'same_person']);
    const mine = await fetch(`${api}/changes/${change.id}/decide`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': 'twice', 'if-match': '"1"' },
      body: '{"decision":"approve"}',
    });
    expect(mine.status).toBe(403);
    expect((await decide(other, page)).status).toBe(303);
  });

  it('proposing a role by a phone number tells nobody whose it is, and gives nothing without a proved name', async () => {
    const [owner, second] = [await room.desk(['owner']), await room.desk(['owner'])];
    /** Somebody with this number; the page of a proposal to give them a role. */
    async function proposed(phone: string): Promise<{ id: string; page: string }> {
      const { id } = await storedAccount(room.db, { sealedKey: newPersonKey(room.keyring).sealedKey });
      const contact = { accountId: id, kind: 'phone', value: `+86${phone}`, confirmedAt: new Date() } as const;
      await insertContact(room.db, room.keyring, contact);
      if (phone.endsWith('5')) await proveName(room.db, room.keyring, id, { name: '独孤秘密' });
      const ask = { region: 'CN', phone, role: 'auditor', reason: 'who is this?' };
      expect((await owner.post('/admin/staff/assign', ask)).status).toBe(303);
      const [change] = await changesIn(room.db, ['proposed'], { limit: 1 });
      return { id, page: `/admin/approvals/${change?.id}` };
    }
    const known = await proposed('13800138555');
    for (const desk of [owner, second])
      for (const path of ['/admin', '/admin/approvals', known.page, '/admin/staff'])
        expect(await (await desk.get(path, 'text/html')).text()).not.toContain('独孤');
    expect(await (await second.get(known.page, 'text/html')).text()).toContain('+86 •••• 8555');
    expect((await decide(second, known.page)).status).toBe(303);
    expect(await (await second.get('/admin/staff', 'text/html')).text()).toContain('独孤秘密');

    const nobody = await proposed('13800138556');
    expect(await codeOf(await decide(second, nobody.page))).toEqual([409, 'name_unproved']);
    expect(await lastReason()).toBe('name_unproved');
    expect(await room.db('staff').where({ account_id: nobody.id })).toEqual([]);
    await proveName(room.db, room.keyring, nobody.id);
    expect((await decide(second, nobody.page)).status).toBe(303);
  });
});
