import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess, isOfInteraction } from '../../src/assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import type { AssurancePolicy, AuthenticationRule, EvidenceRule, LevelRule } from '../../src/assurance/policy.ts';
import { event, evidence, now, way } from './support.ts';

const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const ahead = (seconds: number) => ago(-seconds);
const proof = (kind: EvidenceRule['kind'], maxAge: number | null = null): EvidenceRule => ({
  ...{ kind, minStrength: 'weak', confirms: [], sources: null, place: null },
  maxAge,
});
const factor = (kind: 'knowledge' | 'possession' | 'inherence', maxAge = 1_000): AuthenticationRule => ({
  ...{ factors: 1, userVerified: false, phishingResistant: false, deviceBound: false, kinds: [kind] },
  maxAge,
});
const level = (id: string, facts: Partial<LevelRule>): LevelRule => ({
  ...{ id, name: id, ial: 0, aal: 1, rideOnSso: true, dominates: [], labels: [], equivalents: {} },
  ...{ identity: [way()], authentication: [factor('knowledge')] },
  ...facts,
});
const policyOf = (...levels: LevelRule[]): AssurancePolicy => ({ ...defaultPolicy, levels });

/** Of equally fresh sign-ins, one that only this rule takes and one that only that rule takes. */
const resistant: AuthenticationRule = { ...factor('possession'), phishingResistant: true };
const bound: AuthenticationRule = { ...factor('inherence'), deviceBound: true };
const password = event({ method: 'password', id: 'password', factors: ['knowledge'], at: ago(100) });
const code = event({ method: 'sms_code', id: 'code', factors: ['possession'], at: ago(50), phishingResistant: true });
const scan = event({ method: 'passkey', id: 'scan', factors: ['inherence'], at: ago(50), deviceBound: true });
const item = (id: string, kind: Evidence['kind'], seconds: number, facts: Partial<Evidence> = {}) =>
  evidence({ id, kind, recordedAt: ago(seconds), ...facts });

describe('a level that is held', () => {
  const policy = policyOf(level('it', { ial: 1, identity: [way(proof('contact', 5_000), proof('face'))] }));
  it.each([
    [2_000, 300, 300],
    [300, 2_000, 300],
    [300, 300, 300],
  ])('names what it rests on, since the newest of it (%i, %i seconds)', (contact, face, since) => {
    const items = [item('c', 'contact', contact), item('f', 'face', face), item('other', 'counter', 10)];
    expect(assess(policy, items, [password, code], now).held).toEqual([
      {
        ...{ level: 'it', since: ago(since), evidenceIds: ['c', 'f'], eventIds: ['password'], authTime: ago(100) },
        until: ahead(900),
      },
    ]);
  });
  it('ends with the first of what it rests on', () => {
    const items = [item('c', 'contact', 4_900), item('f', 'face', 1)];
    expect(assess(policy, items, [password], now).held[0]?.until).toEqual(ahead(100));
  });
  it('is named among the identities whatever the authentication', () => {
    const items = [item('c', 'contact', 1), item('f', 'face', 1)];
    expect(assess(policy, items, [], now)).toMatchObject({
      identities: ['it'],
      ial: 1,
      held: [],
      aal: 0,
      aalTime: null,
    });
    expect(assess(policy, [], [password], now)).toMatchObject({
      identities: [],
      ial: 0,
      ialTime: null,
      held: [],
      aal: 1,
    });
  });
});

