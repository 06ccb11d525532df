import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { changeCodes, describeChanges } from '../../src/assurance/differences.ts';
import { type AssurancePolicy, appRuleOf, type LevelRule } from '../../src/assurance/policy.ts';
import { linesOf } from '../../src/assurance/words.ts';
import { createI18n, locales } from '../../src/i18n/index.ts';
import { anyAuthenticationRule, anyPolicy, anyWay } from './generators.ts';
import { L } from './support.ts';

const level2 = (change: (level: LevelRule) => LevelRule): AssurancePolicy => ({
  ...defaultPolicy,
  levels: defaultPolicy.levels.map((level) => (level.id === L(2) ? change(level) : level)),
});
const library = (change: object): AssurancePolicy => ({
  ...defaultPolicy,
  apps: { ...defaultPolicy.apps, library: { ...appRuleOf(L(1)), ...change } },
});
const properties = (change: AssurancePolicy['authenticationLabels']) => ({
  ...defaultPolicy,
  authenticationLabels: change,
});
const [phr, phrh] = defaultPolicy.authenticationLabels;
if (!phr || !phrh) throw new Error('the seed has two properties');
const extra: LevelRule = { ...(defaultPolicy.levels[0] as LevelRule), id: 'urn:new', dominates: [] };
const weak = { factors: 1 as const, userVerified: false, phishingResistant: false, deviceBound: false, maxAge: 45 };

/** Each kind of change alone, with what is said of it; backwards it is the opposite. */
const table: readonly (readonly [said: string, back: string, next: AssurancePolicy])[] = [
  ['level_added', 'level_removed', { ...defaultPolicy, levels: [...defaultPolicy.levels, extra] }],
  ['level_renamed', 'level_renamed', level2((level) => ({ ...level, name: 'other' }))],
  ['level_ial', 'level_ial', level2((level) => ({ ...level, ial: 2 }))],
  ['level_aal', 'level_aal', level2((level) => ({ ...level, aal: 3 }))],
  ['way_removed', 'way_added', level2((level) => ({ ...level, identity: level.identity.slice(1) }))],
  [
    'authentication_added',
    'authentication_removed',
    level2((level) => ({ ...level, authentication: [...level.authentication, weak] })),
  ],
  ['sso_off', 'sso_on', level2((level) => ({ ...level, rideOnSso: false }))],
  ['dominates_removed', 'dominates_added', level2((level) => ({ ...level, dominates: [] }))],
  ['label_added', 'label_removed', level2((level) => ({ ...level, labels: [...level.labels, 'urn:x'] }))],
  [
    'external_changed',
    'external_changed',
    level2((level) => ({ ...level, equivalents: { ...level.equivalents, eidas: 'high' } })),
  ],
  [
    'external_removed',
    'external_added',
    level2(({ equivalents: { eidas: _, ...equivalents }, ...level }) => ({ ...level, equivalents })),
  ],
  ['levels_reordered', 'levels_reordered', { ...defaultPolicy, levels: defaultPolicy.levels.toReversed() }],
  ['property_removed', 'property_added', properties([phr])],
  [
    'property_rule_added',
    'property_rule_removed',
    properties([{ ...phr, authentication: [...phr.authentication, weak] }, phrh]),
  ],
  ['app_floor', 'app_floor', library({ floor: L(2) })],
  ['app_categories', 'app_categories', library({ categories: ['macao', 'taiwan'] })],
  ['app_sources_allowed', 'app_sources_allowed', library({ sources: { allow: ['population'], deny: [] } })],
  ['app_sources_denied', 'app_sources_denied', library({ sources: { allow: null, deny: ['singpass'] } })],
  ['scope_added', 'scope_removed', library({ scopes: { phone: { floor: L(2) } } })],
  ['resource_added', 'resource_removed', library({ resources: { 'https://x.example/': { floor: L(2) } } })],
  ['action_added', 'action_removed', library({ actions: { pay: { floor: L(2) } } })],
  ['default_floor', 'default_floor', { ...defaultPolicy, defaultFloor: L(3) }],
];
const codes = (old: AssurancePolicy, next: AssurancePolicy) =>
  describeChanges(old, next).map(({ code }) => code.replace(/^change\./, ''));

describe('differences', () => {
  it.each(table)('%s, and back %s: that and nothing else', (said, back, next) => {
    expect(codes(library({}), { ...next, apps: { ...defaultPolicy.apps, ...next.apps } })).toEqual([said]);
    expect(codes({ ...next, apps: { ...defaultPolicy.apps, ...next.apps } }, library({}))).toEqual([back]);
  });

  it('a floor of a scope, resource or action that changed; an app that came or went', () => {
    const floors = (floor: string) =>
      library({
        scopes: { phone: { floor } },
        resources: { 'https://x.example/': { floor } },
        actions: { pay: { floor } },
      });
    expect(codes(floors(L(1)), floors(L(2)))).toEqual(['scope_changed', 'resource_changed', 'action_changed']);
    const { library: _, ...rest } = defaultPolicy.apps;
    const without = { ...defaultPolicy, apps: rest };
    expect(codes(library({}), without)).toEqual(['app_removed']);
    const [added] = describeChanges(without, floors(L(2)));
    expect(added?.code).toBe('change.app_added');
    expect(added?.parts.map(({ code }) => code)).toEqual([
      'change.scope_added',
      'change.resource_added',
      'change.action_added',
    ]);
  });

  it('every kind of change is in the table or the cases above', () => {
    const seen = new Set([
      ...table.map(([said]) => said),
      ...table.map(([, back]) => back),
      'app_added',
      'app_removed',
      'scope_changed',
      'resource_changed',
      'action_changed',
    ]);
    expect([...changeCodes].filter((code) => !seen.has(code))).toEqual([]);
  });

  it('none between a policy and itself; some between any two that differ', () => {
    fc.assert(
      fc.property(anyPolicy, anyPolicy, (one, other) => {
        expect(describeChanges(one, structuredClone(one) as AssurancePolicy)).toEqual([]);
        const { version: _, ...a } = one;
        const { version: __, ...b } = other;
        expect(describeChanges(one, other).length > 0).toBe(JSON.stringify(a) !== JSON.stringify(b));
      }),
      { numRuns: 200 },
    );
  });

  it('can be said in every language, whatever the rules', () => {
    const i18n = createI18n();
    fc.assert(
      fc.property(anyWay, anyAuthenticationRule, (way, rule) => {
        const next = level2((level) => ({ ...level, identity: [way], authentication: [rule] }));
        for (const locale of locales) {
          const lines = describeChanges(defaultPolicy, next).flatMap((change) =>
            linesOf(change, (key, params) => i18n.t(locale, key, params)),
          );
          // A missing text throws or stays a key.
          for (const line of lines) expect(line).not.toMatch(/policy\.\w/);
        }
      }),
      { numRuns: 150 },
    );
  });
});
