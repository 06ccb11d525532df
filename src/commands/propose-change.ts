import type { AssurancePolicy } from '../assurance/policy.ts';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { type Change, insertChange, lockChange, updateChange } from '../storage/changes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { currentPolicy, policyByVersion } from '../storage/policies.ts';
import { actorOf } from './actor.ts';
import { askHolders } from './answer-merge.ts';
import { mayHold } from './app-roles.ts';
import { type Proposal, powerToPropose, proposalOf, shapedPolicy, validPolicy } from './change-payload.ts';
import {
  approvalOf,
  type By,
  isOwn,
  mayPropose,
  orThrow,
  proposalLives,
  type Refusal,
  refuse,
  staffRoles,
} from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { isBarred, isFinal } from './merge-rules.ts';
import { may } from './permissions.ts';
import { sameProposal } from './same-proposal.ts';
import { rolePastPassword } from './staff-password.ts';

type Result = { done: Change } | Refusal;

/** A change without fields that decisions fill in. */
function newChange(by: By, at: Date, what: Proposal, basedOn: number | null): Change {
  return {
    id: newId(),
    kind: what.kind,
    payload: what.payload,
    reason: '',
    status: 'draft',
    createdBy: by.accountId,
    createdAt: at,
    proposedBy: null,
    proposedAt: null,
    basedOn,
    decidedBy: null,
    decidedAt: null,
    decisionReason: null,
    publishAt: null,
    expiresAt: null,
    publishedAt: null,
    publishedVersion: null,
    subject: what.kind === 'app' ? what.payload.app : null,
    refusal: null,
    revision: 1,
  };
}

/**
 * Saves a draft of the policy: a new one on the version in force, or on from the revision that its editor saw. Of two who
 * edit one draft the second is refused (`draft_conflict`), and what the first wrote stays. `unfinished`: work in progress,
 * of which only the shape must be right; it can't be proposed before it is. `basedOn`: the version the document was
 * written against; left out, that in force.
 * @throws ShiminError `policy_invalid` naming every fault; `draft_conflict`; `change_stale` when the policy moved on
 */
export async function saveDraft(
  deps: CommandDeps,
  input: {
    by: By;
    draft: { id: string; revision: number } | null;
    document: AssurancePolicy;
    unfinished?: boolean;
    basedOn?: number | null;
  },
): Promise<Change> {
  const at = deps.clock();
  const { by } = input;
  const result = await transaction(deps.db, async (tx): Promise<Result> => {
    const current = await currentPolicy(tx);
    const numbered = { ...input.document, version: current.version + 1 };
    const document = input.unfinished === true ? shapedPolicy(numbered) : validPolicy(numbered);
    const what: Proposal = { kind: 'policy', payload: { document } };
    const known = input.draft === null ? null : await lockChange(tx, input.draft.id);
    const about = { change: known, kind: 'policy', operation: 'draft', roles: await staffRoles(tx, by.accountId) };
    if (input.draft !== null && known?.kind !== 'policy') throw new ShiminError('not_found', { status: 404 });
    if (!(await mayPropose(tx, by.accountId, what, current.document))) return refuse(tx, at, by, about, 'forbidden');
    // What was published meanwhile would be undone by a document that was written before it.
    if (input.basedOn !== undefined && input.basedOn !== current.version)
      return refuse(tx, at, by, about, 'change_stale');
    let saved: Change;
    if (input.draft === null || known === null) {
      saved = newChange(by, at, what, current.version);
      await insertChange(tx, saved);
    } else {
      if (known.status !== 'draft') return refuse(tx, at, by, about, 'change_decided');
      const { id, revision } = input.draft;
      const written =
        known.revision === revision &&
        (await updateChange(tx, id, revision, { payload: what.payload, basedOn: current.version }));
      if (!written) return refuse(tx, at, by, about, 'draft_conflict');
      saved = { ...known, payload: what.payload, basedOn: current.version, revision: revision + 1 };
    }
    await noteChange(tx, at, by, saved, 'change.drafted', {
      basedOn: saved.basedOn,
      revision: saved.revision,
      fields: differingParts(current.document, document),
    });
    return { done: saved };
  });
  return orThrow(result);
}

