import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bridgeOffers, bridgeStep, oneOfEach, parseBridgeStep, withTwins } from '../../src/assurance/bridge-offers.ts';
import { type BridgeCap, capped, type GradedLevel, worthOf } from '../../src/assurance/bridge-worth.ts';
import { factorKinds, type Strength, strengths } from '../../src/assurance/evidence.ts';
import { upstreamFacts } from '../../src/assurance/upstream-facts.ts';
import { bridgeModules } from '../../src/bridges/index.ts';

const rank = (strength: Strength) => strengths.indexOf(strength);
const now = new Date('2026-11-23T12:00:00Z');

const cap: fc.Arbitrary<BridgeCap | null> = fc.option(
  fc.record({ identity: fc.constantFrom('none' as const, ...strengths), factors: fc.constantFrom(0, 1, 2) }),
);

/** Whatever an upstream may come up with: its levels' names, other bridges', nonsense; any claims, any time. */
const answer = fc.record({
  subjects: fc.constant([{ part: 'sub', of: ['a'] as const }]),
  level: fc.option(
    fc.oneof(
      fc.constantFrom(...bridgeModules.flatMap(({ traits }) => traits.levels.flatMap(({ name }) => name ?? []))),
      fc.string(),
      fc.constantFrom('superior', '__proto__', 'constructor', 'urn:shimin:loa:4'),
    ),
  ),
  authTime: fc.option(fc.date({ noInvalidDate: true })),
  claims: fc.record(
    {
      name: fc.string(),
      documentType: fc.constantFrom('hk_id', 'cn_resident_id'),
      documentNumber: fc.string(),
      birthDate: fc.constant('1990-01-01'),
      phone: fc.string(),
    },
    { requiredKeys: [] },
  ),
});