describe('a level that several others contain', () => {
  const on = (id: string, kind: Evidence['kind'], rule: AuthenticationRule, dominates: string[] = ['low']) =>
    level(id, { identity: [way(proof(kind))], authentication: [rule], dominates });
  const low = on('low', 'contact', factor('knowledge'), []);
  const lowOf = (policy: AssurancePolicy, items: Evidence[], events: AuthenticationEvent[]) =>
    assess(policy, items, events, now).held.find((held) => held.level === 'low');
  const items = [item('c', 'contact', 10), item('f', 'face', 10), item('t', 'counter', 10)];

  it.each([
    // The one by the password is older and lasts 900 seconds; the one by the code is fresher and lasts as long as here.
    [2_000, 'f', 1_950, 'code', 50],
    [500, 'c', 900, 'code', 50],
  ])('is dated by the freshest and ends with the longest lived (code good for %i seconds)', (maxAge, ...expected) => {
    const [evidenceId, until, eventId, at] = expected;
    const high = on('high', 'face', factor('possession', maxAge));
    for (const order of [
      [low, high],
      [high, low],
    ])
      expect(lowOf(policyOf(...order), items, [password, code])).toMatchObject({
        ...{ evidenceIds: [evidenceId], until: ahead(until), eventIds: [eventId], authTime: ago(at) },
      });
  });
  it('rests on the first in the order of the policy where two are as good', () => {
    const [one, two] = [on('one', 'face', resistant), on('two', 'counter', bound)];
    const first = { evidenceIds: ['f'], eventIds: ['code'] };
    const second = { evidenceIds: ['t'], eventIds: ['scan'] };
    expect(lowOf(policyOf(one, two, low), items, [scan, code])).toMatchObject(first);
    expect(lowOf(policyOf(two, one, low), items, [scan, code])).toMatchObject(second);
  });
  it('is not held by what does not contain it', () => {
    const other = on('other', 'face', factor('possession'), []);
    expect(lowOf(policyOf(low, other), items, [code])).toBeUndefined();
  });
});

describe('the axes', () => {
  const by = (id: string, aal: LevelRule['aal'], rule: AuthenticationRule) =>
    level(id, { aal, identity: [], authentication: [rule] });
  const shown = (events: AuthenticationEvent[], ...levels: LevelRule[]) => {
    const { aal, aalTime, authTime, amr } = assess(policyOf(...levels), [], events, now);
    expect(authTime).toEqual(aalTime);
    return [aal, aalTime?.getTime() === undefined ? null : (now.getTime() - aalTime.getTime()) / 1000, amr.join(' ')];
  };
  it('of authentication is the highest, however fresh and wherever it stands', () => {
    const [weak, strong] = [by('weak', 1, resistant), by('strong', 2, factor('knowledge'))];
    expect(shown([password, code], weak, strong)).toEqual([2, 100, 'pwd']);
    expect(shown([password, code], strong, weak)).toEqual([2, 100, 'pwd']);
    expect(shown([code], strong, weak)).toEqual([1, 50, 'sms']);
  });
  it('of authentication is told by the freshest of the highest, or the first of those as fresh', () => {
    const [known, had] = [by('known', 2, factor('knowledge')), by('had', 2, resistant)];
    for (const order of [
      [known, had],
      [had, known],
    ])
      expect(shown([password, code], ...order)).toEqual([2, 50, 'sms']);
    const seen = by('seen', 2, bound);
    expect(shown([scan, code], had, seen)).toEqual([2, 50, 'sms']);
    expect(shown([scan, code], seen, had)[2]).toBe('hwk pop user');
  });
  it('of identity is the highest, or the first of those as high', () => {
    const proved = (id: string, ial: LevelRule['ial'], kind: Evidence['kind']) =>
      level(id, { ial, identity: [way(proof(kind))], authentication: [] });
    const [one, two, three] = [proved('one', 1, 'contact'), proved('two', 2, 'face'), proved('three', 2, 'counter')];
    const items = [item('c', 'contact', 1), item('f', 'face', 20), item('t', 'counter', 300)];
    const told = (...levels: LevelRule[]) => assess(policyOf(...levels), items, [], now);
    expect(told(one, two, three)).toMatchObject({ ial: 2, ialTime: ago(20), identities: ['one', 'two', 'three'] });
    expect(told(three, two, one)).toMatchObject({ ial: 2, ialTime: ago(300) });
  });
});

describe('a level that never rides on SSO', () => {
  const policy = policyOf(level('it', { rideOnSso: false }), level('any', {}));
  const heldIn = (interaction: string | null, facts: Partial<AuthenticationEvent>) =>
    assess(policy, [], [{ ...password, ...facts }], now, { interaction }).held.map((held) => held.level);
  it('counts what was shown in this interaction, and not what an upstream had from before it', () => {
    expect(heldIn('here', { interaction: 'here' })).toEqual(['it', 'any']);
    expect(heldIn('here', { interaction: 'here', stale: false })).toEqual(['it', 'any']);
    expect(heldIn('here', { interaction: 'here', stale: true })).toEqual(['any']);
    expect(heldIn('here', { interaction: 'there' })).toEqual(['any']);
    expect(heldIn('here', { interaction: null })).toEqual(['any']);
    expect(heldIn(null, { interaction: null })).toEqual(['any']);
    expect(isOfInteraction(password, null)).toBe(false);
  });
});
