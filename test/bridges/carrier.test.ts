import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { apps, exchangeFaults } from '../../simulators/carrier/exchange.ts';
import { pageFaults } from '../../simulators/carrier/page.ts';
import { carrierUpstream } from '../../simulators/carrier/service.ts';
import { worthOf } from '../../src/assurance/bridge-worth.ts';
import type { BridgeResult, BridgeStart } from '../../src/bridges/bridge.ts';
import { carrier } from '../../src/bridges/carrier/index.ts';
import { mobileSign } from '../../src/bridges/carrier/mobile.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { carrierCheckSecrets, carrierCheckSettings } from '../../src/proofing/carrier.ts';
import { type ServedUpstream, serveUpstream } from '../support/upstream.ts';

let carriers: ServedUpstream;
beforeAll(async () => {
  carriers = await serveUpstream(carrierUpstream);
});
afterAll(() => carriers.close());
afterEach(async () => {
  await carriers.control({ fault: 'none' });
  for (const id of ['li-xiaoming', 'chen-jiayi', 'wang-jianguo']) await carriers.person(id, {});
});

/** One at each carrier. */
const persons = [
  ['CMCC', 'li-xiaoming', '+8613800138001', apps.CMCC.id],
  ['CTCC', 'chen-jiayi', '+8613800138002', apps.CTCC.id],
  ['CUCC', 'wang-jianguo', '+8613800138003', apps.CUCC.id],
] as const;

const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/carrier/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hans',
  fresh: false,
  sameDevice: true,
  input: {},
};
const bridge = (settings: object = {}, clock = () => new Date()) =>
  carrier.open(
    { ...carriers.settings(), ...settings },
    { upstream: createUpstream('carrier', { breakAfter: 1_000 }), allowLoopback: true, timeoutMs: 500, clock },
  );

async function visit(url: string, person: string): Promise<URL> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ person }), redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}
async function signIn(person = 'li-xiaoming', more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  const callback = await visit(started.url, person);
  return { own, callback, keep: structuredClone(started.keep), result: () => own.finish(callback, started.keep) };
}
const causeOf = (result: BridgeResult) => ('cause' in result ? String(result.cause) : '');

