import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { iamSmartFaults } from '../../simulators/iam-smart/faults.ts';
import { iamSmartUpstream } from '../../simulators/iam-smart/service.ts';
import { faults as lineFaults } from '../../simulators/lib/faults.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import type { BridgeResult, BridgeStart } from '../../src/bridges/bridge.ts';
import { iamSmart } from '../../src/bridges/iam-smart/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { choose, type ServedUpstream, serveUpstream } from './upstream-support.ts';

let served: ServedUpstream;
beforeAll(async () => {
  served = await serveUpstream(iamSmartUpstream);
});
afterAll(() => served.close());
afterEach(async () => {
  await served.control({ fault: 'none' });
  await served.person('chan-tai-man', {});
});

const bridge = (more: Record<string, string> = {}, clock = () => new Date()) =>
  iamSmart.open(
    { ...served.settings(), ...more },
    { upstream: createUpstream('iam-smart', { breakAfter: 1_000 }), allowLoopback: true, timeoutMs: 500, clock },
  );
const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/iam-smart/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hant',
  fresh: false,
  sameDevice: false,
  input: {},
};

async function signIn(person = 'chan-tai-man', more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error(`not started: ${started.outcome}`);
  const callback = await choose(started.url, person);
  return { own, callback, keep: structuredClone(started.keep), result: () => own.finish(callback, started.keep) };
}
const told = async (...how: Parameters<typeof signIn>) => (await signIn(...how)).result();
const identity = (result: BridgeResult) => (result.outcome === 'identified' ? result.identity : null);
const factsOf = (result: BridgeResult) => {
  const found = identity(result);
  return found && upstreamFacts(iamSmart.traits, null, found, new Date());
};

