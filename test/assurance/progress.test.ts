import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess, counted } from '../../src/assurance/assess.ts';
import { catalogue, placeOf } from '../../src/assurance/catalogue.ts';
import { type AuthenticationEvent, type Evidence, factorKinds } from '../../src/assurance/evidence.ts';
import { explain, type LevelExplained } from '../../src/assurance/explain.ts';
import type {
  AssurancePolicy,
  AuthenticationRule,
  EvidenceRule,
  IdentityWay,
  LevelRule,
} from '../../src/assurance/policy.ts';
import type { Words } from '../../src/assurance/words.ts';
import { anyEvent, anyEvidence, anyPolicy, eventsFor, evidenceFor } from './generators.ts';
import { event, evidence, now } from './support.ts';

/*
 * What an explanation says is missing is what is missing: whoever supplies exactly that is nearer, and in the end there.
 */

interface State {
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
}

const explained = (policy: AssurancePolicy, state: State) =>
  explain(policy, {
    ...state,
    clientId: 'library',
    request: { acrValues: [], prompt: [] },
    at: now,
    interaction: 'here',
  });

/** The sources from which evidence for a rule can come. */
const sourcesOf = (rule: EvidenceRule): string[] => {
  const known = rule.sources ?? catalogue[rule.kind].sources ?? ['singpass', 'guangdong', 'iam-smart', 'macao'];
  return known.filter((source) => rule.place === null || placeOf({ kind: rule.kind, source }) === rule.place);
};

/** How far a rule is from being met: the number of the test that fails first, the further the nearer. */
const order = [
  ...['none_of_kind', 'too_weak', 'not_confirmed', 'other_source', 'other_place', 'other_category'],
  ...['revoked', 'expired', 'too_old'],
];
const steps = ['no_event', 'not_in_interaction', 'authentication_too_old', 'no_such_property'];
const place = (list: readonly string[], said: Words | null) =>
  said === null ? list.length + 1 : (list.indexOf(codeOf(said)) + list.length + 1) % (list.length + 1);
const codeOf = ({ code }: Words) => code.replace(/^explain\./, '');

/** Makes of each piece of evidence of the kind what was said to be missing, and adds one where there was none. */
function supply(way: IdentityWay, rule: EvidenceRule, missing: Words, items: readonly Evidence[]): Evidence[] {
  const code = codeOf(missing);
  const category = way.categories?.[0] ?? null;
  if (code === 'none_of_kind') return [...items, whole(rule, category, sourcesOf(rule)[0] ?? '')];
  const change = (item: Evidence): Partial<Evidence> => {
    switch (code) {
      case 'too_weak':
        return { strength: rule.minStrength };
      case 'not_confirmed':
        return { confirmed: [...item.confirmed, String(missing.params.word)] };
      case 'other_source':
      case 'other_place':
        return { source: sourcesOf(rule)[0] ?? '' };
      case 'other_category':
        return { category };
      case 'revoked':
        return { revokedAt: null };
      case 'expired':
        return { expiresAt: null };
      default:
        return { recordedAt: now };
    }
  };
  return items.map((item) => (item.kind === rule.kind ? { ...item, ...change(item) } : item));
}

const whole = (rule: EvidenceRule, category: Evidence['category'], source: string): Evidence =>
  evidence({ kind: rule.kind, source, category, confirmed: rule.confirms, recordedAt: now });