/** Where two documents differ, for the audit: members of the policy, and the apps by name. */
function differingParts(old: AssurancePolicy, next: AssurancePolicy): string[] {
  const text = (value: unknown) => JSON.stringify(value);
  const parts = (['levels', 'authenticationLabels', 'defaultFloor'] as const).filter(
    (part) => text(old[part]) !== text(next[part]),
  );
  const apps = new Set([...Object.keys(old.apps), ...Object.keys(next.apps)]);
  return [
    ...parts,
    ...[...apps].filter((app) => text(old.apps[app]) !== text(next.apps[app])).map((app) => `apps.${app}`),
  ];
}

/** Puts a draft before a second person; one that says what waits already gives way to it. */
export async function proposeDraft(
  deps: CommandDeps,
  input: { by: By; id: string; revision: number; reason: string; publishAt: Date | null },
): Promise<Change> {
  const at = deps.clock();
  const { by, id } = input;
  const result = await transaction(deps.db, async (tx): Promise<Result> => {
    const draft = await lockChange(tx, id);
    if (draft === null) throw new ShiminError('not_found', { status: 404 });
    const current = await currentPolicy(tx);
    const what = proposalOf(draft);
    const about = { change: draft, kind: draft.kind, operation: 'propose', roles: await staffRoles(tx, by.accountId) };
    if (!(await mayPropose(tx, by.accountId, what, current.document))) return refuse(tx, at, by, about, 'forbidden');
    if (draft.status !== 'draft') return refuse(tx, at, by, about, 'change_decided');
    if (draft.revision !== input.revision) return refuse(tx, at, by, about, 'draft_conflict');
    if (draft.basedOn !== null && draft.basedOn !== current.version) return refuse(tx, at, by, about, 'change_stale');
    if (what.kind === 'policy') validPolicy(what.payload.document);
    const same = await sameProposal(tx, { what, publishAt: input.publishAt, at });
    if (same !== null) {
      await updateChange(tx, id, input.revision, { status: 'withdrawn' });
      await noteChange(tx, at, by, draft, 'change.withdrawn', {});
      return { done: same };
    }
    const update = {
      status: 'proposed' as const,
      reason: input.reason,
      proposedBy: by.accountId,
      proposedAt: at,
      publishAt: input.publishAt,
      expiresAt: new Date(at.getTime() + proposalLives),
    };
    if (!(await updateChange(tx, id, input.revision, update))) return refuse(tx, at, by, about, 'draft_conflict');
    const proposed = { ...draft, ...update, revision: draft.revision + 1 };
    await noteProposal(tx, at, by, proposed);
    return { done: proposed };
  });
  return orThrow(result);
}

/**
 * Proposes what needs no draft: a role, new signing keys, a source's switch, an app, the way back to an earlier policy. What
 * waits already is not proposed a second time, whoever asks: there is one decision to be made.
 */
export async function proposeChange(
  deps: CommandDeps,
  input: { by: By; what: Exclude<Proposal, { kind: 'policy' }>; reason: string; publishAt?: Date | null },
): Promise<Change> {
  const at = deps.clock();
  const { by, what } = input;
  const result = await transaction(deps.db, async (tx): Promise<Result> => {
    const about = { change: null, kind: what.kind, operation: 'propose', roles: await staffRoles(tx, by.accountId) };
    const current = await currentPolicy(tx);
    const killed = what.kind === 'source' && what.payload.killed;
    const mine = isOwn(what, by.accountId);
    const unheard = what.kind === 'role' && !mayHold(what.payload.accountId, what.payload.role);
    if (killed || !may(about.roles, powerToPropose(what, current.document)))
      return refuse(tx, at, by, about, 'forbidden');
    if (mine) return refuse(tx, at, by, about, 'own_change');
    if (unheard) return refuse(tx, at, by, about, 'role_not_for_apps');
    const publishAt = input.publishAt ?? null;
    const same = await sameProposal(tx, { what, publishAt, at });
    if (same !== null) {
      if (what.kind === 'merge') await askHolders(tx, deps, { change: same, pair: what.payload, by, at });
      return { done: same };
    }
    if (await rolePastPassword(tx, what)) return refuse(tx, at, by, about, 'staff_password');
    const why = await mergeRefusal(tx, deps, what, at);
    if (why !== null) return refuse(tx, at, by, about, why);
    if (what.kind === 'rollback') {
      const old = await policyByVersion(tx, what.payload.toVersion);
      if (old === null || old.version >= current.version) throw new ShiminError('not_found', { status: 404 });
    }
    const change: Change = {
      ...newChange(by, at, what, what.kind === 'rollback' ? current.version : null),
      status: 'proposed',
      reason: input.reason,
      proposedBy: by.accountId,
      proposedAt: at,
      publishAt,
      expiresAt: new Date(at.getTime() + proposalLives),
    };
    await insertChange(tx, change);
    if (what.kind === 'merge') await askHolders(tx, deps, { change, pair: what.payload, by, at });
    await noteProposal(tx, at, by, change);
    return { done: change };
  });
  return orThrow(result);
}