describe('a sign-in there', () => {
  it('iAM Smart+: who it is, from the government’s records', async () => {
    const result = await told();
    expect(identity(result)).toMatchObject({
      level: 'iam-smart-plus',
      methods: ['mfa', 'pop'],
      claims: {
        name: '陳大文',
        latinName: 'CHAN TAI MAN',
        documentType: 'hk_id',
        documentNumber: 'A1234563',
        birthDate: '1985-03-03',
        category: 'hong_kong',
      },
    });
    const at = identity(result)?.authTime;
    expect(Math.abs((at?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
    expect(factsOf(result)?.evidence).toMatchObject({
      strength: 'superior',
      category: 'hong_kong',
      confirmed: ['name', 'document_number', 'birth_date', 'photo', 'liveness'],
    });
    expect(factsOf(result)?.event).toMatchObject({
      factors: ['possession', 'inherence'],
      phishingResistant: false,
      deviceBound: false,
    });
  });
  it('without the plus it is worth less, and says so', async () => {
    const result = await told('wong-siu-ling');
    expect(identity(result)).toMatchObject({ level: 'iam-smart', claims: { name: '黃小玲' } });
    expect(factsOf(result)?.evidence).toMatchObject({
      strength: 'strong',
      confirmed: ['name', 'document_number', 'birth_date'],
    });
    await served.person('chan-tai-man', { userType: 'auth' });
    expect(identity(await told())?.level).toBe('iam-smart');
  });
  it('somebody without a Chinese name, whose day of birth nobody knows', async () => {
    const claims = identity(await told('smith-john'))?.claims;
    expect(claims).toEqual({
      name: 'SMITH JOHN',
      latinName: 'SMITH JOHN',
      documentType: 'hk_id',
      documentNumber: 'Q6543215',
      category: 'hong_kong',
    });
  });
  it('D12: one name for ever and for us alone, whether it comes encoded or not', async () => {
    const first = identity(await told())?.subjects;
    expect(first).toHaveLength(1);
    expect(first?.[0].of).toEqual([served.settings().clientId, expect.stringMatching(/^\+\/[A-Za-z0-9+/]{40}=$/)]);
    await served.control({ fault: 'openid_plain' });
    expect(identity(await told())?.subjects).toEqual(first);
    await served.control({ fault: 'none' });
    expect(identity(await told('wong-siu-ling'))?.subjects).not.toEqual(first);
  });
  it('many at once, over one content key and a clock that may not go back', async () => {
    const own = bridge();
    const ways = await Promise.all(Array.from({ length: 12 }, () => signIn('chan-tai-man', {}, own)));
    const results = await Promise.all(ways.map(({ result }) => result()));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(12).fill('identified'));
  });
  it('a content key that was forgotten there is asked for again, once', async () => {
    const own = bridge();
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
    await fetch(`${served.origin}/iam-smart/_control/forget-key`, { method: 'POST' });
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
    await served.control({ fault: 'token_key_gone', times: 1 });
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
    await served.control({ fault: 'token_overtaken', times: 2 });
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
  });
  it('keys that live long are not asked for every time, brief and dated ones serve as well', async () => {
    const own = bridge();
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
    await served.control({ fault: 'key_unknown' });
    expect((await told('chan-tai-man', {}, own)).outcome).toBe('identified');
    for (const fault of ['key_brief', 'key_absolute']) {
      await served.control({ fault });
      expect((await told()).outcome).toBe('identified');
    }
  });
});

describe('the way there', () => {
  const query = async (more: Partial<BridgeStart>) => {
    const started = await bridge().start({ ...request, ...more });
    return new URL(started.outcome === 'started' ? started.url : '').searchParams;
  };
  it('carries what the specification wants, in its own spelling', async () => {
    expect(Object.fromEntries(await query({}))).toEqual({
      clientID: served.settings().clientId,
      responseType: 'code',
      source: 'PC_Browser',
      redirectURI: request.redirectUri,
      scope: 'eidapi_auth eidapi_profiles',
      lang: 'zh-HK',
      state: request.state,
      brokerPage: 'false',
    });
  });
  it.each([
    ['zh-Hans', 'zh-CN'],
    ['zh-Hant', 'zh-HK'],
    ['en', 'en-US'],
    ['pt', 'en-US'],
  ])('in the reader’s language: %s', async (locale, lang) => {
    expect((await query({ locale })).get('lang')).toBe(lang);
  });
  const apple = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
  const android = 'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)';
  it.each([
    [`${apple} Version/18.0 Mobile/15E148 Safari/604.1`, 'iOS_Safari'],
    [`${apple} CriOS/130.0 Mobile/15E148 Safari/604.1`, 'iOS_Chrome'],
    [`${apple} FxiOS/130.0 Mobile/15E148 Safari/605.1.15`, 'iOS_Firefox'],
    [`${apple} EdgiOS/130.0 Version/18.0 Mobile/15E148 Safari/604.1`, 'iOS_Edge'],
    [`${android} Chrome/130.0.0.0 Mobile Safari/537.36`, 'Android_Chrome'],
    [`${android} Chrome/130.0.0.0 Mobile Safari/537.36 EdgA/130.0`, 'Android_Edge'],
    [`${android} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36`, 'Android_Samsung'],
    [`${android} Chrome/114.0.0.0 HuaweiBrowser/15.0 Mobile Safari/537.36`, 'Android_Huawei'],
    [`${android} Chrome/112.0.0.0 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.0`, 'Android_Xiaomi'],
    ['Mozilla/5.0 (Android 15; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0', 'Android_Firefox'],
    ['something new', 'PC_Browser'],
    ['', 'PC_Browser'],
  ])('the app is told which browser to give the person back to: %s', async (userAgent, source) => {
    const sent = await query({ sameDevice: true, userAgent });
    expect(sent.get('source')).toBe(source);
    expect((await query({ sameDevice: false, userAgent })).get('source')).toBe('PC_Browser');
    const page = await fetch(`${served.origin}/iam-smart/api/v1/auth/getQR?${sent}`);
    expect(await page.text()).toContain(source === 'PC_Browser' ? '掃描二維碼' : '在此裝置開啟');
  });
  it('shows no page for what it does not know', async () => {
    const strange: Record<string, string>[] = [
      { clientID: 'another' },
      { redirectURI: 'https://evil.example/' },
      { source: 'Netscape' },
      { scope: 'openid' },
      { state: 'x'.repeat(37) },
      { state: 'a b' },
      { lang: 'pt' },
      { responseType: 'token' },
      { brokerPage: 'perhaps' },
    ];
    for (const changes of strange) {
      const sent = await query({});
      for (const [name, value] of Object.entries(changes)) sent.set(name, value);
      expect((await fetch(`${served.origin}/iam-smart/api/v1/auth/getQR?${sent}`)).status).toBe(400);
    }
  });
});

/** Each fault that the simulator can play, and what has to come of it. */
const invalid = (why: string) => ({ outcome: 'refused', reason: 'answer_invalid', cause: new Error(why) });
const refused = (reason: string, code: string) => ({ outcome: 'refused', reason, cause: new Error(`code ${code}`) });
const unavailable = (code: string) => ({ outcome: 'unavailable', cause: new Error(`code ${code}`) });
const identified = (more: object = {}) => ({ outcome: 'identified', identity: more });
/** What PKCS#1 v1.5 opens wrongly is random bytes, and one time in 250 as many as a key has: then the gateway can't read us. */
const notOurs = { outcome: expect.stringMatching(/^(refused|unavailable)$/) };
const table: Readonly<Record<(typeof iamSmartFaults)[number], object>> = {
  state_missing: invalid('state'),
  state_other: invalid('state'),
  state_twice: invalid('state twice'),
  code_gone: { outcome: 'refused', reason: 'cancelled' },
  code_twice: invalid('code twice'),
  code_short: invalid('code'),
  code_and_error: invalid('code and error_code'),
  error_other: refused('denied', 'D20012'),
  authentication_failed: refused('denied', 'D40002'),
  authentication_timeout: refused('expired', 'D40003'),
  authentication_rejected: refused('cancelled', 'D40001'),
  key_kek_expired: unavailable('D30001'),
  key_forbidden: refused('denied', 'D20012'),
  key_unknown: unavailable('D20000'),
  token_unknown: unavailable('D20000'),
  token_key_gone: unavailable('D30002'),
  token_undecipherable: unavailable('D30004'),
  token_duplicated: refused('expired', 'D20004'),
  token_overtaken: refused('denied', 'D20003'),
  token_code_gone: refused('expired', 'D40004'),
  token_forbidden: refused('denied', 'D20012'),
  token_new_code: refused('denied', 'D99999'),
  // CorpID's codes, or none at all: not what this gateway speaks.
  token_corporate: { outcome: 'unavailable' },
  token_no_code: { outcome: 'unavailable' },
  profile_token_gone: refused('expired', 'D20009'),
  profile_openid_gone: refused('denied', 'D20010'),
  profile_scope: refused('denied', 'D20015'),
  profile_rejected: refused('cancelled', 'D50001'),
  profile_failed: refused('denied', 'D50002'),
  profile_timeout: refused('expired', 'D50003'),
  key_of_another: notOurs,
  key_short: invalid('content key has another length'),
  key_missing: invalid('content key of another shape'),
  key_brief: identified(),
  key_absolute: identified(),
  key_plus_garbage: notOurs,
  content_tag: invalid('content does not open'),
  content_other_key: invalid('content does not open'),
  content_iv: invalid('content has another form'),
  content_short: invalid('content has another form'),
  content_plain: invalid('no encrypted content'),
  content_missing: invalid('no encrypted content'),
  content_spaced: invalid('content is not base64'),
  content_no_json: invalid('content is not acceptable JSON: syntax'),
  content_names_twice: invalid('content is not acceptable JSON: duplicate_key'),
  token_type: invalid('token: tokenType'),
  token_old: invalid('issueAt'),
  token_future: invalid('issueAt'),
  token_expired: invalid('issueAt'),
  token_short: invalid('token: accessToken'),
  openid_missing: invalid('token: openID'),
  openid_blank: invalid('openID'),
  openid_space: invalid('openID'),
  openid_twice_encoded: invalid('openID'),
  openid_broken: invalid('openID'),
  openid_plain: identified(),
  // A kind of account that we do not know is worth nothing (D14).
  user_type_other: identified({ level: null }),
  user_type_missing: identified({ level: null }),
  user_type_case: identified({ level: null }),
  scope_without_profile: identified({ level: 'iam-smart-plus', claims: {} }),
  scope_without_login: invalid('scope'),
  msg_for_message: identified({ level: 'iam-smart-plus' }),
  profile_of_another: invalid('profile of somebody else'),
  profile_shape: invalid('profile: idNo'),
  profile_empty: identified({ claims: {} }),
  number_without_check: identified({ claims: { name: '陳大文', birthDate: '1985-03-03' } }),
  number_starred: identified({ claims: { name: '陳大文', birthDate: '1985-03-03' } }),
  number_impossible: identified({ claims: { name: '陳大文', birthDate: '1985-03-03' } }),
  birth_impossible: identified({ claims: { name: '陳大文', documentNumber: 'A1234563' } }),
  chinese_name_not_verified: identified({ claims: { name: 'CHAN TAI MAN', latinName: 'CHAN TAI MAN' } }),
};

describe('D09: each fault there, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(table).toSorted()).toEqual([...iamSmartFaults].toSorted());
  });
  it.each(Object.entries(table))('%s', async (fault, expected) => {
    await served.control({ fault });
    const result = await told();
    expect(result).toMatchObject(expected);
    const claims = identity(result)?.claims;
    if (['scope_without_profile', 'profile_empty'].includes(fault)) expect(claims).toEqual({});
    if (fault.startsWith('number_')) expect(claims?.documentNumber).toBeUndefined();
    if (fault === 'birth_impossible') expect(claims?.birthDate).toBeUndefined();
    await served.control({ fault: 'none' });
    expect((await told()).outcome).toBe('identified');
  });
  it('nothing of the person, and no secret, is in what the log gets to see', async () => {
    for (const fault of ['profile_shape', 'openid_space', 'content_no_json', 'token_type', 'key_missing']) {
      await served.control({ fault });
      const result = await told();
      const cause = result.outcome === 'identified' ? null : result.cause;
      const inner = cause instanceof Error ? cause.cause : '';
      expect(`${cause} ${JSON.stringify(cause)} ${inner}`).not.toMatch(/A123456|陳大文|CHAN|demo-iam|PRIVATE/);
    }
  });
});