/** Does to the events what was said to be missing. */
function act(rule: AuthenticationRule, missing: Words, events: readonly AuthenticationEvent[]): AuthenticationEvent[] {
  const all = {
    userVerified: rule.userVerified,
    phishingResistant: rule.phishingResistant,
    deviceBound: rule.deviceBound,
  };
  const fresh = (factors: AuthenticationEvent['factors'], more: Partial<AuthenticationEvent> = {}) =>
    event({ method: 'bridge', at: now, interaction: 'here', factors, ...more });
  const named = missing.parts.map(({ code }) => code.replace(/^rule\.(factor\.)?/, ''));
  switch (codeOf(missing)) {
    case 'no_event':
      return [fresh(['possession'])];
    case 'not_in_interaction':
      return events.map((each) => ({ ...each, interaction: 'here' }));
    case 'authentication_too_old':
      return events.map((each) => ({ ...each, at: now }));
    case 'no_such_property':
      return events.map((each) => ({
        ...each,
        userVerified: each.userVerified || named.includes('user_verified'),
        phishingResistant: each.phishingResistant || named.includes('phishing_resistant'),
        deviceBound: each.deviceBound || named.includes('device_bound'),
      }));
    case 'factor_missing':
      return [...events, fresh(factorKinds.filter((kind) => named.includes(kind)))];
    case 'factors_apart':
      return [
        ...events,
        fresh(
          factorKinds.filter((kind) => named.includes(kind)),
          all,
        ),
        fresh([...factorKinds]),
      ];
    default:
      return [...events, fresh([...factorKinds])];
  }
}

/** Somebody who may hold anything, often just short of some level. */
const anyState = (policy: AssurancePolicy): fc.Arbitrary<State> => {
  const near = fc.constantFrom(...policy.levels).chain((level: LevelRule) =>
    fc
      .tuple(
        fc.constantFrom(...level.identity).chain(evidenceFor),
        fc.constantFrom(...level.authentication).chain(eventsFor),
        fc.subarray([0, 1, 2], { maxLength: 2 }),
      )
      .map(([items, events, drop]) => ({
        evidence: items.filter((_item, i) => !drop.includes(i)),
        events: events.filter((_event, i) => !drop.includes(i)),
      })),
  );
  const any = fc.record({
    evidence: fc.array(anyEvidence, { maxLength: 4 }),
    events: fc.array(anyEvent, { maxLength: 3 }),
  });
  // Every part is there, but of people of several categories.
  const mixed = fc
    .constantFrom(...policy.levels.flatMap(({ identity }) => identity))
    .chain((way) => evidenceFor(way).map((items) => ({ way, items })))
    .map(({ way, items }) => {
      const among = way.categories ?? [null];
      return { evidence: items.map((item, i) => ({ ...item, category: among[i % among.length] ?? null })), events: [] };
    });
  return fc.oneof(near, any, mixed);
};
const anyCase = anyPolicy.chain((policy) => fc.tuple(fc.constant(policy), anyState(policy)));

