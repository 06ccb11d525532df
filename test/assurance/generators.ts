import fc from 'fast-check';
import { defaultPolicy } from '../../seeds/policy.ts';
import { catalogue, knownSources, placeOf } from '../../src/assurance/catalogue.ts';
import {
  type AuthenticationEvent,
  authenticationMethods,
  type Evidence,
  type evidenceKinds,
  factorKinds,
  strengths,
} from '../../src/assurance/evidence.ts';
import { implies } from '../../src/assurance/implies.ts';
import {
  type AssurancePolicy,
  type AuthenticationRule,
  appRuleOf,
  type EvidenceRule,
  type IdentityWay,
  type LevelRule,
  parsePolicy,
} from '../../src/assurance/policy.ts';
import { categories } from '../../src/identity/person.ts';
import { event, evidence, now } from './support.ts';

const day = 86_400;
const kinds = ['contact', 'population', 'face', 'document', 'counter', 'upstream'] as const;
const maxAges = [null, 30 * day, 365 * day, 5 * 365 * day];

/** Rules that some source can meet, mostly; `parsePolicy` has the last word. */
export const anyEvidenceRule: fc.Arbitrary<EvidenceRule> = fc.constantFrom(...kinds).chain((kind) => {
  const { sources, strongest, confirms } = catalogue[kind];
  return fc.record({
    kind: fc.constant(kind),
    minStrength: fc.constantFrom(...strengths.slice(0, strengths.indexOf(strongest) + 1)),
    maxAge: fc.constantFrom(...maxAges),
    confirms: fc
      .subarray([...confirms], { maxLength: 2 })
      .filter((words) => words.filter((word) => word.startsWith('officials')).length < 2),
    sources: fc.option(fc.subarray([...(sources ?? ['singpass', 'guangdong', 'iam-smart'])], { minLength: 1 }), {
      nil: null,
      freq: 3,
    }),
    place: fc.constantFrom(null, null, null, placeOf({ kind, source: '' })),
  });
});

export const anyWay: fc.Arbitrary<IdentityWay> = fc.record({
  categories: fc.option(fc.subarray([...categories], { minLength: 1, maxLength: 3 }), { nil: null, freq: 3 }),
  independent: fc.boolean(),
  rules: fc.array(anyEvidenceRule, { minLength: 1, maxLength: 3 }),
});

export const anyAuthenticationRule: fc.Arbitrary<AuthenticationRule> = fc
  .record({
    factors: fc.constantFrom(1 as const, 2 as const),
    userVerified: fc.boolean(),
    phishingResistant: fc.boolean(),
    deviceBound: fc.boolean(),
    maxAge: fc.constantFrom(900, 12 * 3600, day, 30 * day),
    kinds: fc.option(fc.subarray([...factorKinds], { maxLength: 2 }), { nil: undefined, freq: 3 }),
  })
  .map(({ kinds: named, ...rule }) => (named === undefined ? rule : { ...rule, kinds: named }));

/** A rule that the given one meets, or nearly. */
const weaker = (rule: EvidenceRule): fc.Arbitrary<EvidenceRule> =>
  fc.record({
    kind: fc.constant(rule.kind),
    minStrength: fc.constantFrom(rule.minStrength, 'weak' as const, 'strong' as const),
    maxAge: fc.constantFrom(rule.maxAge, ...maxAges),
    confirms: fc
      .subarray([...rule.confirms])
      .map((words) => words.map((word) => (word === 'officials:2' ? 'officials:1' : word))),
    sources: fc.constantFrom(rule.sources, null),
    place: fc.constantFrom(rule.place, null),
  });
const weakerWay = (way: IdentityWay): fc.Arbitrary<IdentityWay> =>
  fc.record({
    categories: fc.constantFrom(way.categories, null),
    independent: fc.boolean(),
    rules: fc
      .subarray([...way.rules], { minLength: 1 })
      .chain((rules) => fc.tuple(...rules.map(weaker)))
      .map((rules): EvidenceRule[] => rules),
  });
const weakerRule = (rule: AuthenticationRule): fc.Arbitrary<AuthenticationRule> =>
  anyAuthenticationRule.map((other) => ({
    ...rule,
    factors: other.factors,
    userVerified: rule.userVerified && other.userVerified,
    phishingResistant: rule.phishingResistant && other.phishingResistant,
    deviceBound: rule.deviceBound && other.deviceBound,
    maxAge: Math.max(rule.maxAge, other.maxAge),
  }));

