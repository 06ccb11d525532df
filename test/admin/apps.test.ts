import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAppSettings } from '../../src/commands/app-settings.ts';
import { logoutMessage } from '../../src/commands/tell-apps.ts';
import { closed, listen } from '../../src/server.ts';
import { findApp, saveApp } from '../../src/storage/apps.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { saveConsent } from '../../src/storage/consents.ts';
import { addCounts, dayOf } from '../../src/storage/daily-counts.ts';
import { enqueue } from '../../src/storage/outbox.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';
import { loa } from './staff-support.ts';

let city: TestCity;
let room: Staffroom;
let wei: Desk;
let second: Desk;
beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
  wei = await room.desk(['app_admin']);
  second = await room.desk(['owner']);
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

const languages = ['zh-Hans', 'zh-Hant', 'en', 'pt'] as const;
type Form = Record<string, string | string[]>;

/** A good form for an app of this id. */
const form = (id: string, changes: Form = {}): Form => ({
  id,
  ...Object.fromEntries(
    languages.flatMap((locale) => [
      [`name-${locale}`, `公园 ${id}`],
      [`purpose-${locale}`, '订位'],
    ]),
  ),
  ownerName: 'Parks department',
  redirectUris: 'https://parks.city.example/back',
  authMethod: 'client_secret_basic',
  scopes: ['profile', 'phone'],
  refreshTokens: 'yes',
  ...changes,
});

/** Text of what a field's fault says, by the field. */
function faultsOf(html: string): Record<string, string[]> {
  const summary = /<ul class="faults">([\s\S]*?)<\/ul>/.exec(html)?.[1] ?? '';
  const faults: Record<string, string[]> = {};
  for (const [, field = '', linked, plain] of summary.matchAll(
    /<li>(?:<a href="#f-([^"]+)">([^<]+)<\/a>|([^<]+))<\/li>/g,
  )) {
    faults[field] = [...(faults[field] ?? []), linked ?? plain ?? ''];
    if (field !== '') expect(html, field).toContain(`id="f-${field}"`);
  }
  return faults;
}

/** Proposed by one, approved by another: its secret. */
async function register(id: string, changes: Form = {}): Promise<string> {
  const made = await wei.post('/admin/apps/new/create', form(id, changes));
  expect(made.status).toBe(303);
  const secret = await secretAt(made.headers.get('location') ?? '');
  await approve(made);
  return secret;
}

const changeOf = (answer: Response): string => {
  const id = /^\/admin\/approvals\/([0-9a-f-]{36})/.exec(answer.headers.get('location') ?? '')?.[1];
  if (id === undefined) throw new Error(`nothing was proposed: ${answer.status}`);
  return id;
};
async function approve(answer: Response, by = second): Promise<void> {
  const decided = await by.post(`/admin/approvals/${changeOf(answer)}/decide`, { decision: 'approve', revision: '1' });
  expect(decided.headers.get('location')).toContain('done=approved');
}

async function secretAt(location: string): Promise<string> {
  const html = await (await wei.get(location)).text();
  const secret = /<code id="client-secret">([^<]+)<\/code>/.exec(html)?.[1];
  if (secret === undefined) throw new Error('no secret was shown');
  return secret;
}

