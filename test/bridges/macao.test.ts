import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { faults as lineFaults } from '../../simulators/lib/faults.ts';
import { macaoUpstream } from '../../simulators/macao/service.ts';
import { answerFaults } from '../../simulators/oidc/provider.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import type { BridgeResult, BridgeStart } from '../../src/bridges/bridge.ts';
import { claimsOf } from '../../src/bridges/macao/claims.ts';
import { macao } from '../../src/bridges/macao/index.ts';
import { createUpstream } from '../../src/lib/upstream.ts';
import { choose, type ServedUpstream, serveUpstream } from './upstream-support.ts';

let served: ServedUpstream;
beforeAll(async () => {
  served = await serveUpstream(macaoUpstream);
});
afterAll(() => served.close());
afterEach(async () => {
  await served.control({ fault: 'none' });
  await served.person('ho-ka-i', {});
});

const bridge = (more: Record<string, string> = {}) =>
  macao.open(
    { ...served.settings(), ...more },
    {
      upstream: createUpstream('macao', { breakAfter: 1_000 }),
      allowLoopback: true,
      timeoutMs: 500,
      clock: () => new Date(),
    },
  );
const request: BridgeStart = {
  redirectUri: 'http://localhost:1/bridge/macao/callback',
  state: 'a'.repeat(32),
  level: null,
  locale: 'zh-Hant',
  fresh: false,
  sameDevice: true,
  input: {},
};

async function signIn(person = 'ho-ka-i', more: Partial<BridgeStart> = {}, own = bridge()) {
  const started = await own.start({ ...request, ...more });
  if (started.outcome !== 'started') throw new Error(`not started: ${started.outcome}`);
  const callback = await choose(started.url, person);
  return { own, callback, keep: structuredClone(started.keep), result: () => own.finish(callback, started.keep) };
}
const told = async (...how: Parameters<typeof signIn>) => (await signIn(...how)).result();
const identity = (result: BridgeResult) => (result.outcome === 'identified' ? result.identity : null);

describe('a sign-in there', () => {
  it('verified: who it is, and worth what the reference says', async () => {
    const found = identity(await told('ho-ka-i', { level: 'verified' }));
    expect(found).toMatchObject({
      level: 'verified',
      methods: ['pwd'],
      claims: {
        name: '何嘉儀',
        latinName: 'HO KA I',
        documentType: 'mo_bir',
        documentNumber: '12345678',
        birthDate: '1992-07-07',
        category: 'macao',
      },
    });
    if (!found) return;
    expect(found.subjects).toHaveLength(1);
    expect(found.subjects[0].of[2]).not.toContain('1234567');
    const facts = upstreamFacts(macao.traits, null, found, new Date());
    expect(facts.evidence).toMatchObject({
      strength: 'strong',
      category: 'macao',
      confirmed: ['name', 'document_number', 'birth_date'],
    });
    expect(facts.event).toMatchObject({ factors: ['knowledge'], userVerified: false, phishingResistant: false });
  });
  it('a Hong Kong resident’s account says so', async () => {
    expect(identity(await told('chan-tai-man'))?.claims).toMatchObject({
      documentType: 'hk_id',
      documentNumber: 'A1234563',
      category: 'hong_kong',
    });
  });
  it('not verified: no level, a name and nothing else', async () => {
    const found = identity(await told('li-xiaoming'));
    expect(found).toMatchObject({ level: null, claims: { name: '李晓明', latinName: 'LI XIAOMING' } });
    expect(found?.claims.documentNumber).toBeUndefined();
    expect(found && upstreamFacts(macao.traits, null, found, new Date()).evidence).toBeNull();
  });
  it('D14: levels sink, and words that are none raise nothing', async () => {
    for (const acr of ['registered', 'VERIFIED', 'verified ', 'superior']) {
      await served.person('ho-ka-i', { acr });
      expect(identity(await told())).toMatchObject({ level: null });
    }
    expect(await told('ho-ka-i', { level: 'verified' })).toMatchObject({ outcome: 'refused', reason: 'denied' });
  });
  it('D12: everybody has one name for ever, and nobody another’s', async () => {
    const subjects = [];
    for (const person of ['ho-ka-i', 'chan-tai-man', 'li-xiaoming', 'ho-ka-i'])
      subjects.push(JSON.stringify(identity(await told(person))?.subjects));
    expect(new Set(subjects).size).toBe(3);
    expect(subjects[0]).toBe(subjects[3]);
  });
});