describe('one tap', () => {
  it.each(persons)(
    '%s: the number is here, and nothing of who the person is',
    async (operator, person, phone, appId) => {
      const found = await (await signIn(person)).result();
      expect(found).toEqual({
        outcome: 'identified',
        identity: {
          subjects: [{ part: 'openid', of: [operator, appId, expect.stringMatching(/^[0-9a-f]{32}$/)] }],
          level: null,
          methods: [],
          authTime: expect.any(Date),
          claims: { phone },
        },
      });
      const at = found.outcome === 'identified' ? found.identity.authTime : null;
      expect(Math.abs((at?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
    },
  );

  it('is one factor and never identity, whatever level it would claim', () => {
    for (const level of [null, '实名', 'superior'])
      expect(worthOf(carrier.traits.levels, null, level)).toEqual({
        identity: null,
        authentication: {
          factors: ['possession'],
          userVerified: false,
          phishingResistant: false,
          deviceBound: false,
        },
      });
    expect(carrier.traits.levels).toHaveLength(1);
  });

  it('the page works without scripts, is told where to go back to, and shows no whole number', async () => {
    const started = await bridge().start(request);
    const url = started.outcome === 'started' ? started.url : '';
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      appId: 'shimin-h5',
      redirectUrl: request.redirectUri,
      state: request.state,
      lang: 'zh-Hans',
    });
    const html = await (await fetch(url)).text();
    expect(html).toContain('value="li-xiaoming"');
    expect(html).not.toMatch(/1\d{10}</);
  });

  it.each([
    ['redirectUrl', 'http://evil.example/'],
    ['appId', 'another'],
    ['state', 'a-b'],
    ['state', ''],
  ])('the page refuses %s %s', async (name, value) => {
    const started = await bridge().start(request);
    const url = new URL(started.outcome === 'started' ? started.url : '');
    url.searchParams.set(name, value);
    expect((await fetch(url)).status).toBe(400);
    expect((await fetch(url, { method: 'POST', redirect: 'manual' })).status).toBe(400);
  });
});

describe('D12, B26: whom a subject names', () => {
  const subjectOf = async (person: string, settings: object = {}) => {
    const found = await (await signIn(person, {}, bridge(settings))).result();
    return found.outcome === 'identified' ? found.identity.subjects : null;
  };
  it('is the same every time, and never the number', async () => {
    const first = await subjectOf('li-xiaoming');
    expect(await subjectOf('li-xiaoming')).toEqual(first);
    expect(JSON.stringify(first)).not.toContain('13800138001');
  });
  it('differs from person to person', async () => {
    const all = await Promise.all(persons.map(([, person]) => subjectOf(person)));
    expect(new Set(all.map((subjects) => JSON.stringify(subjects))).size).toBe(3);
  });
  it('a number that went to somebody else is not the former holder’s identity', async () => {
    const former = await subjectOf('li-xiaoming');
    await carriers.person('li-xiaoming', { recycledTo: 'chen-jiayi' });
    const next = await subjectOf('li-xiaoming');
    expect(next).not.toBeNull();
    expect(next).not.toEqual(former);
  });
  it('a number that moved to another carrier is a new identity: what one carrier calls somebody means nothing at another', async () => {
    const before = await subjectOf('li-xiaoming');
    await carriers.person('li-xiaoming', { carrier: 'CUCC' });
    const after = await subjectOf('li-xiaoming');
    expect(after?.[0].of[0]).toBe('CUCC');
    expect(after).not.toEqual(before);
  });
});

/** What follows from each fault of an exchange, at each carrier; `-`: it can't play it. */
type Follows = readonly [reason: string, why: RegExp] | '-';
const invalid = (why: RegExp): Follows => ['answer_invalid', why];
const all = (follows: Follows) => ({ CMCC: follows, CTCC: follows, CUCC: follows });
const follows: Readonly<Record<(typeof exchangeFaults)[number], Readonly<Record<string, Follows>>>> = {
  other_request: all(invalid(/another request/)),
  stale: all(invalid(/another time/)),
  ahead: all(invalid(/another time/)),
  time_missing: { ...all(invalid(/another time/)), CTCC: invalid(/not sealed/) },
  number_masked: all(invalid(/no usable mobile/)),
  number_foreign: all(invalid(/no usable mobile/)),
  number_missing: all(invalid(/no usable mobile/)),
  open_id_missing: all(invalid(/no usable openId/)),
  open_id_blank: all(invalid(/no usable openId/)),
  signature: { CMCC: '-', CTCC: invalid(/not signed by China Telecom/), CUCC: invalid(/not signed by China Unicom/) },
  unsigned: { CMCC: '-', CTCC: invalid(/not signed by China Telecom/), CUCC: invalid(/not signed by China Unicom/) },
  altered: { CMCC: '-', CTCC: invalid(/not signed by China Telecom/), CUCC: invalid(/not signed by China Unicom/) },
  other_key: { CMCC: '-', CTCC: invalid(/not sealed/), CUCC: invalid(/no usable mobile/) },
  member_twice: { ...all(['unavailable', /duplicate_key/]), CTCC: invalid(/not sealed/) },
  token_gone: { CMCC: ['expired', /104201/], CTCC: ['expired', /51114/], CUCC: ['expired', /1203/] },
  no_number: { CMCC: ['denied', /105002/], CTCC: ['denied', /-10001/], CUCC: ['denied', /1201/] },
  app_unknown: { CMCC: ['denied', /103119/], CTCC: ['denied', /-20006/], CUCC: ['denied', /1105/] },
  sign_wrong: { CMCC: ['denied', /103101/], CTCC: ['denied', /-20005/], CUCC: ['denied', /1106/] },
  busy: { CMCC: ['unavailable', /103911/], CTCC: ['unavailable', /-65/], CUCC: ['unavailable', /1500/] },
  code_unknown: { CMCC: ['unavailable', /109999/], CTCC: ['unavailable', /-1/], CUCC: ['unavailable', /9999/] },
  code_missing: all(['unavailable', /no code|unexpected shape/]),
};
const table = Object.entries(follows).flatMap(([fault, byCarrier]) =>
  persons.flatMap(([operator, person]) => {
    const each = byCarrier[operator] ?? '-';
    return each === '-' ? [] : [{ fault, operator, person, reason: each[0], why: each[1] }];
  }),
);

describe('D09: each fault of an exchange is refused, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(follows).toSorted()).toEqual([...exchangeFaults].toSorted());
  });
  it.each(table)('$operator $fault: $reason', async ({ fault, person, reason, why }) => {
    expect((await (await signIn(person)).result()).outcome).toBe('identified');
    await carriers.control({ fault });
    const spoilt = await (await signIn(person)).result();
    expect(spoilt).toMatchObject(
      reason === 'unavailable'
        ? { outcome: 'unavailable', retryAfter: expect.any(Number) }
        : { outcome: 'refused', reason },
    );
    expect(causeOf(spoilt)).toMatch(why);
  });
});

