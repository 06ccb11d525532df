import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { platformFaults } from '../../simulators/network-id/answers.ts';
import { appFaults } from '../../simulators/network-id/page.ts';
import { networkIdUpstream } from '../../simulators/network-id/service.ts';
import { worthOf } from '../../src/assurance/bridge-worth.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import type { BridgeResult, BridgeStart, ExternalIdentity } from '../../src/bridges/bridge.ts';
import { networkId } from '../../src/bridges/network-id/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { type ServedUpstream, serveUpstream } from '../support/upstream.ts';

let platform: ServedUpstream;
beforeAll(async () => {
  platform = await serveUpstream(networkIdUpstream);
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.control({ fault: 'none' });
  await platform.person('li-xiaoming', {});
});

const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/network-id/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hans',
  fresh: false,
  sameDevice: true,
  input: {},
};
const bridge = (settings: object = {}, clock = () => new Date()) =>
  networkId.open(
    { ...platform.settings(), ...settings },
    { upstream: createUpstream('network-id', { breakAfter: 1_000 }), allowLoopback: true, timeoutMs: 500, clock },
  );

type Form = Readonly<Record<string, string>>;
async function visit(url: string, form: Form): Promise<URL> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}
const li: Form = { person: 'li-xiaoming', info: 'yes' };
async function signIn(level: string | null = 'R01+', form: Form = li, more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, level, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  const callback = await visit(started.url, form);
  return { own, callback, keep: structuredClone(started.keep), result: () => own.finish(callback, started.keep) };
}
async function identified(level: string | null, form: Form = li, own = bridge()): Promise<ExternalIdentity> {
  const found = await (await signIn(level, form, {}, own)).result();
  if (found.outcome !== 'identified') throw new Error(JSON.stringify(found));
  return found.identity;
}
const causeOf = (result: BridgeResult) => ('cause' in result ? String(result.cause) : '');
const who = { name: '李晓明', documentType: 'cn_resident_id', documentNumber: '440305198806151219' };

