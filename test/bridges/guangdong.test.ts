import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { guangdongFaults, guangdongUpstream } from '../../simulators/guangdong/service.ts';
import { faults as lineFaults } from '../../simulators/lib/faults.ts';
import { loadPeople } from '../../simulators/people.ts';
import { worthOf } from '../../src/assurance/bridge-worth.ts';
import type { BridgeResult, BridgeStart } from '../../src/bridges/bridge.ts';
import { guangdong } from '../../src/bridges/guangdong/index.ts';
import { claimsOf } from '../../src/bridges/guangdong/person.ts';
import { personAnswer } from '../../src/bridges/guangdong/wire.ts';
import { createUpstream } from '../../src/lib/upstream.ts';

let server: Server;
let origin = '';
let settings: () => Readonly<Record<string, string>>;
beforeAll(async () => {
  const upstream = await guangdongUpstream({
    origin: () => origin,
    people: loadPeople(),
    returnHosts: ['localhost'],
  });
  settings = upstream.settings;
  const app = new Koa();
  app.silent = true;
  app.use(upstream.router.routes());
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  origin = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const put = (path: string, body: object) =>
  fetch(`${origin}/guangdong/_control${path}`, { method: 'PUT', body: JSON.stringify(body) });
const control = (body: object) => put('', body);
const person = (id: string, body: object) => put(`/people/${id}`, body);
afterEach(async () => {
  await control({ fault: 'none' });
  await person('li-xiaoming', {});
});

function bridge(more: Record<string, string> = {}, clock = () => new Date()) {
  const ports = {
    upstream: createUpstream('guangdong', { breakAfter: 1_000 }),
    allowLoopback: true,
    timeoutMs: 500,
    clock,
  };
  return guangdong.open({ ...settings(), ...more }, ports);
}
const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/guangdong/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hans',
  fresh: false,
  sameDevice: true,
  input: {},
};

/** What the browser does there: chooses a person, and is sent back. */
async function visit(url: string, id: string, login = ''): Promise<URL> {
  const body = new URLSearchParams({ person: id, login });
  const response = await fetch(url, { method: 'POST', body, redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}

async function signIn(id = 'li-xiaoming', more: Partial<BridgeStart> = {}, own = bridge(), login = '') {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  const callback = await visit(started.url, id, login);
  const keep: unknown = JSON.parse(JSON.stringify(started.keep));
  return { own, callback, keep, result: () => own.finish(callback, keep) };
}
const told = async (...given: Parameters<typeof signIn>) => (await signIn(...given)).result();
const identity = (result: BridgeResult) => (result.outcome === 'identified' ? result.identity : null);

describe('a sign-in there', () => {
  it('says who and how strongly', async () => {
    const found = identity(await told());
    expect(found).toMatchObject({
      subjects: [{ part: 'useridcode', of: ['tyrz_shimin', expect.stringMatching(/^[0-9a-f]{32}$/)] }],
      level: 'L3-device',
      methods: ['mca'],
      authTime: null,
    });
    expect(found?.claims).toEqual({
      name: '李晓明',
      documentType: 'cn_resident_id',
      documentNumber: '440305198806151219',
      birthDate: '1988-06-15',
      category: 'mainland',
      phone: '+8613800138001',
    });
    // Never the number, never the name that people choose there.
    expect(JSON.stringify(found?.subjects)).not.toMatch(/440305|xiaoming/);
  });

  it('each account’s level and each kind of login, as it is', async () => {
    expect(identity(await told('zhang-wei-1'))?.level).toBe('L0-password');
    expect(identity(await told('wang-jianguo'))?.level).toBe('L1-password');
    expect(identity(await told('zhang-wei-2'))?.level).toBe('L2-password');
    expect(identity(await told('middle-dot'))).toMatchObject({
      level: 'L2-device',
      claims: { name: '阿卜杜拉·买买提' },
    });
    expect(identity(await told('rare-character'))).toMatchObject({
      level: 'L3-certificate',
      methods: ['hwk', 'pin', 'mfa'],
      claims: { name: '黄𠮷' },
    });
    expect(identity(await told('li-xiaoming', {}, bridge(), '1'))?.level).toBe('L3-password');
    expect(identity(await told('chen-jiayi', {}, bridge(), '2'))?.level).toBe('L2-device');
    await person('li-xiaoming', { level: 'L1', login: '4' });
    expect(identity(await told())?.level).toBe('L1-device');
  });

  it.each([
    ['chan-tai-man', 'cn_hm_travel_permit', 'H12345678', 'hong_kong', '陳大文'],
    ['ho-ka-i', 'cn_hm_travel_permit', 'M12345678', 'macao', '何嘉儀'],
    ['tan-wei-ming', 'cn_foreign_pr_18', '944702198001201017', 'foreign', 'TAN WEI MING'],
  ])('people from elsewhere: %s', async (id, documentType, documentNumber, category, name) => {
    const claims = { documentType, documentNumber, category, name };
    expect(identity(await told(id))?.claims).toMatchObject(claims);
  });
  it('eight digits alone are no document: they could be several', async () => {
    const claims = identity(await told('lin-yi-chun'))?.claims;
    expect(claims).toEqual({ name: '林宜君' });
  });

  it.each([
    ['10', '810000198503031018', 'cn_hmt_residence_permit'],
    ['40', '830000199010101020', 'cn_hmt_residence_permit'],
    ['10', '944702198001201017', 'cn_foreign_pr_18'],
    // A wrong check character is the authority's business (reference 0.2).
    ['10', '44030519880615121x', 'cn_resident_id'],
    ['40', 'MA1234567', 'cn_hm_travel_permit_noncn'],
    ['40', 'H1234567802', 'cn_hm_travel_permit'],
    ['40', 'PRT440084050620', 'cn_foreign_pr_15'],
    // An identity card is no "other", a passport says not whose, company papers and nonsense are nobody's.
    ['40', '440305198806151219', undefined],
    ['20', 'E12345678', undefined],
    ['50', '91350100M000100Y43', undefined],
    ['10', '-', undefined],
    [null, '440305198806151219', undefined],
  ])('document kind %s, number %s: %s', (idcardtype, idcardnumber, documentType) => {
    const given = personAnswer.parse({ userobj: { idcardtype, idcardnumber }, user_creditable_level: null });
    const claims = claimsOf(given.userobj);
    expect(claims.documentType).toBe(documentType);
    if (idcardnumber === 'H1234567802') expect(claims.documentNumber).toBe('H12345678');
  });

  it('the same person has the same subject every time, and nobody else has it', async () => {
    const subject = async (id: string) => identity(await told(id))?.subjects[0].of[1];
    expect(await subject('zhang-wei-1')).toBe(await subject('zhang-wei-1'));
    expect(await subject('zhang-wei-1')).not.toBe(await subject('zhang-wei-2'));
  });

  it('the address there is as the protocol has it; a new sign-in ends the old one first', async () => {
    const started = await bridge().start({ ...request, level: 'L2-device' });
    const url = new URL(started.outcome === 'started' ? started.url : '');
    expect(url.pathname).toBe('/guangdong/pscp/sso/connect/page/oauth2/authorize/');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'tyrz_shimin',
      service: 'initService',
      scope: 'all',
      response_type: 'code',
      redirect_uri: `${request.redirectUri}?state=${request.state}`,
    });
    const anew = await bridge().start({ ...request, fresh: true });
    const first = new URL(anew.outcome === 'started' ? anew.url : '');
    expect(first.pathname).toBe('/guangdong/_tif_sso_logout_/');
    expect(first.searchParams.get('redirect_uri')).toBe(url.href);
  });

  it('a session there is seen on its page, and gone after a new sign-in was asked for', async () => {
    const started = await bridge().start(request);
    const url = started.outcome === 'started' ? started.url : '';
    const body = new URLSearchParams({ person: 'chen-jiayi' });
    const first = await fetch(url, { method: 'POST', body, redirect: 'manual' });
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    const text = async (address: string) => (await fetch(address, { headers: { cookie } })).text();
    expect(await text(url)).toContain('已登录');
    const anew = await bridge().start({ ...request, fresh: true });
    expect(await text(anew.outcome === 'started' ? anew.url : '')).not.toContain('已登录');
    const open = `${origin}/guangdong/_tif_sso_logout_/?redirect_uri=${encodeURIComponent('https://evil.example/')}`;
    expect((await fetch(open, { redirect: 'manual' })).status).toBe(400);
  });

  it('the older path works as well', async () => {
    expect((await told('li-xiaoming', {}, bridge({ path: '/tif/sso' }))).outcome).toBe('identified');
  });
});

describe('what it is worth', () => {
  const { levels } = guangdong.traits;
  const worth = (name: string | null) => worthOf(levels, null, name);

  it('follows reference 12.1: none, strong, superior; the login apart from it', () => {
    expect(levels[0].name).toBeNull();
    expect(levels.length).toBeLessThanOrEqual(10);
    const table = levels.map(({ name, worth: { identity: who, authentication } }) => [
      name,
      who?.strength ?? null,
      authentication?.factors.join('+') ?? null,
    ]);
    expect(table).toEqual([
      [null, null, null],
      ['L0-password', null, 'knowledge'],
      ['L0-device', null, 'possession'],
      ['L1-password', 'strong', 'knowledge'],
      ['L1-device', 'strong', 'possession'],
      ['L2-password', 'superior', 'knowledge'],
      ['L2-device', 'superior', 'possession'],
      ['L3-password', 'superior', 'knowledge'],
      ['L3-device', 'superior', 'possession'],
      ['L3-certificate', 'superior', 'possession+knowledge'],
    ]);
    for (const { worth: each } of levels)
      expect(
        each.authentication ?? { phishingResistant: false, deviceBound: false, userVerified: false },
      ).toMatchObject({
        phishingResistant: false,
        deviceBound: false,
        userVerified: false,
      });
  });
  it('a level it does not list is worth nothing', () => {
    for (const name of ['L4', 'L3', 'l3-device', ''])
      expect(worth(name)).toEqual({ identity: null, authentication: null });
  });
});

/** Each fault that the simulator can play, and what has to come of it. */
const invalid = (why: string) => ({ outcome: 'refused', reason: 'answer_invalid', cause: new Error(why) });
const table: Readonly<Record<(typeof guangdongFaults)[number], object>> = {
  state_missing: invalid('state'),
  state_other: invalid('state'),
  state_twice: invalid('state'),
  code_gone: invalid('code'),
  code_twice: invalid('code'),
  denied: { outcome: 'refused', reason: 'denied', cause: new Error('error unauthorized_client') },
  token_missing: { outcome: 'unavailable' },
  token_and_error: { outcome: 'unavailable' },
  // Some of these services say 0 for all is well.
  token_and_zero: { outcome: 'identified', identity: { level: 'L3-device' } },
  token_busy: { outcome: 'unavailable', cause: new Error('errcode system_busy') },
  token_refused: { outcome: 'refused', reason: 'denied', cause: new Error('errcode unauthorized_client') },
  shape: invalid('shape: userobj.useridcode'),
  object_missing: invalid('shape: userobj'),
  ext_broken: invalid('shape: userobj.extproperties'),
  keys_twice: { outcome: 'unavailable' },
  code_missing: invalid('useridcode'),
  code_blank: invalid('useridcode'),
  code_upper_case: invalid('useridcode'),
  code_short: invalid('useridcode'),
  usertype_unknown: invalid('usertype'),
  legal_person: { outcome: 'refused', reason: 'denied', cause: new Error('usertype 2') },
  level_raised: invalid('levels differ'),
  level_unbacked: invalid('level without a way'),
  ways_missing: invalid('ways'),
  ways_broken: invalid('ways'),
  real_lowered: invalid('isreal and level'),
  real_raised: invalid('isreal and level'),
  real_missing: invalid('isreal'),
  way_of_another_name: invalid('a way of another person'),
  way_of_another_number: invalid('a way of another person'),
  // Not forged, but nothing to build on: they are worth nothing.
  level_unknown: { outcome: 'identified', identity: { level: null } },
  login_unknown: { outcome: 'identified', identity: { level: null, methods: [] } },
  login_twice: { outcome: 'identified', identity: { level: null } },
  login_missing: { outcome: 'identified', identity: { level: null } },
  // Starred: known again by the code, but neither name nor number are taken over.
  masked: { outcome: 'identified', identity: { level: 'L3-device', claims: {} } },
  as_text: { outcome: 'identified', identity: { level: 'L3-device', claims: { name: '李晓明' } } },
  info_busy: { outcome: 'unavailable', cause: new Error('errcode -1') },
  info_refused: { outcome: 'refused', reason: 'denied', cause: new Error('errcode invalid_token') },
};

describe('D09: each fault there, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(table).toSorted()).toEqual([...guangdongFaults].toSorted());
  });
  it.each(Object.entries(table))('%s', async (fault, expected) => {
    expect((await told()).outcome).toBe('identified');
    await control({ fault });
    const result = await told();
    expect(result).toMatchObject(expected);
    if (fault === 'masked') expect(identity(result)?.claims).toEqual({});
  });
  it('nothing of the person is in what the log gets to see', async () => {
    for (const fault of ['shape', 'way_of_another_number', 'keys_twice']) {
      await control({ fault });
      const result = await told();
      const cause = result.outcome === 'identified' ? null : result.cause;
      expect(`${cause} ${JSON.stringify(cause)}`).not.toMatch(/440305|李晓明|secret|access_token=/);
    }
  });
});

