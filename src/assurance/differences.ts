import type { AppRule, AssurancePolicy, LevelRule } from './policy.ts';
import { appRuleOf } from './policy.ts';
import { type Words, words, wordsOfAuthentication, wordsOfWay } from './words.ts';

/** One difference between two policies: where, and in words. */
export interface Change extends Words {
  readonly path: string;
}

export const changeCodes = [
  'level_added',
  'level_removed',
  'level_renamed',
  'level_ial',
  'level_aal',
  'way_added',
  'way_removed',
  'authentication_added',
  'authentication_removed',
  'sso_on',
  'sso_off',
  'dominates_added',
  'dominates_removed',
  'label_added',
  'label_removed',
  'external_added',
  'external_removed',
  'external_changed',
  'levels_reordered',
  'property_added',
  'property_removed',
  'property_rule_added',
  'property_rule_removed',
  'app_added',
  'app_removed',
  'app_floor',
  'app_categories',
  'app_sources_allowed',
  'app_sources_denied',
  'scope_added',
  'scope_removed',
  'scope_changed',
  'resource_added',
  'resource_removed',
  'resource_changed',
  'action_added',
  'action_removed',
  'action_changed',
  'default_floor',
] as const;
type ChangeCode = (typeof changeCodes)[number];

const change = (path: string, code: ChangeCode, params: Words['params'], parts: readonly Words[] = []): Change => ({
  path,
  ...words(`change.${code}`, params, parts),
});

/** Every difference that matters to anybody, in the order of the document; none when both say the same. */
export function describeChanges(old: AssurancePolicy, next: AssurancePolicy): Change[] {
  return [
    ...levelChanges(old, next),
    ...propertyChanges(old, next),
    ...appChanges(old, next),
    ...(old.defaultFloor === next.defaultFloor
      ? []
      : [change('defaultFloor', 'default_floor', { from: old.defaultFloor, to: next.defaultFloor })]),
  ];
}

function levelChanges(old: AssurancePolicy, next: AssurancePolicy): Change[] {
  const before = new Map(old.levels.map((level) => [level.id, level]));
  const after = new Map(next.levels.map((level) => [level.id, level]));
  const kept = (from: AssurancePolicy, other: ReadonlyMap<string, LevelRule>) =>
    from.levels.map(({ id }) => id).filter((id) => other.has(id));
  return [
    ...next.levels.flatMap((level) => {
      const was = before.get(level.id);
      return was
        ? changesOf(was, level)
        : [change(`levels.${level.id}`, 'level_added', { level: level.id }, all(level))];
    }),
    ...old.levels
      .filter(({ id }) => !after.has(id))
      .map(({ id }) => change(`levels.${id}`, 'level_removed', { level: id })),
    // Of two levels beside each other the first is the one that is answered.
    ...(same(kept(old, after), kept(next, before))
      ? []
      : [change('levels', 'levels_reordered', { order: kept(next, before).join(', ') })]),
  ];
}

const all = (level: LevelRule): Words[] => [
  ...level.identity.map(wordsOfWay),
  ...level.authentication.map(wordsOfAuthentication),
];

function changesOf(old: LevelRule, next: LevelRule): Change[] {
  const level = next.id;
  const path = `levels.${level}`;
  const moved = (part: 'name' | 'ial' | 'aal', code: ChangeCode) =>
    old[part] === next[part] ? [] : [change(`${path}.${part}`, code, { level, from: old[part], to: next[part] })];
  const ways = listed(old.identity, next.identity);
  const rules = listed(old.authentication, next.authentication);
  const dominated = listed(old.dominates, next.dominates);
  const labels = listed(old.labels, next.labels);
  return [
    ...moved('name', 'level_renamed'),
    ...moved('ial', 'level_ial'),
    ...moved('aal', 'level_aal'),
    ...ways.removed.map((way) => change(`${path}.identity`, 'way_removed', { level }, [wordsOfWay(way)])),
    ...ways.added.map((way) => change(`${path}.identity`, 'way_added', { level }, [wordsOfWay(way)])),
    ...rules.removed.map((rule) =>
      change(`${path}.authentication`, 'authentication_removed', { level }, [wordsOfAuthentication(rule)]),
    ),
    ...rules.added.map((rule) =>
      change(`${path}.authentication`, 'authentication_added', { level }, [wordsOfAuthentication(rule)]),
    ),
    ...(old.rideOnSso === next.rideOnSso
      ? []
      : [change(`${path}.rideOnSso`, next.rideOnSso ? 'sso_on' : 'sso_off', { level })]),
    ...dominated.removed.map((other) => change(`${path}.dominates`, 'dominates_removed', { level, other })),
    ...dominated.added.map((other) => change(`${path}.dominates`, 'dominates_added', { level, other })),
    ...labels.removed.map((label) => change(`${path}.labels`, 'label_removed', { level, label })),
    ...labels.added.map((label) => change(`${path}.labels`, 'label_added', { level, label })),
    ...keyed(`${path}.equivalents`, 'external', old.equivalents, next.equivalents, 'scheme', { level }),
  ];
}

