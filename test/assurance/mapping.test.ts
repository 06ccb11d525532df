import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { dominates } from '../../src/assurance/level.ts';
import { acrLabels, fromExternal, meaningOf, toExternal } from '../../src/assurance/mapping.ts';
import { type AssurancePolicy, appRuleOf, parsePolicy } from '../../src/assurance/policy.ts';
import { nameIn, type Scheme, schemeOf, schemes } from '../../src/assurance/schemes.ts';
import { anyPolicy } from './generators.ts';
import { L, S } from './support.ts';

/** Level by scheme: what the design's table says. */
const table: readonly (readonly [level: string, ...names: (string | null)[]])[] = [
  [L(1), null, '二级', null, 'AAL1', null],
  [L(2), 'low', '三级', 'urn:singpass:authentication:loa:2', 'IAL1/AAL2', null],
  [L(3), 'substantial', '四级', 'urn:singpass:authentication:loa:3', 'IAL2/AAL2', 'phr'],
  [L(4), 'high', '五级', 'urn:singpass:authentication:loa:3', 'IAL3/AAL3', 'phrh'],
  [S, null, null, null, 'AAL2', 'phr'],
];

describe('names of other schemes', () => {
  it.each(table)('%s', (level, ...names) => {
    expect(schemes.map((scheme) => toExternal(defaultPolicy, level ?? '', scheme))).toEqual(names);
  });

  it.each<[Scheme, string, string | null]>([
    ['eidas', 'substantial', L(3)],
    ['eidas', 'http://eidas.europa.eu/LoA/high', L(4)],
    ['guangdong', '五级', L(4)],
    ['guangdong', 'L1', L(2)],
    ['guangdong', '可信等级四级', L(3)],
    ['singpass', 'urn:singpass:authentication:loa:3', L(3)],
    ['singpass', 'urn:singpass:authentication:loa:1', null],
    ['nist', 'IAL2/AAL2', L(3)],
    ['nist', 'IAL9', null],
    ['eidas', 'nonsense', null],
    ['phr', 'none', null],
  ])('%s %s is %s', (scheme, name, level) => {
    const meaning = fromExternal(defaultPolicy, scheme, name);
    expect(meaning === null ? null : meaning.kind === 'level' && meaning.level).toBe(level);
  });

  it('phr and phrh are what the labels say', () => {
    expect(fromExternal(defaultPolicy, 'phr', 'phrh')).toEqual(meaningOf(defaultPolicy, 'phrh'));
  });

  it('nothing of an unknown level', () => {
    for (const scheme of schemes) expect(toExternal(defaultPolicy, 'urn:nobody', scheme)).toBeNull();
    expect(meaningOf(defaultPolicy, 'urn:nobody')).toBeNull();
  });

  it('there and back never rises: what a name brings is no more than the level it was given for', () => {
    fc.assert(
      fc.property(anyPolicy, fc.constantFrom(...schemes), (policy, scheme) => {
        for (const { id } of policy.levels) {
          const name = toExternal(policy, id, scheme);
          const back = name === null ? null : fromExternal(policy, scheme, name);
          if (back?.kind !== 'level') continue;
          // NIST's two axes are shared by levels beside each other.
          if (scheme !== 'nist') expect(dominates(policy.levels, id, back.level)).toBe(true);
          else expect(dominates(policy.levels, back.level, id) && back.level !== id).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every label that may be asked for means something', () => {
    for (const label of acrLabels(defaultPolicy)) expect(meaningOf(defaultPolicy, label)?.label).toBe(label);
    expect(schemeOf('http://eidas.europa.eu/LoA/low')).toEqual({ scheme: 'eidas', name: 'low' });
    expect(schemeOf('low')).toBeNull();
    expect(schemeOf('urn:nobody')).toBeNull();
    expect(nameIn('guangdong', '六级')).toBeNull();
  });

  it('two levels with the same axes and neither above the other have no common name', () => {
    const twin = { ...(defaultPolicy.levels[0] as never as object), id: 'urn:twin', labels: [], dominates: [] };
    const policy = { ...defaultPolicy, levels: [...defaultPolicy.levels, twin as never] };
    expect(fromExternal(policy, 'nist', 'AAL1')).toMatchObject({ level: L(1) });
    const equal = { ...defaultPolicy, authenticationLabels: [] };
    expect(toExternal(equal, L(3), 'phr')).toBeNull();
  });
});

describe('faults of apps', () => {
  const app = (change: object): AssurancePolicy => ({
    ...defaultPolicy,
    apps: { ...defaultPolicy.apps, library: { ...appRuleOf(L(2)), ...change } },
  });
  it.each<[string, object, string]>([
    ['unknown_level', { floor: 'urn:nobody' }, 'apps.library.floor'],
    ['unknown_level', { scopes: { phone: { floor: 'urn:nobody' } } }, 'apps.library.scopes.phone.floor'],
    ['floor_unmeetable', { sources: { allow: ['sms'], deny: [] } }, 'apps.library.floor'],
    ['floor_unmeetable', { floor: L(4), sources: { allow: null, deny: ['counter'] } }, 'apps.library.floor'],
    ['repeated', { categories: ['macao', 'macao'] }, 'apps.library.categories'],
    ['category_not_established', { floor: L(1), categories: ['macao'] }, 'apps.library.categories'],
    ['unknown_source', { sources: { allow: null, deny: ['nobody'] } }, 'apps.library.sources.deny'],
    ['unknown_source', { sources: { allow: ['nobody', 'population'], deny: [] } }, 'apps.library.sources.allow'],
    ['allowed_and_denied', { sources: { allow: ['population'], deny: ['population'] } }, 'apps.library.sources.deny.0'],
    ['bad_scope', { scopes: { 'a b': { floor: L(2) } } }, 'apps.library.scopes.a b'],
    ['bad_resource', { resources: { 'https://x/#f': { floor: L(2) } } }, 'apps.library.resources.https://x/#f'],
    ['bad_resource', { resources: { nowhere: { floor: L(2) } } }, 'apps.library.resources.nowhere'],
  ])('%s', (code, change, path) => {
    const parsed = parsePolicy(app(change));
    expect(parsed.ok).toBe(false);
    const faults = parsed.ok ? [] : parsed.faults;
    expect(faults.filter((each) => each.code === code).map((each) => each.path)).toEqual(
      expect.arrayContaining([expect.stringContaining(path)]),
    );
  });
  it('a level only for people whom the app does not take can’t be its floor', () => {
    const levels = defaultPolicy.levels.map((level) =>
      level.id === L(3)
        ? { ...level, identity: level.identity.slice(1, 2), equivalents: {}, labels: [] }
        : level.id === L(4)
          ? { ...level, dominates: [] }
          : level,
    );
    const parsed = parsePolicy({ ...app({ floor: L(3), categories: ['mainland'] }), levels });
    expect(parsed.ok ? [] : parsed.faults.map(({ code }) => code)).toContain('floor_unmeetable');
    const open = parsePolicy({ ...app({ floor: L(3), categories: ['macao'] }), levels });
    expect(open.ok ? [] : open.faults.map(({ code }) => code)).not.toContain('floor_unmeetable');
  });
  it('an unknown default floor', () => {
    const parsed = parsePolicy({ ...defaultPolicy, defaultFloor: 'urn:nobody' });
    expect(parsed.ok ? [] : parsed.faults.map(({ path, code }) => [path, code])).toEqual([
      ['defaultFloor', 'unknown_level'],
    ]);
  });
});
