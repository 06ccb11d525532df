import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { contradictions, errorFaults, snapshots, variations } from '../../simulators/wechat/faults.ts';
import { weChatUpstream } from '../../simulators/wechat/service.ts';
import type { BridgeStart } from '../../src/bridges/bridge.ts';
import { wechat } from '../../src/bridges/wechat/index.ts';
import { openBridge, request, serve, signIn, visit } from './serve.ts';

let at: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  at = await serve(weChatUpstream);
});
afterAll(() => at.close());
afterEach(async () => {
  await at.control({ fault: 'none' });
  await at.person('li-xiaoming', {});
});

const website = 'wx5a1e0000000000a1';
const account = 'wx5a1e0000000000b2';
const inside: Partial<BridgeStart> = {
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.53(0x18003531) NetType/WIFI Language/zh_CN',
};
const bridge = (more: object = {}) => openBridge(wechat, { ...at.simulator.settings(), ...more });
const resultFor = async (person = 'li-xiaoming', more: Partial<BridgeStart> = {}, own = bridge()) =>
  (await signIn(own, person, more)).result();
const identityOf = async (person = 'li-xiaoming', more: Partial<BridgeStart> = {}) => {
  const result = await resultFor(person, more);
  if (result.outcome !== 'identified') throw new Error(inspect(result));
  return result.identity;
};
const urlOf = async (more: Partial<BridgeStart> = {}, own = bridge()) => {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error('not started');
  return started.url;
};
const identifier = expect.stringMatching(/^o[A-Za-z0-9_-]{27}$/);

describe('a sign-in there', () => {
  it('names the person twice, and says nothing else', async () => {
    const found = await identityOf();
    expect(found).toEqual({
      subjects: [
        { part: 'unionid', of: [identifier] },
        { part: 'openid', of: [website, identifier] },
      ],
      level: null,
      methods: [],
      authTime: null,
      claims: {},
    });
    expect(await identityOf()).toEqual(found);
    // Who calls himself by another's name is not the other.
    expect((await identityOf('zhang-wei-2')).subjects).not.toEqual(found.subjects);
  });

  it('inside WeChat the same person has another openid and the same unionid', async () => {
    const [outside, within] = [await identityOf(), await identityOf('li-xiaoming', inside)];
    expect(within.subjects[0]).toEqual(outside.subjects[0]);
    expect(within.subjects[1]).toEqual({ part: 'openid', of: [account, identifier] });
    expect(within.subjects[1]?.of[1]).not.toBe(outside.subjects[1]?.of[1]);
  });

  it('is worth one factor and nothing about who it is, whatever is asked for', async () => {
    const [only, ...more] = wechat.traits.levels;
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      name: null,
      worth: { identity: null, authentication: { factors: ['possession'], phishingResistant: false } },
    });
    expect((await identityOf('li-xiaoming', { level: 'anything' })).level).toBeNull();
  });

  it('a code to scan in every browser but WeChat’s own', async () => {
    const expected = `${at.origin}/wechat/connect/qrconnect?appid=${website}&redirect_uri=${encodeURIComponent(request.redirectUri)}&response_type=code&scope=snsapi_login&state=${request.state}#wechat_redirect`;
    expect(await urlOf()).toBe(expected);
    expect(await urlOf({ userAgent: 'Mozilla/5.0 Chrome/140', fresh: true })).toBe(expected);
    // WeChat Work is another service.
    expect(await urlOf({ userAgent: `${inside.userAgent} wxwork/4.1.22 Language/zh` })).toBe(expected);
    // No official account: the code is all there is.
    expect(await urlOf(inside, bridge({ accountAppId: '', accountAppSecret: '' }))).toBe(expected);
    expect(await (await fetch(await urlOf())).text()).toContain('<button name="person" value="li-xiaoming">');
  });

  it('a page of the official account inside WeChat, asked for consent again when it must be fresh', async () => {
    const plain = `${at.origin}/wechat/connect/oauth2/authorize?appid=${account}&redirect_uri=${encodeURIComponent(request.redirectUri)}&response_type=code&scope=snsapi_userinfo&state=${request.state}`;
    expect(await urlOf(inside)).toBe(`${plain}#wechat_redirect`);
    expect(await urlOf({ ...inside, fresh: true })).toBe(`${plain}&forcePopup=true#wechat_redirect`);
    expect((await resultFor('li-xiaoming', { ...inside, fresh: true })).outcome).toBe('identified');
  });
});