describe('a sign-in there', () => {
  it('is a pseudonym that only we have, and tells nothing more, unless more is wanted', async () => {
    const identity = await identified(null);
    expect(identity).toEqual({
      subjects: [{ part: 'appNetId', of: ['00000023', '0001', expect.stringMatching(/^[\w-]{40}$/)] }],
      level: 'R01',
      methods: [],
      authTime: expect.any(Date),
      claims: {},
    });
    expect(Math.abs((identity.authTime?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it.each([
    ['R01+', [], ['possession'], 'strong'],
    ['R02+', ['pin'], ['possession', 'knowledge'], 'strong'],
    ['R03+', ['face'], ['possession', 'inherence'], 'superior'],
    ['R04+', ['pin', 'face'], ['possession', 'knowledge', 'inherence'], 'superior'],
  ])('%s: who, how strongly, and what that is worth', async (level, methods, factors, strength) => {
    const identity = await identified(level);
    expect(identity).toMatchObject({
      level,
      methods,
      claims: { ...who, birthDate: '1988-06-15', category: 'mainland' },
    });
    const { evidence, event } = upstreamFacts(networkId.traits, null, identity, new Date());
    expect(event).toMatchObject({ factors, phishingResistant: false, deviceBound: false });
    expect(evidence).toMatchObject({
      strength,
      confirmed: ['name', 'document_number', 'birth_date', ...(strength === 'superior' ? ['photo', 'liveness'] : [])],
    });
  });

  it.each(['R01', 'R02', 'R03', 'R04'])(
    '%s: a face or a password without a name to it is no identity',
    async (mode) => {
      for (const [level, form] of [
        [mode, li],
        [`${mode}+`, { person: 'li-xiaoming' }],
      ] as const) {
        const identity = await identified(level, form);
        expect(identity).toMatchObject({ level: mode, claims: {} });
        const facts = upstreamFacts(networkId.traits, null, identity, new Date());
        expect(facts.evidence).toBeNull();
        expect(facts.event?.factors[0]).toBe('possession');
      }
    },
  );

  it.each([
    ['chan-tai-man', 'cn_hm_travel_permit', 'hong_kong'],
    ['ho-ka-i', 'cn_hm_travel_permit', 'macao'],
    ['lin-yi-chun', 'cn_tw_travel_permit', 'taiwan'],
    ['tan-wei-ming', 'cn_foreign_pr_18', 'foreign'],
    ['rare-character', 'cn_resident_id', 'mainland'],
  ])('also with a permit: %s', async (person, documentType, category) => {
    const { claims } = await identified('R03+', { person, info: 'yes' });
    expect(claims).toMatchObject({ documentType, category });
  });

  it('a level that nobody knows asks for the least, and counts for nothing', async () => {
    expect((await identified('R05')).level).toBe('R01');
    for (const name of [null, 'R05', 'r04+', 'R04++'])
      expect(worthOf(networkId.traits.levels, null, name)).toEqual({ identity: null, authentication: null });
  });

  it('the app is told what to show, and whom for', async () => {
    const started = await bridge().start({ ...request, level: 'R04+' });
    const url = new URL(started.outcome === 'started' ? started.url : '');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      orgID: '00000023',
      appID: '0001',
      bizSeq: expect.stringMatching(/^[0-9a-f]{32}$/),
      type: '1',
      face: '1',
      info: '1',
      redirectUrl: request.redirectUri,
      state: request.state,
      lang: 'zh-Hans',
    });
    expect(await (await fetch(url)).text()).toContain('value="li-xiaoming"');
    for (const [name, value] of [
      ['orgID', '1'],
      ['appID', '0009'],
      ['bizSeq', 'a&b'],
      ['type', '2'],
      ['redirectUrl', 'http://evil.example/'],
      ['state', '-'],
    ] as const) {
      const wrong = new URL(url);
      wrong.searchParams.set(name, value);
      expect((await fetch(wrong)).status).toBe(400);
      expect((await fetch(wrong, { method: 'POST', redirect: 'manual' })).status).toBe(400);
    }
  });
});

describe('D12: whom a subject names', () => {
  it('is the same in every mode and at every time, another for every person, and never a document number', async () => {
    const subjects = await Promise.all(
      [null, 'R01', 'R02+', 'R04+'].map(async (level) => JSON.stringify((await identified(level)).subjects)),
    );
    expect(new Set(subjects).size).toBe(1);
    expect(subjects[0]).not.toContain(who.documentNumber);
    expect(JSON.stringify((await identified(null, { person: 'chen-jiayi' })).subjects)).not.toBe(subjects[0]);
  });
});

/** What follows from each fault of the platform, for somebody who shows all there is to show. */
const follows: Readonly<Record<(typeof platformFaults)[number], readonly [outcome: string, why: RegExp]>> = {
  signature: ['answer_invalid', /not signed by the platform/],
  unsigned: ['answer_invalid', /not signed by the platform/],
  altered: ['answer_invalid', /not signed by the platform/],
  other_seq: ['answer_invalid', /another request/],
  other_org: ['answer_invalid', /somebody else/],
  other_app: ['answer_invalid', /somebody else/],
  other_mode: ['answer_invalid', /another mode/],
  result_mixed: ['answer_invalid', /contradicts itself/],
  result_missing: ['answer_invalid', /contradicts itself/],
  stale: ['answer_invalid', /another time/],
  ahead: ['answer_invalid', /another time/],
  time_missing: ['answer_invalid', /another time/],
  subject_missing: ['answer_invalid', /no usable subject/],
  subject_blank: ['answer_invalid', /no usable subject/],
  subject_is_number: ['answer_invalid', /no usable subject/],
  member_twice: ['answer_invalid', /another shape/],
  not_a_package: ['answer_invalid', /another shape/],
  info_for_others: ['answer_invalid', /not for us/],
  info_of_another_request: ['answer_invalid', /not for us/],
  info_garbled: ['answer_invalid', /not for us/],
  info_weak: ['answer_invalid', /not for us/],
  info_masked: ['pseudonym', /^$/],
  info_half: ['pseudonym', /^$/],
  info_unasked: ['unasked', /^$/],
  token_gone: ['expired', /C0302001/],
  credential_cancelled: ['denied', /C0303001/],
  password_wrong: ['denied', /C0304001/],
  face_mismatch: ['denied', /C0305001/],
  seq_repeated: ['denied', /C0301001/],
  form_wrong: ['denied', /C0301002/],
  sign_wrong: ['denied', /C0401001/],
  org_unknown: ['denied', /C0401002/],
  busy: ['unavailable', /C0999001/],
  code_unknown: ['unavailable', /C0777777/],
};

describe('D09: each fault of the platform is refused, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(follows).toSorted()).toEqual([...platformFaults].toSorted());
  });
  it.each(Object.entries(follows))('%s', async (fault, [outcome, why]) => {
    expect((await (await signIn('R02+')).result()).outcome).toBe('identified');
    await platform.control({ fault });
    const level = outcome === 'unasked' ? 'R02' : 'R02+';
    const result = await (await signIn(level)).result();
    if (outcome === 'unavailable') expect(result).toMatchObject({ outcome, retryAfter: expect.any(Number) });
    else if (outcome === 'pseudonym' || outcome === 'unasked')
      expect(result).toMatchObject({ outcome: 'identified', identity: { level: 'R02', claims: {} } });
    else expect(result).toMatchObject({ outcome: 'refused', reason: outcome });
    expect(causeOf(result)).toMatch(why);
  });
});

