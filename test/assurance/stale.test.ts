import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { type AcrRequest, requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import { event, kinds, now } from './support.ts';

const interaction = 'here';
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const atUpstream = (facts: object = {}) =>
  event({ method: 'bridge', credentialId: 'macao:1', factors: ['knowledge', 'possession'], interaction, ...facts });

function outcome(events: readonly ReturnType<typeof event>[], request: Partial<AcrRequest>) {
  const requirement = requirementFor(defaultPolicy, 'library', { acrValues: [], prompt: [], ...request });
  const assessment = assess(defaultPolicy, [kinds.contact], events, now, { interaction });
  return satisfies(assessment, requirement, defaultPolicy, { interaction, offered: false, events }).kind;
}

describe('a sign-in at an upstream that rode on its session there', () => {
  it('signs in, and answers neither prompt=login nor max_age', () => {
    const events = [atUpstream({ stale: true })];
    expect(outcome(events, {})).toBe('met');
    expect(outcome(events, { prompt: ['login'] })).toBe('short');
    expect(outcome(events, { maxAge: 3600 })).toBe('short');
    expect(outcome(events, { maxAge: 0 })).toBe('short');
    // One that was shown to be new does, and so does a sign-in here beside it.
    for (const renewed of [[atUpstream()], [...events, event({ method: 'passkey', at: ago(1), interaction })]]) {
      expect(outcome(renewed, { prompt: ['login'] })).toBe('met');
      expect(outcome(renewed, { maxAge: 0 })).toBe('met');
    }
  });

  it('is none of this interaction for a level that never rides on SSO', () => {
    const levels = defaultPolicy.levels.map((level) => ({ ...level, rideOnSso: level.id !== 'urn:shimin:loa:1' }));
    const policy = { ...defaultPolicy, levels };
    const held = (events: readonly ReturnType<typeof event>[]) =>
      assess(policy, [kinds.contact], events, now, { interaction }).held.map(({ level }) => level);
    expect(held([atUpstream()])).toContain('urn:shimin:loa:1');
    expect(held([atUpstream({ stale: true })])).toEqual([]);
  });

  it('is known by the time that the upstream vouches for: unknown and older than our question are old', () => {
    const worth = {
      identity: null,
      authentication: {
        ...{ factors: ['knowledge'] as const, userVerified: false, phishingResistant: false, deviceBound: false },
      },
    };
    const traits = { id: 'macao', levels: [{ name: null, worth }] };
    const staleAt = (authTime: Date | null) =>
      upstreamFacts(traits, null, { subjects: [], level: null, authTime, claims: {} }, now, ago(60)).event?.stale;
    expect([null, ago(3600), ago(91)].map(staleAt)).toEqual([true, true, true]);
    // Clocks differ by some seconds.
    expect([ago(89), ago(10), now].map(staleAt)).toEqual([undefined, undefined, undefined]);
  });
});
