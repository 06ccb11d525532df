import { z } from 'zod';
import { evidenceKinds, strengths } from './evidence.ts';
import { closure } from './level.ts';

const seconds = z.number().int().positive();

/** One piece of evidence a level takes. `maxAge` in seconds since `recordedAt`, null: no limit; `sources` null: any. */
const evidenceRule = z.strictObject({
  kind: z.enum(evidenceKinds),
  minStrength: z.enum(strengths),
  maxAge: seconds.nullable(),
  confirms: z.array(z.string()),
  sources: z.array(z.string()).nullable(),
});

/** One way to authenticate that a level takes. `factors`: how many different kinds; `maxAge` in seconds since each event used. */
const authenticationRule = z.strictObject({
  factors: z.union([z.literal(1), z.literal(2)]),
  userVerified: z.boolean(),
  phishingResistant: z.boolean(),
  deviceBound: z.boolean(),
  maxAge: seconds,
  kinds: z.array(z.enum(['knowledge', 'possession', 'inherence'])).optional(),
});

const axis = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]);

/**
 * A named profile over (IAL, AAL). `id` is the `acr` value. `identity`: any one of the lists, every rule of it.
 * `rideOnSso` false: only events of the present interaction count. `labels`: other names under which it may be asked for
 * and answered, for example eIDAS URIs. `equivalents`: its names in other schemes, for people.
 */
const levelRule = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  ial: axis,
  aal: axis,
  identity: z.array(z.array(evidenceRule)).min(1),
  authentication: z.array(authenticationRule).min(1),
  rideOnSso: z.boolean(),
  dominates: z.array(z.string()),
  labels: z.array(z.string()),
  equivalents: z.record(z.string(), z.string()),
});

/** A label that asks for a property of the authentication only, such as `phr` (OpenID EAP ACR values). */
const authenticationLabel = z.strictObject({
  id: z.string().min(1),
  authentication: z.array(authenticationRule).min(1),
});

const policySchema = z.strictObject({
  version: z.number().int().positive(),
  levels: z.array(levelRule).min(1),
  authenticationLabels: z.array(authenticationLabel),
  apps: z.record(z.string(), z.strictObject({ floor: z.string() })),
  defaultFloor: z.string(),
});

type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type EvidenceRule = DeepReadonly<z.infer<typeof evidenceRule>>;
export type AuthenticationRule = DeepReadonly<z.infer<typeof authenticationRule>>;
export type LevelRule = DeepReadonly<z.infer<typeof levelRule>>;
/** The one versioned document of levels, rules and each app's requirement. */
export type AssurancePolicy = DeepReadonly<z.infer<typeof policySchema>>;

export interface PolicyFault {
  readonly path: string;
  readonly message: string;
}

/** Reads a policy document whole: valid, or every fault with its place. */
export function parsePolicy(
  json: unknown,
): { ok: true; policy: AssurancePolicy } | { ok: false; faults: readonly PolicyFault[] } {
  const parsed = policySchema.safeParse(json);
  if (!parsed.success)
    return {
      ok: false,
      faults: parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
    };
  const faults = [...orderFaults(parsed.data), ...labelFaults(parsed.data), ...floorFaults(parsed.data)];
  return faults.length > 0 ? { ok: false, faults } : { ok: true, policy: parsed.data };
}

/** The order must be one: no cycles, nothing unknown, and nobody answered with more than was proved. */
function orderFaults(policy: AssurancePolicy): PolicyFault[] {
  const byId = new Map(policy.levels.map((level) => [level.id, level]));
  const reach = closure(policy.levels);
  return policy.levels.flatMap((level, i) => {
    const path = `levels.${i}.dominates`;
    return level.dominates.flatMap((id): PolicyFault[] => {
      const lower = byId.get(id);
      if (!lower) return [{ path, message: `unknown level ${id}` }];
      if (reach.get(id)?.has(level.id)) return [{ path, message: `${level.id} and ${id} dominate each other` }];
      if (lower.ial > level.ial || lower.aal > level.aal)
        return [{ path, message: `${id} is higher than ${level.id} on one axis` }];
      return [];
    });
  });
}

function labelFaults(policy: AssurancePolicy): PolicyFault[] {
  const seen = new Set<string>();
  const labels = [
    ...policy.levels.flatMap((level, i) =>
      [level.id, ...level.labels].map((label) => ({ label, path: `levels.${i}` })),
    ),
    ...policy.authenticationLabels.map((item, i) => ({ label: item.id, path: `authenticationLabels.${i}` })),
  ];
  return labels.flatMap(({ label, path }) => {
    const twice = seen.has(label);
    seen.add(label);
    return twice ? [{ path, message: `${label} is used twice` }] : [];
  });
}

function floorFaults(policy: AssurancePolicy): PolicyFault[] {
  const ids = new Set(policy.levels.map((level) => level.id));
  const floors = [
    ...Object.entries(policy.apps).map(([app, { floor }]) => ({ path: `apps.${app}.floor`, floor })),
    { path: 'defaultFloor', floor: policy.defaultFloor },
  ];
  return floors
    .filter(({ floor }) => !ids.has(floor))
    .map(({ path, floor }) => ({ path, message: `unknown level ${floor}` }));
}