function propertyChanges(old: AssurancePolicy, next: AssurancePolicy): Change[] {
  const before = new Map(old.authenticationLabels.map((item) => [item.id, item.authentication]));
  const after = new Map(next.authenticationLabels.map((item) => [item.id, item.authentication]));
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((label) => {
    const path = `authenticationLabels.${label}`;
    const [was, is] = [before.get(label), after.get(label)];
    if (!is) return [change(path, 'property_removed', { label })];
    if (!was) return [change(path, 'property_added', { label }, is.map(wordsOfAuthentication))];
    const { added, removed } = listed(was, is);
    return [
      ...removed.map((rule) => change(path, 'property_rule_removed', { label }, [wordsOfAuthentication(rule)])),
      ...added.map((rule) => change(path, 'property_rule_added', { label }, [wordsOfAuthentication(rule)])),
    ];
  });
}

function appChanges(old: AssurancePolicy, next: AssurancePolicy): Change[] {
  return [...new Set([...Object.keys(old.apps), ...Object.keys(next.apps)])].flatMap((app) => {
    const path = `apps.${app}`;
    const [was, is] = [ownOf(old.apps, app), ownOf(next.apps, app)];
    if (!is) return [change(path, 'app_removed', { app, to: next.defaultFloor })];
    if (was) return changesOfApp(path, app, was, is);
    const bare = appRuleOf(is.floor);
    return [change(path, 'app_added', { app, floor: is.floor }, changesOfApp(path, app, bare, is))];
  });
}

function changesOfApp(path: string, app: string, old: AppRule, next: AppRule): Change[] {
  const floors = (rules: AppRule['scopes']) =>
    Object.fromEntries(Object.entries(rules).map(([name, { floor }]) => [name, floor]));
  const part = (name: 'scopes' | 'resources' | 'actions', kind: 'scope' | 'resource' | 'action') =>
    keyed(`${path}.${name}`, kind, floors(old[name]), floors(next[name]), kind, { app });
  return [
    ...(old.floor === next.floor
      ? []
      : [change(`${path}.floor`, 'app_floor', { app, from: old.floor, to: next.floor })]),
    ...(same(old.categories, next.categories)
      ? []
      : [change(`${path}.categories`, 'app_categories', { app }, categoryWords(next.categories))]),
    ...(same(old.sources.allow, next.sources.allow)
      ? []
      : [change(`${path}.sources.allow`, 'app_sources_allowed', { app }, sourceWords(next.sources.allow ?? []))]),
    ...(same(old.sources.deny, next.sources.deny)
      ? []
      : [change(`${path}.sources.deny`, 'app_sources_denied', { app }, sourceWords(next.sources.deny))]),
    ...part('scopes', 'scope'),
    ...part('resources', 'resource'),
    ...part('actions', 'action'),
  ];
}

const categoryWords = (categories: AppRule['categories']): Words[] =>
  categories === null ? [words('rule.any')] : categories.map((category) => words(`rule.category.${category}`));

const sourceWords = (sources: readonly string[]): Words[] =>
  sources.length === 0 ? [words('rule.any_or_none')] : [words('rule.sources', { sources: sources.join(', ') })];

/** Differences of two records of names. */
function keyed(
  path: string,
  kind: 'external' | 'scope' | 'resource' | 'action',
  old: Readonly<Record<string, string>>,
  next: Readonly<Record<string, string>>,
  key: string,
  params: Words['params'],
): Change[] {
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].flatMap((name) => {
    const [from, to] = [ownOf(old, name), ownOf(next, name)];
    const at = { ...params, [key]: name };
    if (from === to) return [];
    if (to === undefined) return [change(`${path}.${name}`, `${kind}_removed`, at)];
    if (from === undefined) return [change(`${path}.${name}`, `${kind}_added`, { ...at, to })];
    return [change(`${path}.${name}`, `${kind}_changed`, { ...at, from, to })];
  });
}

const ownOf = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What one list has that the other has not, each as often as it is there. */
function listed<T>(old: readonly T[], next: readonly T[]): { added: T[]; removed: T[] } {
  const without = (list: readonly T[], other: readonly T[]) => {
    const left = other.map((item) => JSON.stringify(item));
    return list.filter((item) => {
      const at = left.indexOf(JSON.stringify(item));
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  return { added: without(next, old), removed: without(old, next) };
}