describe('what the app comes back with', () => {
  const reasons: Readonly<Record<(typeof appFaults)[number], object>> = {
    state: { outcome: 'refused', reason: 'answer_invalid' },
    app_seq: { outcome: 'refused', reason: 'answer_invalid' },
    password_unasked: { outcome: 'refused', reason: 'answer_invalid' },
    photo_unasked: { outcome: 'refused', reason: 'answer_invalid' },
    data_missing: { outcome: 'refused', reason: 'answer_invalid' },
    data_twice: { outcome: 'refused', reason: 'answer_invalid' },
    code_bad: { outcome: 'refused', reason: 'answer_invalid' },
    app_missing: { outcome: 'refused', reason: 'denied' },
    no_password: { outcome: 'identified', identity: { level: 'R01+' } },
    no_face: { outcome: 'identified', identity: { level: 'R01+' } },
  };
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(reasons).toSorted()).toEqual([...appFaults].toSorted());
  });
  it.each(Object.entries(reasons))('%s', async (fault, expected) => {
    await platform.control({ fault });
    const level = fault === 'no_password' ? 'R02+' : fault === 'no_face' ? 'R03+' : 'R01+';
    expect(await (await signIn(level)).result()).toMatchObject(expected);
  });
  it('of four parts asked for, those that were shown count', async () => {
    await platform.control({ fault: 'no_password' });
    expect((await identified('R04+')).level).toBe('R03+');
    await platform.control({ fault: 'no_face' });
    expect((await identified('R04+')).level).toBe('R02+');
  });
  it('the person turned back, has no credential, or one that was cancelled', async () => {
    expect(await (await signIn('R01', { person: '' })).result()).toMatchObject({ reason: 'cancelled' });
    expect(await (await signIn('R01', { person: 'wang-jianguo' })).result()).toMatchObject({ reason: 'denied' });
    expect(await (await signIn('R01', { person: 'zhao-defu' })).result()).toMatchObject({ reason: 'denied' });
    const { result } = await signIn('R01');
    await platform.person('li-xiaoming', { standing: 'cancelled' });
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('a wrong password and another’s face are refused', async () => {
    expect(await (await signIn('R02+', { ...li, password: 'wrong' })).result()).toMatchObject({ reason: 'denied' });
    expect(await (await signIn('R03+', { ...li, face: 'other' })).result()).toMatchObject({ reason: 'denied' });
    expect(await (await signIn('R04+', { ...li, face: 'other' })).result()).toMatchObject({ reason: 'denied' });
  });
  it.each(['state', 'bizSeq', 'idCardAuthData', 'resultCode'])('without %s', async (name) => {
    const { own, callback, keep } = await signIn();
    callback.searchParams.delete(name);
    expect(await own.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
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
  it('D07: what another sign-in got does not fit this one', async () => {
    const theirs = await signIn('R01+', { person: 'chen-jiayi', info: 'yes' });
    const ours = await signIn('R01+', li, { state: 'b'.repeat(32) });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
    const swapped = new URL(ours.callback);
    swapped.searchParams.set('idCardAuthData', theirs.callback.searchParams.get('idCardAuthData') ?? '');
    expect(await ours.own.finish(swapped, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('a face of another sign-in does not lift this one', async () => {
    const theirs = await signIn('R03+', { person: 'chen-jiayi', info: 'yes' });
    const ours = await signIn('R03+');
    ours.callback.searchParams.set('photoEncData', theirs.callback.searchParams.get('photoEncData') ?? '');
    expect(await ours.own.finish(ours.callback, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
});

describe('the line fails', () => {
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('%s: unavailable', async (fault) => {
    const { result } = await signIn();
    await platform.control({ fault });
    expect(await result()).toMatchObject({ outcome: 'unavailable' });
    await platform.control({ fault: 'none' });
    expect((await (await signIn()).result()).outcome).toBe('identified');
  });
  it('slow but in time is fine', async () => {
    await platform.control({ fault: 'slow', delayMs: 50 });
    expect((await (await signIn()).result()).outcome).toBe('identified');
  });
});

describe('keys and settings', () => {
  const rotate = () => fetch(`${platform.origin}/network-id/_control/rotate`, { method: 'POST' });
  it('the platform changes its key, and the next one is known', async () => {
    await rotate();
    expect((await (await signIn()).result()).outcome).toBe('identified');
    const [first = ''] = (platform.settings().platformKeys ?? '').split(/(?<=-----END PUBLIC KEY-----)/);
    const old = bridge({ platformKeys: first });
    expect(await (await signIn('R01', li, {}, old)).result()).toMatchObject({ reason: 'answer_invalid' });
    await rotate();
  });
  it('our own key, organisation or clock is wrong: refused', async () => {
    const { default: keys } = await import('../../simulators/network-id/demo-keys.json', { with: { type: 'json' } });
    const wrongKey = bridge({ signKey: keys.stranger.private });
    expect(await (await signIn('R01', li, {}, wrongKey)).result()).toMatchObject({ reason: 'denied' });
    const wrongApp = bridge({ appId: '0002' });
    expect(await (await signIn('R01', li, {}, wrongApp)).result()).toMatchObject({ reason: 'denied' });
    const wrongInfo = bridge({ infoKey: keys.stranger.private });
    expect(await (await signIn('R01+', li, {}, wrongInfo)).result()).toMatchObject({ reason: 'answer_invalid' });
    const late = bridge({}, () => new Date(Date.now() - 3_600_000));
    expect(await (await signIn('R01', li, {}, late)).result()).toMatchObject({ reason: 'denied' });
  });
  it('keys work as a form of the console leaves them: in one line', async () => {
    const settings = Object.entries(platform.settings()).map(([name, value]) => [name, value.replaceAll('\n', '')]);
    expect((await identified('R04+', li, bridge(Object.fromEntries(settings)))).level).toBe('R04+');
  });
  it('are refused when they are not whole, and their secrets are named', () => {
    const settings: Record<string, string> = { ...platform.settings() };
    expect(networkId.settings.safeParse(settings).success).toBe(true);
    for (const name of Object.keys(networkId.settings.shape))
      expect(networkId.settings.safeParse({ ...settings, [name]: '' }).success).toBe(false);
    const broken = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----';
    for (const name of ['signKey', 'infoKey', 'platformKeys'])
      expect(networkId.settings.safeParse({ ...settings, [name]: broken }).success).toBe(false);
    expect(networkId.secrets).toEqual(['signKey', 'infoKey']);
  });
});
