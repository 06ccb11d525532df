import { notAccepted } from './accepted.ts';
import { fault, type PolicyFault } from './faults.ts';
import { sourcesFor } from './implies.ts';
import type { AppRule, AssurancePolicy, IdentityWay, LevelRule } from './policy.ts';
import type { Sources } from './policy-faults.ts';
import { canBeApart, listFaults, sourceFaults } from './rule-faults.ts';

/** What is wrong with the apps' demands. */
export function appFaults(policy: AssurancePolicy, sources: Sources): PolicyFault[] {
  const byId = new Map(policy.levels.map((level) => [level.id, level]));
  return [
    ...Object.entries(policy.apps).flatMap(([id, app]) => faultsOf(app, `apps.${id}`, byId, sources)),
    ...(byId.has(policy.defaultFloor) ? [] : [fault('defaultFloor', 'unknown_level', { level: policy.defaultFloor })]),
  ];
}

function faultsOf(app: AppRule, path: string, byId: ReadonlyMap<string, LevelRule>, sources: Sources): PolicyFault[] {
  const { allow, deny } = app.sources;
  const floors = [
    { path: `${path}.floor`, floor: app.floor },
    ...(['scopes', 'resources', 'actions'] as const).flatMap((part) =>
      Object.entries(app[part]).map(([name, { floor }]) => ({ path: `${path}.${part}.${name}.floor`, floor })),
    ),
  ];
  return [
    ...floors.flatMap(({ path: at, floor }) => {
      const level = byId.get(floor);
      if (!level) return [fault(at, 'unknown_level', { level: floor })];
      return level.identity.some((way) => isOpen(way, app, sources))
        ? []
        : [fault(at, 'floor_unmeetable', { level: floor })];
    }),
    ...(app.categories === null ? [] : categoryFaults(app, app.categories, path, byId)),
    ...(allow === null ? [] : sourceFaults(allow, `${path}.sources.allow`, sources.all)),
    ...(deny.length === 0 ? [] : sourceFaults(deny, `${path}.sources.deny`, sources.all)),
    ...deny.flatMap((source, i) =>
      allow?.includes(source) ? [fault(`${path}.sources.deny.${i}`, 'allowed_and_denied', { source })] : [],
    ),
    ...nameFaults(app, path),
  ];
}

/** An app for some categories needs a level that shows the category, or anybody could hide theirs. */
function categoryFaults(
  app: AppRule,
  categories: readonly string[],
  path: string,
  byId: ReadonlyMap<string, LevelRule>,
): PolicyFault[] {
  const silent = byId.get(app.floor)?.identity.some((way) => way.rules.every((rule) => rule.kind === 'contact'));
  return [
    ...listFaults(categories, `${path}.categories`),
    ...(silent ? [fault(`${path}.categories`, 'category_not_established', { level: app.floor })] : []),
  ];
}

/** Whether somebody can go this way with what the app accepts. */
function isOpen(way: IdentityWay, app: AppRule, sources: Sources): boolean {
  const categories = way.categories?.filter((category) => app.categories?.includes(category) ?? true);
  if (categories?.length === 0) return false;
  const anyone = { categories: null, sources: app.sources };
  const possible = way.rules.map((rule) =>
    sourcesFor(rule, sources.extra).filter(
      (source) => notAccepted(anyone, { kind: rule.kind, source, category: null }) === null,
    ),
  );
  return possible.every((list) => list.length > 0) && (!way.independent || canBeApart(possible));
}

/** Scopes are words (RFC 6749 3.3), resources absolute addresses without a fragment (RFC 8707 2). */
function nameFaults(app: AppRule, path: string): PolicyFault[] {
  return [
    ...Object.keys(app.scopes).flatMap((scope) =>
      /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope) ? [] : [fault(`${path}.scopes.${scope}`, 'bad_scope', { scope })],
    ),
    ...Object.keys(app.resources).flatMap((resource) =>
      URL.canParse(resource) && !resource.includes('#')
        ? []
        : [fault(`${path}.resources.${resource}`, 'bad_resource', { resource })],
    ),
  ];
}