/** Whether the engine takes the secret: it answers about a token only to an app that it knows. */
async function isTaken(id: string, secret: string): Promise<boolean> {
  const response = await fetch(`${city.issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token: 'none' }),
  });
  return response.status === 200;
}
// The engine keeps an app for a second.
const becomes = (id: string, secret: string, taken: boolean) =>
  vi.waitFor(async () => expect(await isTaken(id, secret)).toBe(taken), { timeout: 3_000, interval: 200 });

describe('registering an app', () => {
  it('shows its secret exactly once, to whoever made it, and keeps a hash', async () => {
    const made = await wei.post('/admin/apps/new/create', form('parks'));
    const location = made.headers.get('location') ?? '';
    const another = await room.desk(['app_admin']);
    const page = `/admin/approvals/${changeOf(made)}`;
    expect((await another.get(location.replace(/once=.*/, 'once=guess'))).headers.get('location')).toBe(page);
    const secret = await secretAt(location);
    const again = await wei.get(location);
    expect([again.status, again.headers.get('location')]).toEqual([303, page]);
    // Until a second person agrees there is no such app, and its secret opens nothing.
    expect(await findApp(room.db, 'parks')).toBeNull();
    expect((await wei.get('/admin/apps/parks')).status).toBe(404);
    expect(await isTaken('parks', secret)).toBe(false);
    const shown = await (await second.get(page, 'text/html')).text();
    for (const text of ['New app parks', 'https://parks.city.example/back', 'openid profile phone'])
      expect(shown).toContain(text);
    expect(shown).not.toMatch(new RegExp(`${secret}|sha256\\.`));
    await approve(made);
    expect(await isTaken('parks', secret)).toBe(true);
    const app = await findApp(room.db, 'parks');
    expect(JSON.stringify(app)).not.toContain(secret);
    expect(app).toMatchObject({
      ownerName: 'Parks department',
      name: { en: '公园 parks' },
      metadata: {
        redirect_uris: ['https://parks.city.example/back'],
        scope: 'openid profile phone',
        grant_types: ['authorization_code', 'refresh_token'],
        subject_type: 'pairwise',
      },
    });
    const line = (await readAudit(room.db, { afterSeq: 0, limit: 10_000 })).find((each) => each.clientId === 'parks');
    expect(line).toMatchObject({
      ...{ type: 'app.saved', reason: 'change_app', data: { change: 'created', roles: ['owner'] } },
      actor: { id: second.accountId },
    });
    expect(line?.data.after).toMatchObject({
      redirect_uris: ['https://parks.city.example/back'],
      scope: 'openid profile phone',
    });
    expect(JSON.stringify(line)).not.toMatch(new RegExp(`${secret}|sha256\\.`));
  });

  it('takes the secret away also when somebody else looks', async () => {
    const made = await wei.post('/admin/apps/new/create', form('stolen'));
    const location = made.headers.get('location') ?? '';
    const another = await room.desk(['app_admin']);
    expect((await another.get(location)).status).toBe(303);
    expect((await wei.get(location)).status).toBe(303);
  });

  it('names every fault at its field and saves nothing', async () => {
    const response = await wei.post(
      '/admin/apps/new/create',
      form('No!', {
        'name-pt': '',
        ownerName: '',
        redirectUris: 'https://a.example/back\nhttp://b.example/back\nhttps://a.example/back\nhttps://c.example/#x',
        postLogoutUris: 'nowhere',
        clientUri: 'https://me:secret@a.example/',
        logoUri: 'javascript:alert(1)',
        authMethod: 'private_key_jwt',
        jwks: '{"keys":[{"kty":"EC","kid":"1","d":"private"}]}',
        jwksUri: 'https://169.254.169.254/keys',
        backchannelLogoutUri: 'https://10.1.2.3/logout',
        sectorIdentifierUri: 'https://printer.local/',
        scopes: ['profile', 'everything'],
      }),
    );
    expect(response.status).toBe(422);
    const html = await response.text();
    const faults = faultsOf(html);
    expect(Object.keys(faults).toSorted()).toEqual(
      [
        'backchannelLogoutUri',
        'clientUri',
        'id',
        'jwks',
        'jwksUri',
        'logoUri',
        'name-pt',
        'ownerName',
        'postLogoutUris',
        'redirectUris',
        'scopes',
        'sectorIdentifierUri',
      ].toSorted(),
    );
    expect(faults.redirectUris).toEqual([
      'Addresses after signing in: Line 2: An address starts with https.',
      'Addresses after signing in: Line 4: An address has no part after #.',
      'Addresses after signing in: Line 3: This is there twice.',
    ]);
    expect(faults.jwks?.[0]).toContain('private');
    expect(faults.jwksUri?.[0]).toContain('inside a network');
    // What was typed is still there.
    expect(html).toContain('value="https://10.1.2.3/logout"');
    expect(await findApp(room.db, 'No!')).toBeNull();
  });

  it('says what only the other apps or the engine can say', async () => {
    const taken = await wei.post('/admin/apps/new/create', form('library'));
    expect([taken.status, faultsOf(await taken.text())]).toMatchObject([422, { id: [expect.any(String)] }]);
    // An app of the command line may have metadata that the form doesn't speak of.
    await register('odd');
    const odd = await findApp(room.db, 'odd');
    if (odd === null) throw new Error('not registered');
    await saveApp(room.db, { ...odd, metadata: { ...odd.metadata, default_max_age: 'long' } });
    const html = await (await wei.get('/admin/apps/odd/settings')).text();
    const revision = /name="revision" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const saved = await wei.post('/admin/apps/odd/settings/save', form('odd', { revision, ownerName: 'Another' }));
    expect(saved.status).toBe(422);
    expect(faultsOf(await saved.text())['']?.[0]).toContain('do not fit together: default_max_age');
    expect((await findApp(room.db, 'odd'))?.ownerName).toBe('Parks department');
  });

  it.each([
    ['no JSON', 'keys', 'no key set'],
    ['no keys', '{"keys":[]}', 'no key set'],
    [
      'a point that is on no curve',
      '{"keys":[{"kty":"EC","kid":"1","crv":"P-256","x":"no","y":"point"}]}',
      'no key set',
    ],
    ['a shared secret', '{"keys":[{"kty":"oct","kid":"1","k":"c2VjcmV0"}]}', 'no key set'],
  ])('refuses %s as public keys', async (_what, jwks, said) => {
    const response = await wei.post('/admin/apps/new/create', form('keyed', { authMethod: 'private_key_jwt', jwks }));
    expect(faultsOf(await response.text())).toEqual({ jwks: [expect.stringContaining(said)] });
  });

  it('reads the sector list that several hosts need, before it saves', async () => {
    const redirectUris = 'https://a.example/back\nhttps://b.example/back';
    let answer = '["https://a.example/back"]';
    const server = createServer((_req, res) => void res.setHeader('content-type', 'application/json').end(answer));
    await listen(server, 0, 'localhost');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const create = async (sectorIdentifierUri: string) => {
      const posted = form('sector', { redirectUris, sectorIdentifierUri });
      const response = await wei.post('/admin/apps/new/create', posted);
      const faults = faultsOf(await response.text());
      return faults.sectorIdentifierUri?.[0] ?? faults['']?.[0];
    };
    try {
      expect(await create('')).toContain('a sector list is needed');
      expect(await create(`http://localhost:${port}/`)).toContain('does not name every address');
      answer = '{"no":"list"}';
      expect(await create(`http://localhost:${port}/`)).toContain('no list at this address');
      answer = JSON.stringify(redirectUris.split('\n'));
      // The list is well; that it is on this very machine is more than the engine takes, even in the demo.
      expect(await create(`http://localhost:${port}/`)).toContain('sector_identifier_uri must be a https uri');
    } finally {
      await closed(server, () => server.closeAllConnections());
    }
    expect(await create('http://localhost:1/')).toContain('no list at this address');
  });

  it.each([
    ['http://localhost:1/x', 'uri_https'],
    ['https://localhost/x', 'uri_private'],
    ['https://127.0.0.1/x', 'uri_private'],
    ['https://2130706433/x', 'uri_private'],
    ['https://[::1]/x', 'uri_private'],
    ['https://[::ffff:10.0.0.1]/x', 'uri_private'],
    ['https://192.168.1.1/x', 'uri_private'],
    ['https://intranet/x', 'uri_private'],
    ['https://db.internal/x', 'uri_private'],
    ['https://*.example/x', 'uri_invalid'],
  ])('never lets our servers call %s', (uri, code) => {
    for (const field of ['backchannelLogoutUri', 'jwksUri', 'sectorIdentifierUri']) {
      const parsed = parseAppSettings({ [field]: uri }, { allowLoopback: false });
      const faults = parsed.ok ? [] : parsed.faults;
      expect(faults.filter(({ path }) => path[0] === field)).toEqual([{ path: [field], code }]);
    }
  });
});

