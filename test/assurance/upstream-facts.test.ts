import { describe, expect, it } from 'vitest';
import {
  type AuthenticationWorth,
  type BridgeCap,
  capped,
  type GradedLevel,
  type Worth,
  worthOf,
} from '../../src/assurance/bridge-worth.ts';
import { type UpstreamAnswer, upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import { now } from './support.ts';

const yes = { userVerified: true, phishingResistant: true, deviceBound: true };
const authentication: AuthenticationWorth = { factors: ['possession', 'inherence'], ...yes };
const confirms = ['name', 'document_number', 'birth_date', 'phone', 'photo'];
const worth: Worth = { identity: { strength: 'strong', confirms }, authentication };
const plainly = { userVerified: false, phishingResistant: false, deviceBound: false };
const levels: GradedLevel[] = [
  { name: null, worth: { identity: null, authentication } },
  { name: 'known', worth },
];

describe('what is left of a worth under a cap', () => {
  it.each<[BridgeCap | null, Worth]>([
    [null, worth],
    [{ identity: 'superior', factors: 2 }, worth],
    [{ identity: 'strong', factors: 2 }, worth],
    [
      { identity: 'fair', factors: 2 },
      { identity: { strength: 'fair', confirms }, authentication },
    ],
    [
      { identity: 'weak', factors: 1 },
      { identity: { strength: 'weak', confirms }, authentication: { factors: ['possession'], ...plainly } },
    ],
    [
      { identity: 'none', factors: 0 },
      { identity: null, authentication: null },
    ],
  ])('%j', (cap, left) => expect(capped(worth, cap)).toEqual(left));
  it('one factor under a cap of one stays what it is', () => {
    const one = { ...authentication, factors: ['possession'] as const };
    expect(capped({ identity: null, authentication: one }, { identity: 'weak', factors: 1 }).authentication).toBe(one);
  });
  it('nothing stays nothing', () => {
    const nothing = { identity: null, authentication: null };
    expect(capped(nothing, { identity: 'superior', factors: 2 })).toEqual(nothing);
  });
  it('is that of the level named, or of the one without a name', () => {
    expect(worthOf(levels, null, 'known')).toEqual(worth);
    for (const name of ['other', '', null]) expect(worthOf(levels, null, name)).toEqual(levels[0]?.worth);
    expect(worthOf(levels.slice(1), null, null)).toEqual({ identity: null, authentication: null });
    expect(worthOf(levels, { identity: 'none', factors: 0 }, 'known')).toEqual({
      identity: null,
      authentication: null,
    });
  });
});

describe('the facts of an answer', () => {
  const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);
  const claims = { name: '李晓明', documentNumber: '1', birthDate: '1988-06-15', phone: '+8613800138000' };
  const subjects: UpstreamAnswer['subjects'] = [{ part: 'sub', of: ['x'] }];
  const said = (more: Partial<UpstreamAnswer> = {}): UpstreamAnswer => ({
    ...{ subjects, level: 'known', authTime: at(-20), claims },
    ...more,
  });
  const bridge = { id: 'it', levels };
  const facts = (answer: UpstreamAnswer, since?: Date | null) => upstreamFacts(bridge, null, answer, now, since);

  it('are who, by whom, how and how strongly, and when', () => {
    expect(
      facts(said({ claims: { ...claims, category: 'macao', documentValidUntil: '2027-01-31' } }), at(-60)),
    ).toEqual({
      ...{ bridge: 'it', subjects, supersedes: false },
      claims: { ...claims, category: 'macao', documentValidUntil: '2027-01-31' },
      event: { ...authentication, method: 'bridge', at: at(-20) },
      evidence: {
        ...{ kind: 'upstream', source: 'it', strength: 'strong', category: 'macao', confirmed: confirms },
        // To the end of the day in Shanghai.
        expiresAt: new Date('2027-01-31T15:59:59.999Z'),
      },
    });
    expect(facts(said()).evidence).toMatchObject({ category: null, expiresAt: null });
    expect(upstreamFacts({ ...bridge, identityOfAccount: true }, null, said(), now).supersedes).toBe(true);
  });

  it.each([
    ['name', 'name'],
    ['documentNumber', 'document_number'],
    ['birthDate', 'birth_date'],
    ['phone', 'phone'],
  ] as const)('without %s do not confirm it', (claim, word) => {
    const { [claim]: _, ...rest } = claims;
    expect(facts(said({ claims: rest })).evidence?.confirmed).toEqual(confirms.filter((each) => each !== word));
  });

  it('are no evidence where the level tells nothing of who it is, or the answer holds nothing of it', () => {
    expect(facts(said({ level: null })).evidence).toBeNull();
    const one = [{ name: 'known', worth: { ...worth, identity: { strength: 'strong', confirms: ['name'] } as const } }];
    expect(upstreamFacts({ id: 'it', levels: one }, null, said({ claims: {} }), now).evidence).toBeNull();
    expect(upstreamFacts(bridge, { identity: 'none', factors: 2 }, said(), now).evidence).toBeNull();
  });

  it('are no sign-in where the upstream’s is worth none', () => {
    expect(upstreamFacts(bridge, { identity: 'strong', factors: 0 }, said(), now).event).toBeNull();
  });

  it.each<[string, Date | null, Date | null, Date, boolean]>([
    ['after we asked', at(-20), at(-60), at(-20), false],
    ['before, by no more than clocks may differ', at(-90), at(-60), at(-90), false],
    ['before that', at(-91), at(-60), at(-91), true],
    ['at a time that is not told', null, at(-60), now, true],
    ['at a time that is not told, on their own device', null, null, now, true],
    ['long ago, on their own device', at(-900), null, at(-900), false],
    ['in the future', at(900), at(-60), now, false],
  ])('date a sign-in %s', (_when, authTime, since, date, stale) => {
    expect(facts(said({ authTime }), since).event).toEqual({
      ...{ ...authentication, method: 'bridge', at: date },
      ...(stale ? { stale } : undefined),
    });
  });
});