/** Honest answers in other dress, and the kinds of names that come of them. */
const dressed: Readonly<Record<(typeof variations)[number], readonly string[]>> = {
  unionid_absent: ['openid'],
  unionid_empty: ['openid'],
  unionid_late: ['unionid', 'openid'],
  errcode_zero: ['unionid', 'openid'],
  json_content_type: ['unionid', 'openid'],
  not_a_snapshot: ['unionid', 'openid'],
};

describe('answers differ, and are taken', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(dressed).toSorted()).toEqual([...variations].toSorted());
  });
  it.each(Object.entries(dressed))('%s', async (fault, parts) => {
    for (const place of ['token', 'info']) {
      await at.control({ fault, at: place });
      expect((await identityOf()).subjects.map(({ part }) => part)).toEqual(parts);
    }
  });
  it('D12: a unionid that appears later comes beside the openid known before', async () => {
    await at.control({ fault: 'unionid_absent' });
    const before = (await identityOf()).subjects;
    await at.control({ fault: 'none' });
    const after = (await identityOf()).subjects;
    expect(before).toHaveLength(1);
    expect(after).toEqual([{ part: 'unionid', of: [identifier] }, before[0]]);
  });
  it('JSON is called text, as there', async () => {
    const response = await fetch(`${at.origin}/wechat/sns/userinfo?access_token=none&openid=none&lang=zh_CN`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain']);
    expect(await response.json()).toEqual({
      errcode: 40001,
      errmsg: expect.stringMatching(/, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/),
    });
  });
});