describe('an app that exists', () => {
  it('keeps the old secret for as long as was chosen, or not at all', async () => {
    const first = await register('pools');
    const rotated = await wei.post('/admin/apps/pools/rotate', { overlap: '24' });
    const next = await secretAt(rotated.headers.get('location') ?? '');
    // Good once a second person agrees; the old one is until then.
    expect([await isTaken('pools', next), await isTaken('pools', first)]).toEqual([false, true]);
    await approve(rotated);
    expect(await isTaken('pools', next)).toBe(true);
    expect(await isTaken('pools', first)).toBe(true);
    expect(await (await wei.get('/admin/apps/pools')).text()).toContain('The previous secret is good until');
    const at = await wei.post('/admin/apps/pools/rotate', { overlap: '0' });
    const third = await secretAt(at.headers.get('location') ?? '');
    await approve(at);
    await becomes('pools', next, false);
    expect([await isTaken('pools', first), await isTaken('pools', third)]).toEqual([false, true]);
    expect((await wei.post('/admin/apps/pools/rotate', { overlap: '9999' })).status).toBe(422);
  });

  it('is unknown to the engine while it is disabled', async () => {
    const secret = await register('zoo');
    await wei.post('/admin/apps/zoo/disable');
    await becomes('zoo', secret, false);
    expect(await (await wei.get('/admin/apps')).text()).toContain('Disabled');
    await wei.post('/admin/apps/zoo/enable');
    await becomes('zoo', secret, true);
  });

  it('is changed by whoever saw it last; the other is told and keeps what was typed', async () => {
    await register('museum');
    const html = await (await wei.get('/admin/apps/museum/settings')).text();
    const revision = /name="revision" value="([^"]+)"/.exec(html)?.[1] ?? '';
    expect(html).toContain('https://parks.city.example/back');
    const save = (changes: Form) =>
      wei.post('/admin/apps/museum/settings/save', form('museum', { revision, ...changes }));
    expect((await save({ ownerName: 'First' })).status).toBe(303);
    const late = await save({ ownerName: 'Second' });
    expect(late.status).toBe(422);
    const told = await late.text();
    expect(faultsOf(told)['']?.[0]).toContain('Somebody else changed this app');
    expect(told).toContain('value="Second"');
    expect((await findApp(room.db, 'museum'))?.ownerName).toBe('First');
  });

  it('gets a secret when it moves to one, and keeps none that it has no use for', async () => {
    await register('trams');
    const at = async () => (await findApp(room.db, 'trams'))?.metadata ?? {};
    const save = async (changes: Form) => {
      const html = await (await wei.get('/admin/apps/trams/settings')).text();
      const revision = /name="revision" value="([^"]+)"/.exec(html)?.[1] ?? '';
      return wei.post('/admin/apps/trams/settings/save', form('trams', { revision, ...changes }));
    };
    await approve(await save({ authMethod: 'none' }));
    expect(await at()).not.toHaveProperty('client_secret');
    const back = await save({ authMethod: 'client_secret_post' });
    expect(await secretAt(back.headers.get('location') ?? '')).toHaveLength(43);
    await approve(back);
    expect(await at()).toHaveProperty('client_secret');
  });

  it('leaves our own areas alone', async () => {
    for (const path of ['settings/save', 'rotate', 'disable', 'require'])
      expect((await wei.post(`/admin/apps/admin/${path}`, { overlap: '0', floor: loa(1) })).status).toBe(404);
    expect((await wei.get('/admin/apps/account/settings')).status).toBe(404);
  });

  it('shows sign-ins, refusals, consents and what does not arrive', async () => {
    const now = new Date();
    const { db, keyring } = room;
    const { id: accountId } = await storedAccount(db);
    await saveConsent(db, { accountId, clientId: 'housing-fund', scopes: ['openid'], claims: [], givenAt: now });
    const count = (b: string) => ({ day: dayOf(now), kind: 'signin' as const, a: 'housing-fund', b, c: loa(2) });
    await addCounts(db, [...Array.from({ length: 41 }, () => count('met')), count('refused'), count('step_up')]);
    const at = new Date(now.getTime() - 3_600_000);
    await enqueue(db, { kind: 'held-back', target: 'housing-fund', payload: {}, at }, keyring);
    const cells = async () => {
      const html = await (await wei.get('/admin/apps')).text();
      const row =
        /<tr>(?=<th scope="row"><a href="\/admin\/apps\/housing-fund">)([\s\S]*?)<\/tr>/.exec(html)?.[1] ?? '';
      return [...row.matchAll(/<td[^>]*>(?:<span[^>]*>)?([^<]*)/g)].map(([, text]) => text);
    };
    expect(await cells()).toEqual(['Level 2: Real name', '41', '1', 'All delivered']);
    await db('outbox')
      .where({ kind: 'held-back' })
      .update({ kind: logoutMessage, attempts: 2, due_at: Date.now() + 60_000 });
    expect(await cells()).toEqual(['Level 2: Real name', '41', '1', 'Do not arrive']);
    expect(await (await wei.get('/admin/apps/housing-fund')).text()).toContain('<dd id="consents">1</dd>');
  });
});