const bare = (i: number) => ({
  id: `urn:test:${i}`,
  name: `n${i}`,
  labels: [],
  equivalents: {},
  dominates: [] as readonly string[],
});
const anyLevel = (i: number): fc.Arbitrary<LevelRule> =>
  fc.record({
    ...constants(bare(i)),
    ial: fc.constantFrom(0, 1, 2, 3),
    aal: fc.constantFrom(0, 1, 2, 3),
    identity: fc.array(anyWay, { minLength: 1, maxLength: 3 }),
    authentication: fc.array(anyAuthenticationRule, { minLength: 1, maxLength: 2 }),
    rideOnSso: fc.boolean(),
  });
const weakerLevel = (level: LevelRule, i: number): fc.Arbitrary<LevelRule> =>
  fc.record({
    ...constants(bare(i)),
    ial: fc.constant(level.ial),
    aal: fc.constant(level.aal),
    identity: fc
      .tuple(fc.tuple(...level.identity.map(weakerWay)), fc.array(anyWay, { maxLength: 1 }))
      .map((all) => all.flat()),
    authentication: fc.tuple(...level.authentication.map(weakerRule)).map((rules): AuthenticationRule[] => rules),
    rideOnSso: fc.constantFrom(level.rideOnSso, true),
  });
function constants<T extends object>(values: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, fc.constant(value)])) as never;
}

/** Two levels, the second often the weaker. */
export const anyPair = anyLevel(0).chain((level) =>
  fc.tuple(fc.constant(level), fc.oneof({ weight: 3, arbitrary: weakerLevel(level, 1) }, anyLevel(1))),
);

const document = (levels: readonly LevelRule[]): AssurancePolicy => ({
  version: 2,
  levels,
  authenticationLabels: [],
  apps: { library: appRuleOf(levels[0]?.id ?? '') },
  defaultFloor: levels.at(-1)?.id ?? '',
});

/** Documents with any claims about their order: most of them must be refused. */
export const anyDocument: fc.Arbitrary<AssurancePolicy> = fc
  .tuple(anyPair, fc.array(fc.tuple(fc.nat(3), fc.nat(4)), { maxLength: 4 }), anyLevel(2), fc.constantFrom(2, 3))
  .map(([[a, b], edges, c, count]) => {
    const levels = [a, b, c].slice(0, count);
    return document(
      levels.map((level, i) => ({
        ...level,
        dominates: [...new Set(edges.flatMap(([from, to]) => (from === i ? [`urn:test:${to}`] : [])))],
      })),
    );
  });

/** Documents whose order is the one that their rules have. */
const orderedDocument: fc.Arbitrary<AssurancePolicy> = anyPair
  .chain(([a, b]) => fc.tuple(fc.constant(a), fc.constant(b), weakerLevel(b, 2), anyLevel(3)))
  .map((levels) =>
    document(
      levels.map((level, i) => ({
        ...level,
        dominates: levels
          .slice(i + 1)
          .filter((lower) => lower.ial <= level.ial && lower.aal <= level.aal && implies(level, lower))
          .map(({ id }) => id),
      })),
    ),
  );

/** The city's own policy with some of its rules made stricter or laxer, as admins do. */
const alteredDefault: fc.Arbitrary<AssurancePolicy> = fc
  .tuple(
    fc.constantFrom(30 * day, 180 * day, 365 * day, 10 * 365 * day),
    fc.constantFrom(900, 3600, 12 * 3600),
    fc.subarray([0, 1, 2, 3, 4]),
    fc.boolean(),
  )
  .map(([faceAge, authenticationAge, ways, sso]) => ({
    ...defaultPolicy,
    version: 2,
    levels: defaultPolicy.levels.map((level) => ({
      ...level,
      dominates: level.id === 'urn:shimin:loa:4' && ways.length % 2 === 0 ? [] : level.dominates,
      rideOnSso: level.id === 'urn:shimin:staff' ? sso : level.rideOnSso,
      authentication: level.authentication.map((rule) =>
        level.ial === 2 ? { ...rule, maxAge: authenticationAge } : rule,
      ),
      identity:
        level.ial === 2
          ? level.identity
              .map((way) => ({
                ...way,
                rules: way.rules.map((rule) => (rule.kind === 'face' ? { ...rule, maxAge: faceAge } : rule)),
              }))
              .filter((_way, i) => !ways.includes(i + 1) || i === 0)
          : level.identity,
    })),
  }));