describe('what is said to be missing', () => {
  it('of evidence: supplied step by step, each step is progress, until the rule is met', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyCase, ([policy, state]) => {
        for (const [l, level] of policy.levels.entries())
          for (const [w, way] of level.identity.entries())
            for (const [r, rule] of way.rules.entries()) {
              const look = (items: readonly Evidence[]) =>
                explained(policy, { ...state, evidence: items }).levels[l]?.identity[w]?.rules[r]?.missing ?? null;
              let items = [...state.evidence];
              let missing = look(items);
              for (let step = 0; missing !== null; step += 1) {
                seen.add(codeOf(missing));
                expect(step).toBeLessThan(order.length + rule.confirms.length);
                const before = place(order, missing);
                items = supply(way, rule, missing, items);
                const next = look(items);
                expect(place(order, next)).toBeGreaterThanOrEqual(before);
                if (next !== null) expect([next.code, next.params]).not.toEqual([missing.code, missing.params]);
                missing = next;
              }
            }
      }),
      { numRuns: 250, seed: 31 },
    );
    // Few rules name a place; explain.test.ts has that one by itself.
    expect(order.filter((code) => code !== 'other_place' && !seen.has(code))).toEqual([]);
  });

  it('of a way: its parts by sources apart and of one category make it whole', () => {
    let together = 0;
    fc.assert(
      fc.property(anyCase, ([policy, state]) => {
        const before = explained(policy, state);
        for (const [l, level] of policy.levels.entries())
          for (const [w, way] of level.identity.entries()) {
            const told = before.levels[l]?.identity[w];
            if (told?.met) continue;
            if (told?.missing) together += 1;
            const possible = way.rules.map(sourcesOf);
            const chosen = way.independent ? (apart(possible) ?? []) : possible.map(([any = '']) => any);
            const more = chosen.map((source, i) => {
              const rule = way.rules[i];
              return rule ? whole(rule, way.categories?.[0] ?? null, source) : null;
            });
            const items = [...state.evidence, ...more.filter((item) => item !== null)];
            expect(explained(policy, { ...state, evidence: items }).levels[l]?.identity[w]?.met).toBe(true);
          }
      }),
      { numRuns: 400, seed: 32 },
    );
    expect(together).toBeGreaterThan(3);
  });

  it('of a sign-in: done step by step, each step is progress, until the rule is met', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyCase, ([policy, state]) => {
        for (const [l, level] of policy.levels.entries())
          for (const [r, rule] of level.authentication.entries()) {
            const look = (list: readonly AuthenticationEvent[]) =>
              explained(policy, { ...state, events: list }).levels[l]?.authentication[r]?.missing ?? null;
            let list = [...state.events];
            let missing = look(list);
            for (let step = 0; missing !== null; step += 1) {
              seen.add(codeOf(missing));
              expect(step).toBeLessThan(12);
              // Enough events for anything: what is missing of them is never "none at all".
              if (step > 0) expect(codeOf(missing)).not.toBe('no_event');
              const before = place(steps, missing);
              list = act(rule, missing, list);
              const next = look(list);
              expect(place(steps, next) >= before || place(steps, next) === 0).toBe(true);
              missing = next;
            }
            expect(counted(level.rideOnSso, list, { interaction: 'here' }).length).toBeGreaterThan(0);
          }
      }),
      { numRuns: 400, seed: 32 },
    );
    expect([...steps, 'factor_missing', 'one_factor'].filter((code) => !seen.has(code))).toEqual([]);
  });
});

/** One source of each list, no two alike; null: there is no such choice. */
function apart(lists: readonly (readonly string[])[], taken: readonly string[] = []): string[] | null {
  const [first, ...rest] = lists;
  if (!first) return [];
  for (const source of first.filter((each) => !taken.includes(each))) {
    const others = apart(rest, [...taken, source]);
    if (others) return [source, ...others];
  }
  return null;
}

describe('three sign-ins of which no two go together', () => {
  const rule: AuthenticationRule = {
    ...{ factors: 2, userVerified: true, phishingResistant: false, deviceBound: false, maxAge: 3600 },
    kinds: ['knowledge', 'possession'],
  };
  const policy: AssurancePolicy = {
    ...defaultPolicy,
    levels: defaultPolicy.levels.map((level) => ({ ...level, authentication: [rule] })),
  };
  const events = [
    event({ method: 'passkey', factors: ['inherence'], userVerified: true }),
    event({ method: 'password', factors: ['knowledge'] }),
    event({ method: 'totp', factors: ['possession'] }),
  ];
  const first = (list: readonly AuthenticationEvent[]): LevelExplained | undefined =>
    explained(policy, { evidence: [], events: list }).levels[0];

  it('is said so, not that there was only one factor', () => {
    const missing = first(events)?.authentication[0]?.missing;
    expect(missing?.code).toBe('explain.factors_apart');
    expect(missing?.parts.map(({ code }) => code)).toEqual(['rule.factor.knowledge', 'rule.factor.possession']);
    if (missing) expect(first(act(rule, missing, events))?.authentication[0]?.met).toBe(true);
  });

  it('and without kinds that are named, any two will do', () => {
    const { kinds: _, ...bare } = rule;
    const open = { ...policy, levels: policy.levels.map((level) => ({ ...level, authentication: [bare] })) };
    expect(assess(open, [], events, now).aal).toBeGreaterThan(0);
  });
});