describe('what an app demands', () => {
  const demand = (changes: Form) => wei.post('/admin/apps/social-insurance/require', { floor: loa(2), ...changes });

  it('becomes a draft that changes this app alone, with its preview next', async () => {
    const before = await currentPolicy(room.db);
    const response = await demand({
      floor: loa(3),
      categories: ['mainland', 'macao'],
      deny: 'wechat',
      scopes_name: ['phone', ''],
      scopes_floor: [loa(3), loa(4)],
      resources_name: 'https://api.example/pensions',
      resources_floor: loa(4),
      actions_name: ['withdraw'],
      actions_floor: [loa(4)],
    });
    expect(response.headers.get('location')).toMatch(/^\/admin\/preview\//);
    const preview = await (await wei.get(response.headers.get('location') ?? '')).text();
    expect(preview).toContain('demands Level 3');
    expect(preview).toContain('for the action withdraw');
    // App admins may propose this, and only this.
    expect(preview).toContain('/propose"');
    expect((await currentPolicy(room.db)).version).toBe(before.version);
  });

  it('is refused whole, with every fault at its field and what was ticked still ticked', async () => {
    const response = await demand({
      floor: 'urn:shimin:loa:9',
      allow: ['population', 'face'],
      deny: ['face', 'nobody'],
      scopes_name: ['phone', 'phone'],
      scopes_floor: [loa(3), loa(2)],
      resources_name: 'not an address',
      resources_floor: loa(3),
      actions_name: 'withdraw',
      actions_floor: 'no level',
    });
    expect(response.status).toBe(422);
    const html = await response.text();
    const faults = faultsOf(html);
    expect(Object.keys(faults)).toEqual(expect.arrayContaining(['floor', 'deny', 'resources', 'actions', 'scopes']));
    expect(faults.scopes).toContain('“phone” is there twice.');
    expect(html).toMatch(/name="allow" value="population" checked/);
    expect(html).toContain('value="not an address"');
  });

  it('is not this form at all', async () => {
    const names = Array.from({ length: 90 }, (_, n) => `a${n}`);
    expect((await demand({ actions_name: names, actions_floor: names })).status).toBe(422);
  });
});
