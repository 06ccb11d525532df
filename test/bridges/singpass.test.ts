import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  answerFaults,
  oddities,
  type TokenFault,
  tokenFaults,
  userinfoFaults,
} from '../../simulators/singpass/faults.ts';
import type { BridgeResult } from '../../src/bridges/bridge.ts';
import { singpass } from '../../src/bridges/singpass/index.ts';
import { request, type SingpassCity, startSingpass } from './singpass-support.ts';

let city: SingpassCity;
beforeAll(async () => {
  city = await startSingpass();
});
afterAll(() => city.close());
afterEach(async () => {
  await city.fault('none');
  await city.person('tan-wei-ming', {});
});

const LOA = (level: number) => `urn:singpass:authentication:loa:${level}`;
const why = (result: BridgeResult): string => {
  const chain: unknown[] = [];
  for (let each = result.outcome === 'identified' ? null : result.cause; each; ) {
    chain.push(each, each instanceof Error && 'code' in each ? each.code : '');
    each = each instanceof Error ? each.cause : null;
  }
  return chain.map(String).join(' ');
};

describe('a sign-in at Singpass', () => {
  it('Login app: the account’s UUID, level, methods and time, and who it is', async () => {
    const { result, url } = await city.signIn('tan-wei-ming', { level: LOA(3) });
    // Only the reference goes through the browser.
    expect([...new URL(url).searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri']);
    const found = await result();
    expect(found).toMatchObject({
      outcome: 'identified',
      identity: {
        level: LOA(3),
        methods: ['pwd', 'swk', 'face'],
        claims: {
          name: 'TAN WEI MING',
          latinName: 'TAN WEI MING',
          documentType: 'sg_nric',
          documentNumber: 'S1234567D',
          phone: '+6591234567',
          category: 'foreign',
        },
      },
    });
    if (found.outcome !== 'identified') return;
    const [subject] = found.identity.subjects;
    expect(subject.of.slice(0, 2)).toEqual([city.issuer, city.settings().clientId]);
    expect(subject.of[2]).toMatch(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(Math.abs((found.identity.authTime?.getTime() ?? 0) - Date.now())).toBeLessThan(5_000);
  });

  it('Myinfo app: the registers’ word at userinfo, with the birth date', async () => {
    const found = await (await city.signIn('tan-wei-ming', {}, city.myinfo())).result();
    expect(found).toMatchObject({
      outcome: 'identified',
      identity: {
        level: LOA(2),
        methods: ['pwd', 'swk'],
        claims: {
          name: 'TAN WEI MING',
          documentType: 'sg_nric',
          documentNumber: 'S1234567D',
          birthDate: '1980-01-20',
          phone: '+6591234567',
        },
      },
    });
  });

  it('the same person has one UUID in both, and never two people the same', async () => {
    const uuid = (found: BridgeResult) => (found.outcome === 'identified' ? found.identity.subjects[0].of[2] : null);
    const tan = uuid(await (await city.signIn('tan-wei-ming')).result());
    expect(uuid(await (await city.signIn('tan-wei-ming', {}, city.myinfo())).result())).toBe(tan);
    expect(uuid(await (await city.signIn('lin-yi-chun')).result())).not.toBe(tan);
  });

  it('FIN holders are known by their FIN; accounts on a foreign document are worth less and have no number here', async () => {
    expect(await (await city.signIn('lin-yi-chun')).result()).toMatchObject({
      identity: { level: LOA(2), claims: { documentType: 'sg_fin' } },
    });
    const foreign = await (await city.signIn('chan-tai-man')).result();
    expect(foreign).toMatchObject({ identity: { level: 'foreign', claims: { name: 'CHAN TAI MAN' } } });
    expect(foreign.outcome === 'identified' && foreign.identity.claims.documentNumber).toBeUndefined();
    // Userinfo refuses them.
    expect(await (await city.signIn('chan-tai-man', {}, city.myinfo())).result()).toMatchObject({
      outcome: 'refused',
      reason: 'denied',
    });
  });

  it('a level is about somebody with a name: without it, none', async () => {
    expect(await (await city.signIn('tan-wei-ming', {}, city.bridge({ scope: 'openid' }))).result()).toMatchObject({
      outcome: 'identified',
      identity: { level: null, claims: {} },
    });
  });

  it('what is asked for is pushed, and what comes back counts', async () => {
    expect(await (await city.signIn('tan-wei-ming', { level: LOA(2) })).result()).toMatchObject({
      identity: { level: LOA(2) },
    });
    await city.person('tan-wei-ming', { acr: LOA(2) });
    expect(await (await city.signIn('tan-wei-ming', { level: LOA(3) })).result()).toMatchObject({
      identity: { level: LOA(2) },
    });
    await city.person('tan-wei-ming', { acr: LOA(1) });
    const lowest = await (await city.signIn('tan-wei-ming', { level: LOA(3) })).result();
    expect(lowest).toMatchObject({ identity: { level: LOA(1) } });
    // loa:1 is none of ours, so it counts as none.
    expect(singpass.traits.levels.map(({ name }) => name)).not.toContain(LOA(1));
  });

  it.each(oddities)('borne: %s', async (oddity) => {
    await city.fault(oddity);
    expect(await (await city.signIn()).result()).toMatchObject({ outcome: 'identified' });
  });
});

/** Each fault of the ID token, and that it is refused for what it is. */
const reasons: Readonly<Record<Exclude<TokenFault, 'replay'>, RegExp>> = {
  iss: /"iss"/,
  aud: /"aud"/,
  aud_twice: /additional untrusted audiences/,
  azp: /"azp"/,
  expired: /"exp"/,
  iat_future: /iat is in the future/,
  iat_old: /iat is before the request/,
  nonce: /"nonce"/,
  nonce_missing: /"nonce".*missing/,
  sub_missing: /"sub".*missing/,
  sub_old_form: /"path": \[\s*"sub"\s*\]/,
  sub_type: /"path": \[\s*"sub_type"\s*\]/,
  acting: /"path": \[\s*"act"\s*\]/,
  alg_none: /"alg"/,
  hs256: /"alg"/,
  rs256: /"alg"/,
  kid_unknown: /no applicable keys/,
  signature: /signature verification failed/,
  not_encrypted: /ID token not encrypted/,
  enc_key: /decryption failed/,
  enc_kid: /no applicable decryption key/,
  enc_weak: /decryption failed/,
};

/** Of the answers around it; `denied` is what the person is told. */
const around: Readonly<Record<(typeof answerFaults)[number], string>> = {
  iss_parameter: 'answer_invalid',
  iss_missing: 'answer_invalid',
  state: 'answer_invalid',
  denied: 'denied',
  server_error: 'unavailable',
  temporarily_unavailable: 'unavailable',
  request_uri_expired: 'expired',
  code_expired: 'expired',
  bearer: 'answer_invalid',
  no_id_token: 'answer_invalid',
  client_unknown: 'unavailable',
};
const atUserinfo: Readonly<Record<(typeof userinfoFaults)[number], string>> = {
  userinfo_sub: 'answer_invalid',
  userinfo_iss: 'answer_invalid',
  userinfo_aud: 'answer_invalid',
  userinfo_json: 'answer_invalid',
  userinfo_not_encrypted: 'answer_invalid',
  userinfo_signature: 'answer_invalid',
  userinfo_key: 'answer_invalid',
  userinfo_token: 'denied',
  userinfo_dependency: 'unavailable',
};
const told = (result: BridgeResult) => (result.outcome === 'refused' ? result.reason : result.outcome);

describe('D09: each fault that the simulator can play', () => {
  it('is in one of the tables', () => {
    expect(Object.keys(reasons).toSorted()).toEqual(tokenFaults.filter((fault) => fault !== 'replay').toSorted());
    expect(Object.keys(around)).toEqual([...answerFaults]);
    expect(Object.keys(atUserinfo)).toEqual([...userinfoFaults]);
  });
  it.each(Object.entries(reasons))('ID token, %s: refused for what it is', async (fault, reason) => {
    await city.fault(fault);
    for (const own of [city.bridge(), city.myinfo()]) {
      const spoilt = await (await city.signIn('tan-wei-ming', {}, own)).result();
      expect(told(spoilt)).toBe('answer_invalid');
      expect(why(spoilt)).toMatch(reason);
    }
  });
  it('ID token, replay: that of the sign-in before', async () => {
    expect((await (await city.signIn()).result()).outcome).toBe('identified');
    await city.fault('replay');
    expect(told(await (await city.signIn()).result())).toBe('answer_invalid');
  });
  it.each(Object.entries(around))('answer, %s: %s', async (fault, outcome) => {
    const started = await city.bridge().start(request);
    if (started.outcome !== 'started') throw new Error('not started');
    await city.fault(fault);
    const callback = await city.visit(started.url, 'tan-wei-ming');
    expect(told(await city.bridge().finish(callback, started.keep))).toBe(outcome);
  });
  it.each(Object.entries(atUserinfo))('userinfo, %s: %s', async (fault, outcome) => {
    await city.fault(fault);
    expect(told(await (await city.signIn('tan-wei-ming', {}, city.myinfo())).result())).toBe(outcome);
  });
  it('a register behind Singpass that is away for one call is asked once more, with a proof of its own', async () => {
    await city.fault('userinfo_dependency', { times: 1 });
    expect((await (await city.signIn('tan-wei-ming', {}, city.myinfo())).result()).outcome).toBe('identified');
  });
});

describe('callbacks', () => {
  it('D08: a second time, by the same or another process, has no effect', async () => {
    const { own, callback, keep, result } = await city.signIn();
    expect((await result()).outcome).toBe('identified');
    expect(told(await own.finish(callback, keep))).toBe('expired');
    expect(told(await city.bridge().finish(callback, keep))).toBe('expired');
  });
  it('in parallel: one of many', async () => {
    const { own, callback, keep } = await city.signIn();
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
  });
  it('D07: a code of another sign-in does not fit this one', async () => {
    const theirs = await city.signIn('lin-yi-chun');
    const ours = await city.signIn('tan-wei-ming', { state: 'b'.repeat(32) });
    const swapped = new URL(ours.callback);
    swapped.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
    expect(told(await ours.own.finish(swapped, ours.keep))).toBe('expired');
    expect(told(await ours.own.finish(theirs.callback, ours.keep))).toBe('answer_invalid');
  });
  it.each(['code', 'state', 'iss'])('without %s', async (name) => {
    const { own, callback, keep } = await city.signIn();
    callback.searchParams.delete(name);
    expect(told(await own.finish(callback, keep))).toBe('answer_invalid');
  });
  it('another key than the sign-in began with gets nothing', async () => {
    const { own, callback, keep } = await city.signIn();
    const other = await city.signIn('tan-wei-ming', {}, own);
    const torn = { ...(keep as object), proof: (other.keep as { proof: unknown }).proof };
    const result = await own.finish(callback, torn);
    expect(told(result)).toBe('unavailable');
    expect(why(result)).toContain('server responded with an error');
  });
});

describe('the person says no, or may not', () => {
  it('cancelled; disabled before and during the sign-in', async () => {
    expect(told(await (await city.signIn('')).result())).toBe('cancelled');
    const { result } = await city.signIn('tan-wei-ming', {}, city.myinfo());
    await city.person('tan-wei-ming', { disabled: true });
    expect(told(await result())).toBe('denied');
    expect(told(await (await city.signIn('tan-wei-ming')).result())).toBe('denied');
  });
});

describe('the line fails', () => {
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])(
    '%s: unavailable, at the start and at the end',
    async (fault) => {
      const { result } = await city.signIn();
      await city.fault(fault);
      const [started, finished] = await Promise.all([city.bridge().start(request), result()]);
      expect([started.outcome, finished.outcome]).toEqual(['unavailable', 'unavailable']);
      await city.fault('none');
      expect((await city.bridge().start(request)).outcome).toBe('started');
    },
  );
  it('slow but in time is fine', async () => {
    await city.fault('slow', { delayMs: 50 });
    expect((await (await city.signIn()).result()).outcome).toBe('identified');
  });
});
