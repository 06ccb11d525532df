import { z } from 'zod';
import { upstreams } from '../assurance/catalogue.ts';
import { type AppRule, type AssurancePolicy, appRuleOf } from '../assurance/policy.ts';
import { categories } from '../identity/person.ts';
import { builtInSources, sourceSwitches } from '../storage/sources.ts';
import type { AdminDeps } from './deps.ts';

/** What an app demands, as fields of a form; rows without a name are not there. */
export interface RequirementForm {
  readonly floor: string;
  readonly categories: readonly string[];
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly scopes: readonly Row[];
  readonly resources: readonly Row[];
  readonly actions: readonly Row[];
}

interface Row {
  readonly name: string;
  readonly floor: string;
}

export const floorKinds = ['scopes', 'resources', 'actions'] as const;

/** What the policy says of the app: its own rule, or the one for apps without. */
export const requirementOf = (policy: AssurancePolicy, id: string): AppRule =>
  policy.apps[id] ?? appRuleOf(policy.defaultFloor);

export function requirementForm(rule: AppRule): RequirementForm {
  const rows = (floors: AppRule['scopes']) => Object.entries(floors).map(([name, { floor }]) => ({ name, floor }));
  return {
    floor: rule.floor,
    categories: rule.categories ?? [],
    allow: rule.sources.allow ?? [],
    deny: rule.sources.deny,
    scopes: rows(rule.scopes),
    resources: rows(rule.resources),
    actions: rows(rule.actions),
  };
}

/** A field that a form repeats comes as a list, once as a text, never as nothing. */
const many = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((value) => (value === undefined ? [] : [value].flat()))
  .pipe(z.array(z.string().trim().max(2000)).max(60));

const body = z.object({
  floor: z.string().trim().max(255).default(''),
  categories: many,
  allow: many,
  deny: many,
  scopes_name: many,
  scopes_floor: many,
  resources_name: many,
  resources_floor: many,
  actions_name: many,
  actions_floor: many,
});

/** The posted form; null when it isn't this form at all. */
export function readRequirement(posted: unknown): RequirementForm | null {
  const parsed = body.safeParse(posted ?? {});
  if (!parsed.success) return null;
  const { data } = parsed;
  const rows = (names: readonly string[], floors: readonly string[]) =>
    names.map((name, index) => ({ name, floor: floors[index] ?? '' })).filter(({ name }) => name !== '');
  return {
    floor: data.floor,
    categories: data.categories,
    allow: data.allow,
    deny: data.deny,
    scopes: rows(data.scopes_name, data.scopes_floor),
    resources: rows(data.resources_name, data.resources_floor),
    actions: rows(data.actions_name, data.actions_floor),
  };
}

/** As the policy writes it; checked with the whole document. Names that a form gives twice: see `repeated`. */
export function ruleOf(form: RequirementForm): unknown {
  const floors = (rows: readonly Row[]) => Object.fromEntries(rows.map(({ name, floor }) => [name, { floor }]));
  return {
    floor: form.floor,
    categories: form.categories.length === 0 ? null : form.categories,
    sources: { allow: form.allow.length === 0 ? null : form.allow, deny: form.deny },
    scopes: floors(form.scopes),
    resources: floors(form.resources),
    actions: floors(form.actions),
  };
}

/** Rows that say something of what an earlier row spoke of: the document can hold only one of them. */
export function repeated(form: RequirementForm): { kind: (typeof floorKinds)[number]; name: string }[] {
  return floorKinds.flatMap((kind) => {
    const names = form[kind].map(({ name }) => name);
    return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => ({ kind, name }));
  });
}

/** What there is to choose from. */
export async function requirementChoices(
  deps: AdminDeps,
  policy: AssurancePolicy,
  levelName: (id: string) => string,
): Promise<object> {
  const switches = (await sourceSwitches(deps.db)).map(({ id }) => id);
  return {
    // The level of our own staff stands beside the citizens' order and is no app's business.
    levels: policy.levels
      .filter(({ name }) => name !== 'staff')
      .map(({ id, ial, aal }) => ({ id, name: levelName(id), ial, aal })),
    categories,
    sources: [...new Set<string>([...builtInSources, ...switches])],
    upstreams: upstreams.filter((id) => !switches.includes(id)),
  };
}