/** Policies that may be published. */
export const anyPolicy: fc.Arbitrary<AssurancePolicy> = fc
  .oneof(orderedDocument, alteredDefault)
  .filter((policy) => parsePolicy(policy).ok);

const secondsAgo = (from: number, to: number) =>
  fc.integer({ min: -to, max: -from }).map((s) => new Date(now.getTime() + s * 1000));
const dayOrNever = fc.option(
  fc.integer({ min: -400, max: 400 }).map((days) => new Date(now.getTime() + days * day * 1000)),
  { nil: null, freq: 5 },
);
const sourcesOf = (kind: (typeof evidenceKinds)[number]) => catalogue[kind].sources ?? [...knownSources].slice(0, 4);

export const anyEvidence: fc.Arbitrary<Evidence> = fc.constantFrom(...kinds).chain((kind) =>
  fc
    .record({
      source: fc.constantFrom(...sourcesOf(kind)),
      strength: fc.constantFrom(...strengths, 'strong' as const, 'superior' as const),
      category: fc.constantFrom(null, 'mainland' as const, 'hong_kong' as const, 'macao' as const),
      confirmed: fc.subarray([...catalogue[kind].confirms]),
      recordedAt: fc.integer({ min: 0, max: 2000 }).map((days) => new Date(now.getTime() - days * day * 1000)),
      expiresAt: dayOrNever,
      revokedAt: dayOrNever,
    })
    .map((facts) => evidence({ kind, ...facts })),
);

export const anyEvent: fc.Arbitrary<AuthenticationEvent> = fc
  .record({
    method: fc.constantFrom(...authenticationMethods),
    at: fc.oneof(secondsAgo(0, 1000), secondsAgo(0, 40 * day)),
    factors: fc.subarray([...factorKinds], { minLength: 1 }),
    userVerified: fc.boolean(),
    phishingResistant: fc.boolean(),
    deviceBound: fc.boolean(),
    interaction: fc.constantFrom(null, 'here', 'elsewhere'),
  })
  .map((facts) => event(facts));

/** Evidence that meets a level's way now, as far as one can say; what the rule leaves open is left to chance. */
export const evidenceFor = (way: IdentityWay): fc.Arbitrary<Evidence[]> =>
  fc
    .tuple(
      fc.constantFrom(...(way.categories ?? [null, 'mainland' as const])),
      fc.tuple(...way.rules.map((rule) => evidenceMeeting(rule))),
    )
    .map(([category, items]) => items.map((item) => ({ ...item, category })));

const evidenceMeeting = (rule: EvidenceRule): fc.Arbitrary<Evidence> =>
  fc
    .record({
      source: fc.constantFrom(...(rule.sources ?? sourcesOf(rule.kind))),
      strength: fc.constantFrom(...strengths.slice(strengths.indexOf(rule.minStrength))),
      more: fc.subarray([...catalogue[rule.kind].confirms]),
      age: fc.integer({ min: 0, max: (rule.maxAge ?? 2000 * day) - 1 }),
    })
    .map(({ source, strength, more, age }) =>
      evidence({
        kind: rule.kind,
        source,
        strength,
        confirmed: [...rule.confirms, ...more],
        recordedAt: new Date(now.getTime() - age * 1000),
      }),
    );

/** Events that meet an authentication rule in the interaction `here`. */
export const eventsFor = (rule: AuthenticationRule): fc.Arbitrary<AuthenticationEvent[]> =>
  fc.integer({ min: 0, max: rule.maxAge - 1 }).chain((age) =>
    fc.tuple(anyEvent, anyEvent).map(([carrier, other]) => [
      {
        ...carrier,
        userVerified: rule.userVerified || carrier.userVerified,
        phishingResistant: rule.phishingResistant || carrier.phishingResistant,
        deviceBound: rule.deviceBound || carrier.deviceBound,
        at: new Date(now.getTime() - age * 1000),
        interaction: 'here',
      },
      { ...other, factors: [...factorKinds], at: new Date(now.getTime() - age * 1000), interaction: 'here' },
    ]),
  );
