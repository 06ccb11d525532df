import { z } from 'zod';
import { categories } from '../identity/person.ts';
import { places } from './catalogue.ts';
import { evidenceKinds, factorKinds, strengths } from './evidence.ts';
import { type PolicyFault, shapeFault } from './faults.ts';
import { type Known, policyFaults } from './policy-faults.ts';

const seconds = z.number().int().positive();

/**
 * One piece of evidence a level takes. `maxAge` in seconds since `recordedAt`, null: no limit; `sources` null: any;
 * `place` null: at a counter or from afar.
 */
const evidenceRule = z.strictObject({
  kind: z.enum(evidenceKinds),
  minStrength: z.enum(strengths),
  maxAge: seconds.nullable(),
  confirms: z.array(z.string()),
  sources: z.array(z.string()).nullable(),
  place: z.enum(places).nullable().default(null),
});

/**
 * One way to show who one is: every rule of it. `categories`: only for people of one of them, and all its evidence about
 * the same one (a confirmed contact is of none); null: for everybody. `independent`: each rule met by another source.
 */
const identityWay = z.strictObject({
  categories: z.array(z.enum(categories)).nullable().default(null),
  independent: z.boolean().default(false),
  rules: z.array(evidenceRule),
});

/** One way to authenticate that a level takes. `factors`: how many different kinds; `maxAge` in seconds since each event used. */
const authenticationRule = z.strictObject({
  factors: z.union([z.literal(1), z.literal(2)]),
  userVerified: z.boolean(),
  phishingResistant: z.boolean(),
  deviceBound: z.boolean(),
  maxAge: seconds,
  kinds: z.array(z.enum(factorKinds)).optional(),
});

const axis = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]);

/**
 * A named profile over (IAL, AAL). `id` is the `acr` value. `identity`: any one of the ways. `rideOnSso` false: only
 * events of the present interaction count. `labels`: other names under which it may be asked for and answered, for
 * example eIDAS URIs. `equivalents`: its names in other schemes (see mapping.ts).
 */
const levelRule = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  ial: axis,
  aal: axis,
  // Documents of the first shape have the bare list of rules.
  identity: z.array(z.preprocess((way) => (Array.isArray(way) ? { rules: way } : way), identityWay)).min(1),
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

const floors = z.record(z.string(), z.strictObject({ floor: z.string() })).default({});

/** What an app demands of everybody, and more of those who ask for certain scopes, resources (RFC 8707) or actions. */
const appRule = z.strictObject({
  floor: z.string(),
  categories: z.array(z.enum(categories)).nullable().default(null),
  sources: z
    .strictObject({ allow: z.array(z.string()).nullable().default(null), deny: z.array(z.string()).default([]) })
    .prefault({}),
  scopes: floors,
  resources: floors,
  actions: floors,
});

const policySchema = z.strictObject({
  version: z.number().int().positive(),
  levels: z.array(levelRule),
  authenticationLabels: z.array(authenticationLabel),
  apps: z.record(z.string(), appRule),
  defaultFloor: z.string(),
});

/** The shape of a policy, for descriptions of it; `parsePolicy` judges one. */
export const policyDocument = policySchema;

type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

export type EvidenceRule = DeepReadonly<z.infer<typeof evidenceRule>>;
export type IdentityWay = DeepReadonly<z.infer<typeof identityWay>>;
export type AuthenticationRule = DeepReadonly<z.infer<typeof authenticationRule>>;
export type LevelRule = DeepReadonly<z.infer<typeof levelRule>>;
export type AppRule = DeepReadonly<z.infer<typeof appRule>>;
/** The one versioned document of levels, rules and each app's requirement. */
export type AssurancePolicy = DeepReadonly<z.infer<typeof policySchema>>;

/**
 * Reads a policy document whole: valid, or every fault with its place. Documents of the first shape (identity ways as
 * bare lists, apps with a floor only) come back in today's. `known.sources`: ids of sources besides the catalogue's.
 */
export function parsePolicy(
  json: unknown,
  known: Known = {},
): { ok: true; policy: AssurancePolicy } | { ok: false; faults: readonly PolicyFault[] } {
  const parsed = policySchema.safeParse(json);
  if (!parsed.success)
    return { ok: false, faults: parsed.error.issues.map((issue) => shapeFault(issue.path.join('.'), issue.message)) };
  const faults = policyFaults(parsed.data, known);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, policy: parsed.data };
}

/**
 * A published document in today's shape. It was checked when it was published, by the rules of that day, and stays in
 * force even if today's are stricter: its shape is what is read here.
 * @throws ZodError when it is no policy at all
 */
export function publishedPolicy(json: unknown): AssurancePolicy {
  return policySchema.parse(json);
}

/** What an app demands that says nothing but its floor. */
export const appRuleOf = (floor: string): AppRule => appRule.parse({ floor });