async function mergeRefusal(tx: Db, deps: CommandDeps, what: Proposal, at: Date): Promise<'merge_barred' | null> {
  if (what.kind === 'unmerge') {
    const { mergeId, ...pair } = what.payload;
    return (await isFinal(tx, mergeId, pair, at)) ? 'merge_barred' : null;
  }
  if (what.kind !== 'merge') return null;
  return (await isBarred(tx, deps, what.payload, at)) ? 'merge_barred' : null;
}

/** A kill's other half: written with the switch, in the caller's transaction; it waits until somebody looks. */
export async function proposeConfirmation(tx: Db, at: Date, by: By, source: string, reason: string): Promise<Change> {
  const what: Proposal = { kind: 'source', payload: { source, enabled: false, killed: true } };
  const change: Change = {
    ...newChange(by, at, what, null),
    status: 'proposed',
    reason,
    proposedBy: by.accountId,
    proposedAt: at,
  };
  await insertChange(tx, change);
  return change;
}

/**
 * Takes back a draft, a proposal or a scheduled change: its author, or whoever could have approved it. A kill can't be
 * taken back: a second person looks at it.
 */
export async function withdrawChange(
  deps: CommandDeps,
  input: { by: By; id: string; revision: number },
): Promise<Change> {
  const at = deps.clock();
  const { by, id, revision } = input;
  const result = await transaction(deps.db, async (tx): Promise<Result> => {
    const change = await lockChange(tx, id);
    if (change === null) throw new ShiminError('not_found', { status: 404 });
    const what = proposalOf(change);
    const about = { change, kind: change.kind, operation: 'withdraw', roles: await staffRoles(tx, by.accountId) };
    const author = change.createdBy === by.accountId || change.proposedBy === by.accountId;
    const allowed = may(about.roles, 'change.withdraw') && (author || may(about.roles, approvalOf(what)));
    if (!allowed || (what.kind === 'source' && what.payload.killed)) return refuse(tx, at, by, about, 'forbidden');
    const open = change.status === 'draft' || change.status === 'proposed' || change.status === 'scheduled';
    if (!open || !(await updateChange(tx, id, revision, { status: 'withdrawn' })))
      return refuse(tx, at, by, about, 'change_decided');
    await noteChange(tx, at, by, change, 'change.withdrawn', {});
    return { done: { ...change, status: 'withdrawn', revision: revision + 1 } };
  });
  return orThrow(result);
}

async function noteProposal(tx: Db, at: Date, by: By, change: Change): Promise<void> {
  const roles = await staffRoles(tx, by.accountId);
  await noteChange(tx, at, by, change, 'change.proposed', { basedOn: change.basedOn, roles });
}

async function noteChange(
  tx: Db,
  at: Date,
  by: By,
  change: Change,
  type: 'change.drafted' | 'change.proposed' | 'change.withdrawn',
  data: Parameters<typeof append>[1]['data'],
): Promise<void> {
  await append(tx, {
    at,
    type,
    actor: actorOf(by.accountId),
    accountId: null,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: null,
    data: { changeId: change.id, kind: change.kind, ...data },
  });
}
