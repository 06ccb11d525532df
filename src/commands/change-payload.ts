import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { bridgeCap } from '../assurance/bridge-worth.ts';
import { shapeFault } from '../assurance/faults.ts';
import { type AssurancePolicy, parsePolicy, policyDocument } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { bridgeUses } from '../storage/bridges.ts';
import { appPayload, toldOfApp } from './app-proposal.ts';
import { staffId } from './app-roles.ts';
import { type ChangeKind, changeKinds, type Operation, powersOf, roles } from './permissions.ts';

const accountId = z.string().min(1).max(36);
const pair = { keepId: accountId, goneId: accountId };

const payloads = {
  /** The whole next document; its number is given when it is published. */
  policy: z.strictObject({ document: z.custom<AssurancePolicy>((value) => typeof value === 'object') }),
  rollback: z.strictObject({ toVersion: z.number().int().positive() }),
  role: z.strictObject({ accountId: staffId, role: z.enum(roles), change: z.enum(['assign', 'revoke']) }),
  keys: z.strictObject({}),
  /** `killed`: off since it was proposed; the second person confirms it, or switches it on again by rejecting. */
  source: z.strictObject({ source: z.string().min(1).max(64), enabled: z.boolean(), killed: z.boolean() }),
  /** Settings are sealed already: whoever reads changes reads no secret. `from`: the version it was filled in on. */
  bridge: z.strictObject({
    bridge: z.string().min(1).max(64),
    use: z.enum(bridgeUses),
    cap: bridgeCap.nullable(),
    sealedSettings: z.string(),
    fields: z.array(z.string()),
    /** Settings that are no secrets: what they were and are may be told. */
    plain: z.array(z.string()).optional(),
    from: z.number().int().positive().nullable(),
  }),
  app: appPayload,
  merge: z.strictObject(pair),
  unmerge: z.strictObject({ ...pair, mergeId: z.string().min(1).max(36) }),
} as const satisfies Record<ChangeKind, z.ZodType>;

/** What a change would do, by its kind. */
export type Proposal = {
  readonly [K in ChangeKind]: { readonly kind: K; readonly payload: z.infer<(typeof payloads)[K]> };
}[ChangeKind];

const proposal = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('policy'), payload: payloads.policy }),
  z.object({ kind: z.literal('rollback'), payload: payloads.rollback }),
  z.object({ kind: z.literal('role'), payload: payloads.role }),
  z.object({ kind: z.literal('keys'), payload: payloads.keys }),
  z.object({ kind: z.literal('source'), payload: payloads.source }),
  z.object({ kind: z.literal('bridge'), payload: payloads.bridge }),
  z.object({ kind: z.literal('app'), payload: payloads.app }),
  z.object({ kind: z.literal('merge'), payload: payloads.merge }),
  z.object({ kind: z.literal('unmerge'), payload: payloads.unmerge }),
]);

export const isChangeKind = (value: string): value is ChangeKind => changeKinds.some((kind) => kind === value);

/** A stored change's kind and payload, parsed. */
export function proposalOf(change: { kind: string; payload: unknown }): Proposal {
  return proposal.parse({ kind: change.kind, payload: change.payload });
}

/** A change's payload for whoever may read changes: without what is secret in it. */
export function toldPayload(change: { kind: string; payload: unknown }): Record<string, unknown> {
  const what = proposalOf(change);
  return what.kind === 'app' ? toldOfApp(what.payload) : { ...what.payload };
}

/**
 * What it takes to propose this. Whoever looks after apps may raise or lower what an app requires, and touch nothing else
 * of the policy: the rest of the document must be what is in force.
 */
export function powerToPropose(what: Proposal, current: AssurancePolicy): Operation {
  if (what.kind !== 'policy') return powersOf[what.kind].propose;
  const { document } = what.payload;
  const rest = (policy: AssurancePolicy) => ({ ...policy, apps: null, version: 0 });
  return isDeepStrictEqual(rest(plain(document)), rest(plain(current))) ? 'requirement.propose' : 'policy.propose';
}

/** As it comes back from storage, so that an absent and an undefined member are one. */
const plain = (policy: AssurancePolicy): AssurancePolicy => JSON.parse(JSON.stringify(policy));

/**
 * A document that may stand, or `policy_invalid` naming every fault and its place.
 * @throws ShiminError `policy_invalid`
 */
export function validPolicy(document: unknown): AssurancePolicy {
  const parsed = parsePolicy(document);
  if (parsed.ok) return parsed.policy;
  throw new ShiminError('policy_invalid', { status: 422, detail: { faults: parsed.faults } });
}

/**
 * A document that is a policy by its shape: a draft that its author is not done with.
 * @throws ShiminError `policy_invalid` where not even that holds
 */
export function shapedPolicy(document: unknown): AssurancePolicy {
  const parsed = policyDocument.safeParse(document);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => shapeFault(issue.path.join('.'), issue.message));
  throw new ShiminError('policy_invalid', { status: 422, detail: { faults } });
}
