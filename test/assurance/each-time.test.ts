import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { askedEachTime } from '../../src/assurance/each-time.ts';
import { parsePolicy } from '../../src/assurance/policy.ts';
import { kinds, methods, now } from './support.ts';

const four = 'urn:shimin:loa:4';

describe('what is asked for anew each time', () => {
  it.each([
    ['nobody was seen in person', [kinds.population, kinds.face], [methods.bound], null, []],
    ['one official only', [kinds.counter1], [methods.bound], null, []],
    ['two officials, signed in with the key earlier', [kinds.counter2], [methods.bound], null, [four]],
    ['two officials, signed in with a password', [kinds.counter2], [methods.password], null, [four]],
    ['two officials, nobody signed in', [kinds.counter2], [], null, [four]],
    ['the key was asked for just now', [kinds.counter2], [methods.boundHere], 'here', []],
  ])('%s', (_name, evidence, events, interaction, expected) => {
    const assessment = assess(defaultPolicy, evidence, events, now, { interaction });
    expect(askedEachTime(defaultPolicy, assessment)).toEqual(expected);
  });

  it('names the highest of several, and nothing where every level rides on SSO', () => {
    const levels = (rides: readonly string[]) => ({
      ...defaultPolicy,
      levels: defaultPolicy.levels.map((level) => ({ ...level, rideOnSso: rides.includes(level.id) })),
    });
    const all = defaultPolicy.levels.map(({ id }) => id);
    for (const [rides, expected] of [
      [['urn:shimin:loa:1', 'urn:shimin:staff'], [four]],
      [all, []],
    ] as const) {
      const policy = parsePolicy(levels(rides));
      if (!policy.ok) throw new Error('no policy');
      const assessment = assess(policy.policy, [kinds.contact, kinds.counter2], [methods.bound], now);
      expect(askedEachTime(policy.policy, assessment)).toEqual(expected);
    }
  });
});
