import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { faultCodes } from '../../src/assurance/faults.ts';
import { plan } from '../../src/assurance/plan.ts';
import { type AssurancePolicy, appRuleOf, parsePolicy, publishedPolicy } from '../../src/assurance/policy.ts';
import { requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { wordsOfWay } from '../../src/assurance/words.ts';
import { kinds, L, methods, now, S, way } from './support.ts';

const rule = { kind: 'population', minStrength: 'strong', maxAge: null, confirms: [], sources: null, place: null };
const authentication = { factors: 1, userVerified: false, phishingResistant: false, deviceBound: false, maxAge: 60 };
const stands = { ial: 0, aal: 1, rideOnSso: true, dominates: [], labels: [], equivalents: {} };
const level = (id: string, more: object = {}) => ({
  id,
  name: id,
  identity: [{ rules: [rule] }],
  authentication: [authentication],
  ...stands,
  ...more,
});
const document = (levels: object[], more: object = {}) => ({
  version: 1,
  levels,
  authenticationLabels: [],
  apps: {},
  defaultFloor: 'a',
  ...more,
});
const withRule = (more: object, wayMore: object = {}) =>
  document([level('a', { identity: [{ rules: [{ ...rule, ...more }], ...wayMore }] })]);
const withAuthentication = (more: object) =>
  document([level('a', { authentication: [{ ...authentication, ...more }] })]);
const app = (more: object) => document([level('a')], { apps: { x: { floor: 'a', ...more } } });

/** Each fault from a document that has it and no other. */
const table: readonly (readonly [code: string, path: string, document: object])[] = [
  ['shape', 'levels.0.aal', document([level('a', { aal: 9 })])],
  ['unknown_level', 'levels.0.dominates', document([level('a', { dominates: ['b'] })])],
  ['cycle', 'levels.0.dominates', document([level('a', { dominates: ['a'] })])],
  ['axis_order', 'levels.0.dominates', document([level('a', { dominates: ['b'] }), level('b', { ial: 2 })])],
  [
    'identity_not_implied',
    'levels.0.identity.0',
    document([level('a', { dominates: ['b'] }), level('b', { identity: [{ rules: [{ ...rule, kind: 'face' }] }] })]),
  ],
  [
    'authentication_not_implied',
    'levels.0.authentication.0',
    document([level('a', { dominates: ['b'] }), level('b', { authentication: [{ ...authentication, maxAge: 30 }] })]),
  ],
  [
    'sso_not_implied',
    'levels.0.rideOnSso',
    document([level('a', { dominates: ['b'] }), level('b', { rideOnSso: false })]),
  ],
  ['used_twice', 'levels.1', document([level('a', { labels: ['z'] }), level('b', { labels: ['z'] })])],
  ['repeated', 'levels.0.identity.0.rules.0.confirms.1', withRule({ confirms: ['name', 'name'] })],
  ['empty_list', 'levels.0.identity.0.rules.0.sources', withRule({ sources: [] })],
  ['unknown_source', 'levels.0.identity.0.rules.0.sources.0', withRule({ sources: ['nobody'] })],
  ['unknown_word', 'levels.0.identity.0.rules.0.confirms.0', withRule({ confirms: ['liveness'] })],
  ['too_strong', 'levels.0.identity.0.rules.0.minStrength', withRule({ minStrength: 'superior' })],
  ['wrong_place', 'levels.0.identity.0.rules.0.place', withRule({ place: 'in_person' })],
  ['no_source', 'levels.0.identity.0.rules.0', withRule({ sources: ['face'] })],
  [
    'not_independent',
    'levels.0.identity.0.independent',
    document([level('a', { identity: [{ independent: true, rules: [rule, { ...rule, confirms: ['name'] }] }] })]),
  ],
  [
    'category_not_shown',
    'levels.0.identity.0.categories',
    withRule({ kind: 'contact', minStrength: 'weak' }, { categories: ['macao'] }),
  ],
  [
    'factor_contradiction',
    'levels.0.authentication.0.kinds',
    withAuthentication({ deviceBound: true, kinds: ['knowledge'] }),
  ],
  [
    'kinds_beyond_factors',
    'levels.0.authentication.0.kinds',
    withAuthentication({ kinds: ['knowledge', 'inherence'] }),
  ],
  [
    'repeated',
    'levels.0.authentication.0.kinds.1',
    withAuthentication({ factors: 2, kinds: ['knowledge', 'knowledge'] }),
  ],
  ['unknown_scheme', 'levels.0.equivalents.x', document([level('a', { equivalents: { x: 'y' } })])],
  ['unknown_external', 'levels.0.equivalents.eidas', document([level('a', { equivalents: { eidas: 'y' } })])],
  [
    'external_twice',
    'levels.1.equivalents.eidas',
    document([level('a', { equivalents: { eidas: 'low' } }), level('b', { equivalents: { eidas: 'low' } })]),
  ],
  [
    'external_twice',
    'levels.1.labels.0',
    document([
      level('a', { equivalents: { eidas: 'low' } }),
      level('b', { labels: ['http://eidas.europa.eu/LoA/low'] }),
    ]),
  ],
  [
    'external_order',
    'levels.0.equivalents.eidas',
    document([
      level('a', { dominates: ['b'], equivalents: { eidas: 'low' } }),
      level('b', { equivalents: { eidas: 'high' } }),
    ]),
  ],
  [
    'external_contradicts',
    'levels.0.labels.0',
    document([level('a', { equivalents: { eidas: 'low' }, labels: ['http://eidas.europa.eu/LoA/high'] })]),
  ],
  ['allowed_and_denied', 'apps.x.sources.deny.0', app({ sources: { allow: ['population', 'face'], deny: ['face'] } })],
  ['floor_unmeetable', 'apps.x.floor', app({ sources: { allow: null, deny: ['population'] } })],
  ['bad_scope', 'apps.x.scopes.a b', app({ scopes: { 'a b': { floor: 'a' } } })],
  ['bad_resource', 'apps.x.resources.y', app({ resources: { y: { floor: 'a' } } })],
  [
    'category_not_established',
    'apps.x.categories',
    document([level('a', { identity: [{ rules: [{ ...rule, kind: 'contact', minStrength: 'weak' }] }] })], {
      apps: { x: { floor: 'a', categories: ['macao'] } },
    }),
  ],
];

describe('faults', () => {
  it.each(table)('%s at %s, and nothing else', (code, path, json) => {
    const parsed = parsePolicy(json);
    expect(parsed.ok ? [] : parsed.faults.map((fault) => [fault.code, fault.path])).toEqual([[code, path]]);
    if (!parsed.ok) expect(parsed.faults[0]?.message).not.toMatch(/[{}]|undefined/);
  });

  it('no level at all', () => {
    const parsed = parsePolicy(document([]));
    expect(parsed.ok ? [] : parsed.faults.map(({ code }) => code)).toEqual(['no_levels', 'unknown_level']);
  });

  it('two numbers of officials in one rule ask for both and for neither', () => {
    const parsed = parsePolicy(withRule({ kind: 'counter', confirms: ['officials:1', 'officials:2'] }));
    expect(parsed.ok ? [] : parsed.faults.map(({ code }) => code)).toEqual(['repeated']);
  });

  it('all are named at once, and every code is in the table', () => {
    const parsed = parsePolicy(document([level('a', { dominates: ['b'], labels: ['a'] })], { defaultFloor: 'c' }));
    expect(parsed.ok ? [] : parsed.faults.map(({ code }) => code)).toEqual([
      'unknown_level',
      'used_twice',
      'unknown_level',
    ]);
    const seen = new Set([...table.map(([code]) => code), 'no_levels']);
    expect(faultCodes.filter((code) => !seen.has(code))).toEqual([]);
  });

  it('labels of schemes that contradict nothing are fine', () => {
    const fine = level('a', { equivalents: { eidas: 'low' }, labels: ['http://eidas.europa.eu/LoA/low', 'other'] });
    expect(parsePolicy(document([fine])).ok).toBe(true);
    expect(
      parsePolicy(app({ sources: { allow: ['bank-x', 'population'], deny: [] } }), { sources: ['bank-x'] }).ok,
    ).toBe(true);
    expect(
      parsePolicy(app({ resources: { 'https://x.example/': { floor: 'a' } }, scopes: { phone: { floor: 'a' } } })).ok,
    ).toBe(true);
  });
});

it('documents of the first shape come back in today’s, published ones without a second judgement', () => {
  const old = { ...document([{ ...level('a'), identity: [[rule]] }]), apps: { x: { floor: 'nobody' } } };
  const published = publishedPolicy(old);
  expect(published.levels[0]?.identity).toEqual([{ categories: null, independent: false, rules: [rule] }]);
  expect(published.apps.x).toEqual(appRuleOf('nobody'));
  expect(parsePolicy(old).ok).toBe(false);
  expect(() => publishedPolicy({})).toThrow();
});

it('a way that asks for nothing says so', () => {
  expect(wordsOfWay(way()).parts.map(({ code }) => code)).toEqual(['rule.nothing']);
});

describe('floors of scopes, resources and actions', () => {
  const policy: AssurancePolicy = {
    ...defaultPolicy,
    apps: {
      ...defaultPolicy.apps,
      library: {
        ...appRuleOf(L(1)),
        scopes: { phone: { floor: L(2) } },
        resources: { 'https://records.example/': { floor: L(3) } },
        actions: { pay: { floor: S }, again: { floor: L(1) } },
      },
    },
  };
  const floors = (request: object) =>
    requirementFor(policy, 'library', { acrValues: [], prompt: [], ...request }).floors;
  it('are joined: the highest of an order, all that are beside each other', () => {
    expect(floors({})).toEqual([L(1)]);
    expect(floors({ scopes: ['phone', 'openid', 'toString'] })).toEqual([L(2)]);
    expect(floors({ scopes: ['phone'], resources: ['https://records.example/'] })).toEqual([L(3)]);
    expect(floors({ actions: ['pay'] })).toEqual([L(1), S]);
    expect(floors({ scopes: ['phone'], actions: ['pay', 'again'] })).toEqual([L(2), S]);
  });
  it('must all be held, and a plan says what is not', () => {
    const requirement = requirementFor(policy, 'library', {
      acrValues: [],
      prompt: [],
      scopes: ['phone'],
      actions: ['pay'],
    });
    const facts = { interaction: 'here', offered: false, events: [methods.synced] };
    const verdict = (evidence: Parameters<typeof assess>[1]) =>
      satisfies(assess(policy, evidence, [methods.synced], now, facts), requirement, policy, facts);
    expect(verdict([kinds.contact]).kind).toBe('short');
    expect(verdict([kinds.contact, kinds.population, kinds.tie]).kind).toBe('met');
  });
});

describe('no way, because', () => {
  const because = (more: object, evidence = [kinds.contact, kinds.population, kinds.tie]) => {
    const policy = { ...defaultPolicy, apps: { ...defaultPolicy.apps, library: { ...appRuleOf(L(2)), ...more } } };
    const requirement = requirementFor(policy, 'library', { acrValues: [], prompt: [] });
    const found = plan({
      policy,
      requirement,
      evidence,
      events: [methods.synced],
      offers: [],
      now,
      interaction: 'here',
    });
    return found.kind === 'unreachable' ? found.because : found.kind;
  };
  it('the app takes other categories, other sources, or nobody could', () => {
    expect(because({})).toBe('met');
    expect(because({ categories: ['macao'] })).toEqual(['category_not_accepted']);
    expect(because({ sources: { allow: null, deny: ['population'] } })).toEqual(['source_not_accepted']);
    expect(because({}, [kinds.contact])).toEqual(['needs_identity']);
  });
});