describe('callbacks', () => {
  it('D08: a second time, by the same or another process, has no effect', async () => {
    const { own, callback, keep, result } = await signIn();
    expect((await result()).outcome).toBe('identified');
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    expect(await bridge().finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('in parallel: one of many', async () => {
    const { own, callback, keep } = await signIn();
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('D07: a code of another sign-in does not fit this one, though the protocol knows no state', async () => {
    const theirs = await signIn('chen-jiayi');
    const ours = await signIn('li-xiaoming', { state: 'b'.repeat(32) });
    const swapped = new URL(ours.callback);
    swapped.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
    expect(await ours.own.finish(swapped, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject(invalid('state'));
  });
  it('D08: after ten minutes nothing comes of it', async () => {
    let now = Date.now();
    const { result } = await signIn(
      'li-xiaoming',
      {},
      bridge({}, () => new Date(now)),
    );
    now += 10 * 60_000 + 1;
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'expired', cause: new Error('too late') });
  });
  it.each(['x', 'a b'.repeat(5), '', '码'.repeat(10)])('a code that is none is not even sent: %s', async (code) => {
    const { own, callback, keep } = await signIn();
    callback.searchParams.set('code', code);
    expect(await own.finish(callback, keep)).toMatchObject(invalid('code'));
  });
});

describe('the person or the platform says no', () => {
  it('cancelled, closed, closed between sign-in and answer', async () => {
    expect(await told('')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    const { result } = await signIn();
    await person('li-xiaoming', { disabled: true });
    expect(await told()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('our own secret is wrong: refused, and not the person’s fault to try again', async () => {
    expect(await told('li-xiaoming', {}, bridge({ clientSecret: 'another' }))).toMatchObject({
      outcome: 'refused',
      reason: 'denied',
      cause: new Error('errcode invalid_client'),
    });
  });
  it('the platform shows no page to strangers', async () => {
    const strange: Partial<Record<string, string>>[] = [
      { client_id: 'tyrz_other' },
      { redirect_uri: 'https://evil.example/' },
      { response_type: 'token' },
      { scope: 'some' },
    ];
    const started = await bridge().start(request);
    for (const changes of strange) {
      const url = new URL(started.outcome === 'started' ? started.url : '');
      for (const [name, value = ''] of Object.entries(changes)) url.searchParams.set(name, value);
      expect((await fetch(url)).status).toBe(400);
      expect((await fetch(url, { method: 'POST', body: new URLSearchParams({ person: 'li-xiaoming' }) })).status).toBe(
        400,
      );
    }
  });
});

describe('the line fails', () => {
  it.each(lineFaults.filter((fault) => !['none', 'slow', 'wrong'].includes(fault)))(
    '%s: unavailable, and well again afterwards',
    async (fault) => {
      const { result } = await signIn();
      await control({ fault });
      expect(await result()).toMatchObject({ outcome: 'unavailable' });
      await control({ fault: 'none' });
      expect((await told()).outcome).toBe('identified');
    },
  );
  it('slow but in time is fine', async () => {
    await control({ fault: 'slow', delayMs: 50 });
    expect((await told()).outcome).toBe('identified');
  });
});

describe('settings', () => {
  it('the secret is one; half of them open nothing', () => {
    expect(guangdong.secrets).toEqual(['clientSecret']);
    expect(Object.keys(settings()).toSorted()).toEqual(Object.keys(guangdong.settings.shape).toSorted());
    for (const name of ['baseUrl', 'clientId', 'clientSecret']) expect(() => bridge({ [name]: '' })).toThrow();
    expect(() => bridge({ path: '/../x' })).toThrow();
  });
});
