import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import { implies } from '../../src/assurance/implies.ts';
import { closure } from '../../src/assurance/level.ts';
import { type AssurancePolicy, type LevelRule, parsePolicy } from '../../src/assurance/policy.ts';
import { anyDocument, anyEvent, anyEvidence, anyPair, anyPolicy, eventsFor, evidenceFor } from './generators.ts';
import { now } from './support.ts';

const here = { interaction: 'here' };

/** Levels held by their own rules alone, whatever says it dominates them. */
function ownLevels(
  levels: readonly LevelRule[],
  evidence: readonly Evidence[],
  events: readonly AuthenticationEvent[],
) {
  const policy: AssurancePolicy = { ...defaultPolicy, levels: levels.map((level) => ({ ...level, dominates: [] })) };
  return new Set(assess(policy, evidence, events, now, here).held.map(({ level }) => level));
}

/** A person who probably holds a level: evidence for one of its ways, events for one of its rules, and what else there is. */
const holderOf = (level: LevelRule) =>
  fc
    .tuple(
      fc.constantFrom(...level.identity).chain(evidenceFor),
      fc.array(anyEvidence, { maxLength: 2 }),
      fc.constantFrom(...level.authentication).chain(eventsFor),
      fc.array(anyEvent, { maxLength: 1 }),
    )
    .map(([evidence, more, events, others]) => ({ evidence: [...evidence, ...more], events: [...events, ...others] }));

describe('implies', () => {
  it('is never said of what can be held without the other', () => {
    const seen = { implied: 0, held: 0 };
    fc.assert(
      fc.property(
        anyPair.chain((pair) => fc.tuple(fc.constant(pair), holderOf(pair[0]))),
        ([[higher, lower], { evidence, events }]) => {
          if (!implies(higher, lower)) return;
          seen.implied += 1;
          const own = ownLevels([higher, lower], evidence, events);
          if (!own.has(higher.id)) return;
          seen.held += 1;
          expect(own).toContain(lower.id);
        },
      ),
      { numRuns: 4000 },
    );
    // The property must not hold for want of cases.
    expect(seen.implied).toBeGreaterThan(300);
    expect(seen.held).toBeGreaterThan(150);
  });

  it('is an order: reflexive and transitive', () => {
    fc.assert(
      fc.property(anyPair, anyPair, ([a, b], [c]) => {
        for (const level of [a, b, c]) expect(implies(level, level)).toBe(true);
        for (const one of [a, b, c])
          for (const two of [a, b, c])
            for (const three of [a, b, c])
              if (implies(one, two) && implies(two, three)) expect(implies(one, three)).toBe(true);
      }),
    );
  });

  it('holds for each step of the city’s own order', () => {
    const byId = new Map(defaultPolicy.levels.map((level) => [level.id, level]));
    for (const level of defaultPolicy.levels)
      for (const id of level.dominates) expect(implies(level, byId.get(id) ?? level)).toBe(true);
  });
});

describe('saved policies', () => {
  it('are a valid partial order, and whoever meets a level by its rules meets what it dominates by theirs', () => {
    const seen = { saved: 0, refused: 0, edges: 0 };
    fc.assert(
      fc.property(
        fc.oneof(anyDocument, anyPolicy).chain((policy) => {
          const [level] = policy.levels;
          return fc.tuple(fc.constant(policy), level ? holderOf(level) : fc.constant({ evidence: [], events: [] }));
        }),
        ([document, { evidence, events }]) => {
          const parsed = parsePolicy(document);
          seen[parsed.ok ? 'saved' : 'refused'] += 1;
          if (!parsed.ok) return;
          const { levels } = parsed.policy;
          const reach = closure(levels);
          const below = (id: string) => reach.get(id) ?? new Set<string>();
          const own = ownLevels(levels, evidence, events);
          for (const { id } of levels) {
            expect(below(id)).toContain(id);
            for (const other of below(id)) {
              if (other !== id) seen.edges += 1;
              expect(levels.map((level) => level.id)).toContain(other);
              if (other !== id) expect(below(other)).not.toContain(id);
              for (const third of below(other)) expect(below(id)).toContain(third);
              if (own.has(id)) expect(own).toContain(other);
            }
          }
          const held = assess(parsed.policy, evidence, events, now, here).held.map(({ level }) => level);
          expect(new Set(held)).toEqual(own);
        },
      ),
      { numRuns: 1500 },
    );
    expect(Math.min(seen.saved, seen.refused, seen.edges)).toBeGreaterThan(50);
  });

  it('never take a level away for more evidence', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(anyEvidence, { maxLength: 5 }),
        fc.array(anyEvent, { maxLength: 3 }),
        anyEvidence,
        anyEvent,
        (policy, evidence, events, more, another) => {
          const levels = (...args: [Evidence[], AuthenticationEvent[]]) =>
            assess(policy, ...args, now, here).held.map(({ level }) => level);
          const larger = new Set(levels([...evidence, more], [...events, another]));
          for (const level of levels(evidence, events)) expect(larger).toContain(level);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('end each level exactly when they say', () => {
    fc.assert(
      fc.property(
        anyPolicy.chain((policy) => {
          const [level] = policy.levels;
          return fc.tuple(fc.constant(policy), level ? holderOf(level) : fc.constant({ evidence: [], events: [] }));
        }),
        ([policy, { evidence, events }]) => {
          for (const { level, until } of assess(policy, evidence, events, now, here).held) {
            const at = (ms: number) =>
              assess(policy, evidence, events, new Date(until.getTime() + ms), here).held.some(
                (other) => other.level === level,
              );
            expect([at(-1), at(0), at(1)]).toEqual([true, false, false]);
          }
        },
      ),
      { numRuns: 600 },
    );
  });
});
