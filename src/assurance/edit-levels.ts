import type { AppRule, AssurancePolicy, LevelRule } from './policy.ts';

/*
 * Steps in editing a draft. None of them judges: a draft may be wrong on its way, and `parsePolicy` says what is wrong.
 */

/** The document with this level in the place of the one of its id. */
export function withLevel(policy: AssurancePolicy, level: LevelRule): AssurancePolicy {
  return { ...policy, levels: policy.levels.map((each) => (each.id === level.id ? level : each)) };
}

/**
 * A new level, as strict as the one it is made like and beside it; what it contains is its author's to say. Other names
 * belong to one level only, so they stay where they are.
 */
export function withNewLevel(
  policy: AssurancePolicy,
  made: { id: string; name: string; like: string },
): AssurancePolicy {
  const at = policy.levels.findIndex(({ id }) => id === made.like);
  const like = policy.levels[at];
  if (!like) return policy;
  const { id, name } = made;
  const level: LevelRule = { ...like, id, name, labels: [], equivalents: {} };
  return { ...policy, levels: policy.levels.toSpliced(at + 1, 0, level) };
}

/**
 * Without a level. What contained it contains what it contained, so that the order of the others stays; whoever asked for
 * it asks for `instead`.
 */
export function withoutLevel(policy: AssurancePolicy, gone: string, instead: string): AssurancePolicy {
  const below = policy.levels.find(({ id }) => id === gone)?.dominates ?? [];
  const floor = (id: string) => (id === gone ? instead : id);
  const floors = (rules: AppRule['scopes']) =>
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { floor: floor(rule.floor) }]));
  return {
    ...policy,
    levels: policy.levels
      .filter(({ id }) => id !== gone)
      .map((level) =>
        level.dominates.includes(gone)
          ? { ...level, dominates: [...new Set([...level.dominates.filter((id) => id !== gone), ...below])] }
          : level,
      ),
    apps: Object.fromEntries(
      Object.entries(policy.apps).map(([app, rule]) => [
        app,
        {
          ...rule,
          floor: floor(rule.floor),
          scopes: floors(rule.scopes),
          resources: floors(rule.resources),
          actions: floors(rule.actions),
        },
      ]),
    ),
    defaultFloor: floor(policy.defaultFloor),
  };
}

/** One place earlier: of two levels beside each other the first is the one that is answered. */
export function withLevelEarlier(policy: AssurancePolicy, id: string): AssurancePolicy {
  const at = policy.levels.findIndex((level) => level.id === id);
  const level = policy.levels[at];
  if (!level || at === 0) return policy;
  return { ...policy, levels: policy.levels.toSpliced(at, 1).toSpliced(at - 1, 0, level) };
}

/**
 * A draft carried over to the version that has come into force since it was begun: what its author changed stays changed,
 * everything else is as it is now. `both`: levels, labels and apps that both changed; there the draft's author wins, and
 * has to be told.
 */
export function rebased(
  base: AssurancePolicy,
  draft: AssurancePolicy,
  current: AssurancePolicy,
): { policy: AssurancePolicy; both: readonly string[] } {
  const both: string[] = [];
  const pick = <T>(name: string, was: T | undefined, mine: T | undefined, now: T | undefined): T | undefined => {
    if (same(was, mine)) return now;
    if (!same(was, now) && !same(mine, now)) both.push(name);
    return mine;
  };
  const list = <T extends { readonly id: string }>(part: (policy: AssurancePolicy) => readonly T[]): T[] => {
    const [was, mine, now] = [part(base), part(draft), part(current)].map(
      (items) => new Map(items?.map((item) => [item.id, item])),
    );
    // The draft's order where it was changed, today's where not; what the other one adds follows.
    const orderOf = (policy: AssurancePolicy) => part(policy).map(({ id }) => id);
    const lead = same(orderOf(base), orderOf(draft)) ? current : draft;
    const ids = new Set([...orderOf(lead), ...orderOf(lead === draft ? current : draft)]);
    return [...ids].flatMap((id) => pick(id, was?.get(id), mine?.get(id), now?.get(id)) ?? []);
  };
  const own = (policy: AssurancePolicy, app: string) =>
    Object.hasOwn(policy.apps, app) ? policy.apps[app] : undefined;
  const apps = [...new Set([...Object.keys(current.apps), ...Object.keys(draft.apps)])].flatMap(
    (app): [string, AppRule][] => {
      const rule = pick(app, own(base, app), own(draft, app), own(current, app));
      return rule === undefined ? [] : [[app, rule]];
    },
  );
  const policy = {
    ...current,
    levels: list<LevelRule>(({ levels }) => levels),
    authenticationLabels: list(({ authenticationLabels }) => authenticationLabels),
    apps: Object.fromEntries(apps),
    defaultFloor:
      pick('defaultFloor', base.defaultFloor, draft.defaultFloor, current.defaultFloor) ?? current.defaultFloor,
  };
  return { policy, both };
}

/** Members in any order, and an absent one like an undefined one: drafts come back from storage. */
function same(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([x], [y]) => (x < y ? -1 : 1)))
        : each,
    ) ?? ''
  );
}