describe('the ceiling of a bridge', () => {
  it('is never passed, whatever the upstream answers', () => {
    fc.assert(
      fc.property(fc.constantFrom(...bridgeModules), cap, answer, ({ traits }, limit, said) => {
        const { evidence, event } = upstreamFacts(traits, limit, said, now);
        const strongest = Math.max(
          -1,
          ...traits.levels.map(({ worth }) => (worth.identity ? rank(worth.identity.strength) : -1)),
        );
        const words = new Set(traits.levels.flatMap(({ worth }) => worth.identity?.confirms ?? []));
        if (evidence) {
          expect(rank(evidence.strength)).toBeLessThanOrEqual(strongest);
          if (limit) expect(rank(evidence.strength)).toBeLessThanOrEqual(strengths.indexOf(limit.identity as Strength));
          for (const word of evidence.confirmed) expect(words).toContain(word);
          if (evidence.confirmed.includes('name')) expect(said.claims).toHaveProperty('name', expect.any(String));
          if (evidence.confirmed.includes('document_number'))
            expect(said.claims).toHaveProperty('documentNumber', expect.any(String));
          // Its own level, or none: never one that it did not name.
          const own = traits.levels.find(({ name }) => name === said.level) ?? traits.levels[0];
          expect(rank(evidence.strength)).toBeLessThanOrEqual(rank(own.worth.identity?.strength ?? 'weak'));
        }
        if (event) {
          const most = Math.max(...traits.levels.map(({ worth }) => worth.authentication?.factors.length ?? 0));
          expect(event.factors.length).toBeLessThanOrEqual(Math.min(most, limit?.factors ?? most));
          expect(event.at.getTime()).toBeLessThanOrEqual(now.getTime());
          const able = traits.levels.some(({ worth }) => worth.authentication?.phishingResistant === true);
          expect(able ? false : event.phishingResistant).toBe(false);
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('is only ever lowered by a cap', () => {
    const worth = fc.record({
      identity: fc.option(fc.record({ strength: fc.constantFrom(...strengths), confirms: fc.constant(['name']) })),
      authentication: fc.option(
        fc.record({
          factors: fc.uniqueArray(fc.constantFrom(...factorKinds), { minLength: 1 }),
          userVerified: fc.boolean(),
          phishingResistant: fc.boolean(),
          deviceBound: fc.boolean(),
        }),
      ),
    });
    fc.assert(
      fc.property(worth, cap, (all, limit) => {
        const left = capped(all, limit);
        expect(left.identity ? rank(left.identity.strength) : -1).toBeLessThanOrEqual(
          all.identity ? rank(all.identity.strength) : -1,
        );
        expect(left.authentication?.factors.length ?? 0).toBeLessThanOrEqual(all.authentication?.factors.length ?? 0);
        for (const part of ['userVerified', 'phishingResistant', 'deviceBound'] as const)
          if (left.authentication?.[part]) expect(all.authentication?.[part]).toBe(true);
        // Twice is once.
        expect(capped(left, limit)).toEqual(left);
      }),
    );
  });

  it('counts a level that the bridge does not list as none', () => {
    const levels: GradedLevel[] = [
      { name: null, worth: { identity: null, authentication: null } },
      { name: 'high', worth: { identity: { strength: 'superior', confirms: ['name'] }, authentication: null } },
    ];
    expect(worthOf(levels, null, 'highest').identity).toBeNull();
    expect(worthOf(levels, null, 'high').identity?.strength).toBe('superior');
    expect(worthOf([], null, 'high')).toEqual({ identity: null, authentication: null });
  });
});

describe('ways over bridges', () => {
  const level = (name: string | null, strength: Strength | null): GradedLevel => ({
    name,
    worth: {
      identity: strength === null ? null : { strength, confirms: ['name', 'document_number'] },
      authentication: null,
    },
  });
  const supply = (id: string, minutes = 2) => ({
    id,
    levels: [level(null, null), level('one', 'strong'), level('two', 'strong'), level('three', 'superior')],
    cap: null,
    minutes,
    have: [],
    healthy: true,
    category: null,
  });

  it('are one for each worth, the lowest level that has it', () => {
    expect(bridgeOffers([supply('a')], null).map(({ id }) => id)).toEqual(['bridge:a:1', 'bridge:a:3']);
    const lowered = { ...supply('a'), cap: { identity: 'strong', factors: 2 } as const };
    expect(bridgeOffers([lowered], null).map(({ id }) => id)).toEqual(['bridge:a:1']);
    expect(parseBridgeStep(bridgeStep('tw-fido', 12))).toEqual({ id: 'tw-fido', level: 12 });
    expect(parseBridgeStep('population')).toBeNull();
  });

  it('are searched once for all that prove the same, and shown each', () => {
    const offers = bridgeOffers([supply('a'), supply('b', 1), supply('c', 9)], null);
    const { offers: some, twins } = oneOfEach(offers, () => '');
    expect(some.map(({ id }) => id)).toEqual(['bridge:b:1', 'bridge:b:3']);
    const found = { kind: 'ways', ways: [{ steps: ['bridge:b:1'], minutes: 1 }], blocked: [] } as const;
    const all = withTwins(found, offers, twins);
    expect(all.kind === 'ways' && all.ways.map(({ steps, minutes }) => [...steps, minutes])).toEqual([
      ['bridge:b:1', 1],
      ['bridge:a:1', 2],
      ['bridge:c:1', 9],
    ]);
    expect(withTwins({ kind: 'met' }, offers, twins)).toEqual({ kind: 'met' });
    const none = { kind: 'unreachable', because: [], blocked: [{ steps: ['bridge:b:1'], minutes: 1 }] } as const;
    expect(withTwins(none, offers, twins)).toMatchObject({ blocked: [{}, {}, {}] });
  });

  it('are for whom they have papers', () => {
    const hongKong = { ...supply('hk'), category: 'hong_kong' as const };
    expect(bridgeOffers([hongKong], 'mainland')).toEqual([]);
    expect(bridgeOffers([hongKong], 'hong_kong')).toHaveLength(2);
    const down = bridgeOffers([{ ...hongKong, healthy: false }], null);
    expect(down[0]).toMatchObject({ available: false, unavailableReason: 'upstream_unavailable' });
  });
});