describe('callbacks', () => {
  it('D08: a second time, by the same or another process, has no effect', async () => {
    const { own, callback, keep, result } = await signIn();
    expect((await result()).outcome).toBe('identified');
    for (const each of [own, bridge()])
      expect(await each.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('in parallel: one of many', async () => {
    const { own, callback, keep } = await signIn();
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('D08: after eighteen minutes nothing comes of it', async () => {
    let now = Date.now();
    const { result } = await signIn(
      'chan-tai-man',
      {},
      bridge({}, () => new Date(now)),
    );
    now += 18 * 60_000 + 1;
    expect(await result()).toMatchObject({ outcome: 'refused', reason: 'expired', cause: new Error('too late') });
  });
  it('D07: what comes with the state of another sign-in is not ours', async () => {
    const theirs = await signIn('wong-siu-ling');
    const ours = await signIn('chan-tai-man', { state: 'b'.repeat(32) });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject(invalid('state'));
  });
  it.each(['D4', 'access_denied', '', 'D40000 '])('an error that is none: %s', async (error) => {
    const { own, callback, keep } = await signIn();
    callback.searchParams.delete('code');
    callback.searchParams.set('error_code', error);
    expect(await own.finish(callback, keep)).toMatchObject(invalid('error_code'));
  });
});

describe('the person or the gateway says no', () => {
  it('declined, closed, closed between sign-in and answer', async () => {
    expect(await told('')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    const { result } = await signIn();
    await served.person('chan-tai-man', { disabled: true });
    expect(await told()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect((await result()).outcome).toBe('refused');
  });
  it('our own secret or key is wrong: nobody gets in by it', async () => {
    expect(await told('chan-tai-man', {}, bridge({ clientSecret: 'another-secret' }))).toMatchObject(
      refused('denied', 'D20006'),
    );
    expect(await told('chan-tai-man', {}, bridge({ keyPadding: 'oaep-sha256' }))).toMatchObject({
      outcome: 'refused',
      reason: 'answer_invalid',
    });
  });
  it('the signature is taken in both writings', async () => {
    expect((await told('chan-tai-man', {}, bridge({ signatureForm: 'plain' }))).outcome).toBe('identified');
  });
});

describe('the line fails', () => {
  it.each(lineFaults.filter((fault) => !['none', 'slow', 'wrong'].includes(fault)))(
    '%s: unavailable, and well again afterwards',
    async (fault) => {
      const { result } = await signIn();
      await served.control({ fault });
      expect(await result()).toMatchObject({ outcome: 'unavailable' });
      await served.control({ fault: 'none' });
      expect((await told()).outcome).toBe('identified');
    },
  );
  it('slow but in time is fine', async () => {
    await served.control({ fault: 'slow', delayMs: 50 });
    expect((await told()).outcome).toBe('identified');
  });
});

it('settings: the secrets are two; half of them open nothing', () => {
  expect(iamSmart.secrets).toEqual(['clientSecret', 'kekPrivateKey']);
  expect(Object.keys(served.settings()).toSorted()).toEqual(Object.keys(iamSmart.settings.shape).toSorted());
  for (const name of ['baseUrl', 'clientId', 'clientSecret', 'kekPrivateKey'])
    expect(() => bridge({ [name]: '' })).toThrow();
  expect(() => bridge({ kekPrivateKey: 'MIIB' })).toThrow();
  expect(() => bridge({ basicUserType: 'sign' })).toThrow();
  expect(() => bridge({ keyPadding: 'none' })).toThrow();
});