describe('claims', () => {
  const verified = { acr: 'verified', document_type: 'mo_bir' };
  it('of other papers, in the form they are stored in', () => {
    const number = (type: string, given: string) =>
      claimsOf({ acr: 'verified', document_type: type, document_number: given }).documentNumber;
    expect(number('hk_id', 'A1234563')).toBe('A1234563');
    expect(number('cn_resident_id', '440305198806151219')).toBe('440305198806151219');
    expect(number('cn_hm_travel_permit', 'M12345678')).toBe('M12345678');
  });
  it.each([
    ['as printed', '1234567(8)', '12345678'],
    ['bare', '12345678', '12345678'],
    ['old card', '1/234567/8', '12345678'],
    ['another series', '2234567(8)', undefined],
    ['starred', '1****67(8)', undefined],
    ['empty', '', undefined],
  ])('document number %s', (_, given, stored) => {
    expect(claimsOf({ ...verified, document_number: given }).documentNumber).toBe(stored);
  });
  it('of kinds that are known, by own name only', () => {
    for (const type of ['passport', 'toString', '__proto__', 7, null])
      expect(claimsOf({ ...verified, document_type: type, document_number: '1234567(8)' })).toEqual({});
  });
  it.each(['1992-02-30', '19920707', '1992-7-7', 'soon', 19920707])('no birth date: %s', (birthdate) => {
    expect(claimsOf({ ...verified, birthdate })).toEqual({});
  });
  it.each(['', '  ', '何**', 7, '何'.repeat(201)])('no name: %s', (name) => {
    expect(claimsOf({ ...verified, name })).toEqual({});
  });
});

/** Each fault that the simulator can play, and for what it is refused (D09). */
const table: Readonly<Record<(typeof answerFaults)[number], RegExp | 'denied' | 'unavailable'>> = {
  iss: /"iss"/,
  aud: /"aud"/,
  aud_twice: /additional untrusted audiences/,
  azp: /"azp"/,
  expired: /"exp"/,
  iat_future: /iat is in the future/,
  nonce: /"nonce"/,
  nonce_missing: /"nonce".*missing/,
  alg_none: /"alg"/,
  hs256: /"alg"/,
  kid_unknown: /no applicable keys/,
  signature: /signature verification failed/,
  sub_missing: /"sub".*missing/,
  auth_time_future: /auth_time is in the future/,
  not_fresh: /not signed in anew/,
  replay: /nonce/,
  userinfo_sub: /"sub"/,
  iss_parameter: /"iss"/,
  state: /"state"/,
  denied: 'denied',
  server_error: 'unavailable',
};

describe('D09: each fault there, for what it is', () => {
  it('all that the simulator can play are in the table', () => {
    expect(Object.keys(table).toSorted()).toEqual([...answerFaults].toSorted());
  });
  it.each(Object.entries(table))('%s', async (fault, reason) => {
    expect((await told('ho-ka-i', { fresh: true })).outcome).toBe('identified');
    await served.control({ fault });
    const result = await told('ho-ka-i', { fresh: true });
    if (reason === 'unavailable') return expect(result.outcome).toBe('unavailable');
    if (reason === 'denied') return expect(result).toMatchObject({ outcome: 'refused', reason: 'denied' });
    expect(result).toMatchObject({ outcome: 'refused', reason: 'answer_invalid' });
    const cause = result.outcome === 'refused' ? result.cause : null;
    expect(`${cause} ${cause instanceof Error ? cause.cause : ''}`).toMatch(reason);
  });
});

describe('callbacks', () => {
  it('D08: a second time, by the same or another process, has no effect', async () => {
    const { own, callback, keep, result } = await signIn();
    expect((await result()).outcome).toBe('identified');
    for (const each of [own, bridge()])
      expect(await each.finish(callback, keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
  });
  it('D07: a code of another sign-in does not fit this one', async () => {
    const theirs = await signIn('chan-tai-man');
    const ours = await signIn('ho-ka-i', { state: 'b'.repeat(32) });
    const swapped = new URL(ours.callback);
    swapped.searchParams.set('code', theirs.callback.searchParams.get('code') ?? '');
    expect(await ours.own.finish(swapped, ours.keep)).toMatchObject({ outcome: 'refused', reason: 'expired' });
    expect(await ours.own.finish(theirs.callback, ours.keep)).toMatchObject({ reason: 'answer_invalid' });
  });
  it('cancelled, closed, and the line in each state', async () => {
    expect(await told('')).toMatchObject({ outcome: 'refused', reason: 'cancelled' });
    await served.person('ho-ka-i', { disabled: true });
    expect(await told()).toMatchObject({ outcome: 'refused', reason: 'denied' });
    const { result } = await signIn('chan-tai-man');
    for (const fault of lineFaults.filter((each) => !['none', 'slow', 'wrong'].includes(each))) {
      await served.control({ fault });
      expect((await bridge().start(request)).outcome).toBe('unavailable');
      expect((await result()).outcome).toBe('unavailable');
    }
    await served.control({ fault: 'none' });
    expect((await told('chan-tai-man')).outcome).toBe('identified');
  });
});

it('settings: the secret is one; half of them open nothing', () => {
  expect(macao.secrets).toEqual(['clientSecret']);
  expect(Object.keys(served.settings()).toSorted()).toEqual(Object.keys(macao.settings.shape).toSorted());
  for (const name of ['issuer', 'clientId', 'clientSecret']) expect(() => bridge({ [name]: '' })).toThrow();
  expect(() => bridge({ algorithm: 'none' })).toThrow();
  expect(() => bridge({ scope: 'profile' })).toThrow();
});