describe('what the page comes back with', () => {
  const reasons: Readonly<Record<(typeof pageFaults)[number], object>> = {
    state: { outcome: 'refused', reason: 'answer_invalid' },
    operator: { outcome: 'refused', reason: 'answer_invalid' },
    token_missing: { outcome: 'refused', reason: 'answer_invalid' },
    token_twice: { outcome: 'refused', reason: 'answer_invalid' },
    code_bad: { outcome: 'refused', reason: 'answer_invalid' },
    sdk_late: { outcome: 'unavailable' },
    sdk_no_data: { outcome: 'refused', reason: 'denied' },
  };
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(reasons).toSorted()).toEqual([...pageFaults].toSorted());
  });
  it.each(Object.entries(reasons))('%s', async (fault, expected) => {
    await carriers.control({ fault });
    expect(await (await signIn()).result()).toMatchObject(expected);
  });
  it('the person turned back, has no number here, or a suspended one', async () => {
    expect(await (await signIn('')).result()).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    expect(await (await signIn('nobody')).result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect(await (await signIn('zhang-wei-2')).result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('suspended between the tap and the exchange: nobody', async () => {
    const { result } = await signIn();
    await carriers.person('li-xiaoming', { status: 1 });
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it.each(['state', 'operator', 'token', 'resultCode'])('without %s', async (name) => {
    const { own, callback, keep } = await signIn();
    callback.searchParams.delete(name);
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
});

describe('callbacks', () => {
  it.each(persons)(
    'D08: %s, a second time, by the same or another process, has no effect',
    async (_carrier, person) => {
      const { own, callback, keep, result } = await signIn(person);
      expect((await result()).outcome).toBe('identified');
      expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
      expect(await bridge().finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    },
  );
  it('in parallel: one of many', async () => {
    const { own, callback, keep } = await signIn();
    const results = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(results.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('D07: the callback of another sign-in does not fit this one', async () => {
    const theirs = await signIn('chen-jiayi');
    const ours = await signIn('li-xiaoming', { state: 'b'.repeat(32) });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
  });
  it('two carriers mixed up: a token is good at its own alone', async () => {
    const { own, callback, keep } = await signIn();
    for (const operator of ['CTCC', 'CUCC']) {
      callback.searchParams.set('operator', operator);
      expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    }
    callback.searchParams.set('operator', 'constructor');
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
});

describe('the line fails', () => {
  const faults = ['down', 'hang', 'http500', 'garbage', 'empty'];
  it.each(faults.flatMap((fault) => persons.map(([operator, person]) => [fault, operator, person] as const)))(
    '%s at %s: unavailable',
    async (fault, _operator, person) => {
      const { result } = await signIn(person);
      await carriers.control({ fault });
      expect(await result()).toMatchObject({ outcome: 'unavailable' });
    },
  );
  it('slow but in time is fine', async () => {
    await carriers.control({ fault: 'slow', delayMs: 50 });
    expect((await (await signIn()).result()).outcome).toBe('identified');
  });
});

describe('settings', () => {
  it.each([
    ['li-xiaoming', { cmccAppKey: 'another' }],
    ['li-xiaoming', { cmccAppId: '1' }],
    ['chen-jiayi', { ctccAppSecret: 'another' }],
    ['chen-jiayi', { ctccAppId: '1' }],
    ['wang-jianguo', { cuccAppId: '1' }],
  ])('%s with our own %o wrong: refused, and not the person’s fault to try again', async (person, wrong) => {
    expect(await (await signIn(person, {}, bridge(wrong))).result()).toMatchObject({ reason: 'denied' });
  });
  it('keys of others: China Telecom can’t read us, China Unicom is not who signed', async () => {
    const { default: keys } = await import('../../simulators/carrier/demo-keys.json', { with: { type: 'json' } });
    const wrong = bridge({ ctccKey: keys.stranger.public, cuccKey: keys.stranger.public });
    expect(await (await signIn('chen-jiayi', {}, wrong)).result()).toMatchObject({ reason: 'denied' });
    expect(await (await signIn('wang-jianguo', {}, wrong)).result()).toMatchObject({ reason: 'answer_invalid' });
    const own = bridge({ cuccPrivateKey: keys.stranger.private });
    expect(await (await signIn('wang-jianguo', {}, own)).result()).toMatchObject({ reason: 'denied' });
  });
  it('a clock of ours that is wrong is noticed', async () => {
    const own = bridge({}, () => new Date(Date.now() - 3_600_000));
    expect(await (await signIn('li-xiaoming', {}, own)).result()).toMatchObject({ reason: 'answer_invalid' });
    expect(await (await signIn('chen-jiayi', {}, own)).result()).toMatchObject({ reason: 'denied' });
  });
  it('are refused when they are not whole, and their secrets are named', () => {
    const settings: Record<string, string> = { ...carriers.settings() };
    expect(carrier.settings.safeParse(settings).success).toBe(true);
    for (const name of Object.keys(carrier.settings.shape))
      expect(carrier.settings.safeParse({ ...settings, [name]: '' }).success).toBe(false);
    expect(carrier.secrets).toEqual(['cmccAppKey', 'ctccAppSecret', 'cuccPrivateKey', 'checkSecretKey']);
  });
  it('keys work as a form of the console leaves them: in one line', async () => {
    const settings = Object.entries(carriers.settings()).map(([name, value]) => [name, value.replaceAll('\n', '')]);
    const own = bridge(Object.fromEntries(settings));
    for (const [, person] of persons)
      expect((await (await signIn(person, {}, own)).result()).outcome).toBe('identified');
  });
  it('one row holds what the bridge and the three-element check read', async () => {
    const kept = Object.keys(carrier.settings.shape);
    expect(kept).toEqual(expect.arrayContaining(Object.keys(carrierCheckSettings.shape)));
    expect(carrier.secrets).toEqual(expect.arrayContaining([...carrierCheckSecrets]));
    const { checkUrl, checkSecretId, checkSecretKey, ...rest } = carriers.settings();
    expect(carrier.settings.safeParse(rest).success).toBe(true);
    expect(carrierCheckSettings.safeParse({ checkUrl, checkSecretId, checkSecretKey }).success).toBe(true);
  });
});

it('China Mobile’s signature is what the reference computed', () => {
  const call = {
    appid: '300011111111',
    version: '2.0',
    msgid: '0123456789abcdef0123456789abcdef',
    systemtime: '20260801120000000',
    strictcheck: '0',
    token: 'STsid0000001234567890',
  };
  expect(mobileSign(call, 'TESTAPPKEY')).toBe('2E04C3C839EA4DB9D3B8FAA0B9B67709');
});