describe('virtual users of a preview are nobody', () => {
  it.each(snapshots)('%s', async (fault) => {
    await at.control({ fault });
    for (const more of [inside, {}])
      expect(await resultFor('li-xiaoming', more)).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
});

/** Each answer that can't be, why it is refused, and in which of the two answers it can stand. */
const contradicting: Readonly<Record<(typeof contradictions)[number], readonly [RegExp, readonly string[]]>> = {
  openid_other: [/another openid/, ['info']],
  unionid_other: [/another unionid/, ['info']],
  openid_missing: [/shape: openid/, ['token', 'info']],
  openid_blank: [/shape: openid/, ['token', 'info']],
  openid_number: [/shape: openid/, ['token', 'info']],
  unionid_blank: [/shape: unionid/, ['token', 'info']],
  access_token_missing: [/shape: access_token/, ['token']],
  key_twice: [/a name twice/, ['token', 'info']],
  errcode_unreadable: [/an error without a number/, ['token', 'info']],
};

describe('D09: each answer that can’t be trusted is refused, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(contradicting).toSorted()).toEqual([...contradictions].toSorted());
  });
  it.each(Object.entries(contradicting))('%s', async (fault, [reason, places]) => {
    for (const place of places) {
      await at.control({ fault, at: place });
      const result = await resultFor();
      expect(result).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
      expect(String(result.outcome === 'refused' && result.cause)).toMatch(reason);
    }
  });
  it('a token answer of somebody else does not get at their data: the API itself objects', async () => {
    await at.control({ fault: 'openid_other', at: 'token' });
    expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
});

const worn = ['errcode_40029', 'errcode_40163', 'errcode_42003'];
const busy = ['errcode_-1', 'errcode_45009', 'errcode_45011'];

describe('errcode in HTTP 200', () => {
  it.each(errorFaults)('%s', async (fault) => {
    const expected = busy.includes(fault)
      ? { outcome: 'unavailable', retryAfter: 30 }
      : { outcome: 'refused', reason: worn.includes(fault) ? 'expired' : 'denied' };
    for (const place of ['token', 'info']) {
      await at.control({ fault, at: place });
      expect(await resultFor()).toMatchObject(expected);
    }
  });
  it('as text', async () => {
    await at.control({ fault: 'errcode_as_text', at: 'token' });
    expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('the secret is in no error, whatever fails', async () => {
    for (const fault of ['errcode_40125', 'down', 'http500', 'garbage', 'key_twice', 'openid_missing']) {
      const { result } = await signIn(bridge(), 'li-xiaoming');
      await at.control({ fault, at: 'token' });
      const shown = inspect(await result(), { depth: 12, showHidden: true });
      expect(shown).not.toContain('demo-secret');
      await at.control({ fault: 'none' });
    }
  });
});

describe('callbacks', () => {
  it('D08: a second time and in parallel, a code works once', async () => {
    const { own, callback, keep } = await signIn(bridge(), 'li-xiaoming');
    const all = await Promise.all(Array.from({ length: 8 }, () => own.finish(callback, keep)));
    expect(all.filter(({ outcome }) => outcome === 'identified')).toHaveLength(1);
    for (const each of all.filter(({ outcome }) => outcome !== 'identified'))
      expect(each).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it.each([
    [{}, 11],
    [inside, 6],
  ])('a code that is too old: %o', async (more, minutes) => {
    const { result } = await signIn(bridge(), 'li-xiaoming', more);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
    try {
      const found = await result();
      expect(found).toMatchObject({ outcome: 'refused', reason: 'expired' });
      expect(String(found.outcome === 'refused' && found.cause)).toContain('42003');
    } finally {
      vi.useRealTimers();
    }
  });
  it('D07: the callback of another sign-in, and the code of another mode', async () => {
    const theirs = await signIn(bridge(), 'chen-jiayi', { state: 'b'.repeat(32) });
    const ours = await signIn(bridge(), 'li-xiaoming');
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
    const within = await signIn(bridge(), 'chen-jiayi', inside);
    expect(await ours.own.finish(within.callback, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it.each(['state', 'code_twice'])('changed on the way: %s', async (fault) => {
    await at.control({ fault });
    expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
  });
  it('without state, with two, or with a code that can’t be one', async () => {
    const { own, callback, keep } = await signIn(bridge(), 'li-xiaoming');
    const changed = (change: (query: URLSearchParams) => void) => {
      const url = new URL(callback);
      change(url.searchParams);
      return own.finish(url, keep);
    };
    const all = await Promise.all([
      changed((query) => query.delete('state')),
      changed((query) => query.append('state', request.state)),
      changed((query) => query.set('code', 'a b')),
      changed((query) => query.set('code', 'x'.repeat(513))),
    ]);
    for (const each of all) expect(each).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
    // Nothing of this touched the code.
    expect((await own.finish(callback, keep)).outcome).toBe('identified');
  });
});

describe('the person or WeChat says no', () => {
  it('declines: sent back without a code, or not sent back at all', async () => {
    expect(await resultFor('')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    await at.control({ fault: 'cancel_stays' });
    await expect(visit(await urlOf(), '')).rejects.toThrow(/已取消/);
  });
  it('blocked there', async () => {
    await at.person('li-xiaoming', { disabled: true });
    expect(await resultFor()).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('our own secret is wrong: refused, and not for the person to try again', async () => {
    const own = bridge({ appSecret: 'another' });
    expect(await resultFor('li-xiaoming', {}, own)).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
});

describe('the line fails', () => {
  it.each(['down', 'hang', 'http500', 'garbage', 'empty'])('%s: unavailable, and well again after', async (fault) => {
    const { result } = await signIn(bridge(), 'li-xiaoming');
    await at.control({ fault });
    expect(await result()).toMatchObject({ outcome: 'unavailable' });
    await at.control({ fault: 'none' });
    expect((await resultFor()).outcome).toBe('identified');
  });
  it('slow but in time is fine', async () => {
    await at.control({ fault: 'slow', delayMs: 50 });
    expect((await resultFor()).outcome).toBe('identified');
  });
});

describe('settings', () => {
  it('an official account is whole or not there', () => {
    const parsed = (more: object) => wechat.settings.safeParse({ ...at.simulator.settings(), ...more }).success;
    expect(parsed({})).toBe(true);
    expect(parsed({ accountAppId: '', accountAppSecret: '' })).toBe(true);
    expect(parsed({ accountAppId: '' })).toBe(false);
    expect(parsed({ accountAppSecret: '' })).toBe(false);
    expect(parsed({ appId: 'shimin' })).toBe(false);
    expect(parsed({ appSecret: '' })).toBe(false);
    expect(wechat.secrets).toEqual(['appSecret', 'accountAppSecret']);
  });
});
