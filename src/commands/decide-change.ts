import { changeData } from '../audit/fields.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { type Change, type ChangeUpdate, lockChange, updateChange } from '../storage/changes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { setSource } from '../storage/sources.ts';
import { actorOf } from './actor.ts';
import { isAppActor } from './app-roles.ts';
import { applyChange } from './apply-change.ts';
import { type Proposal, proposalOf } from './change-payload.ts';
import { approvalOf, type By, isOwn, mayPropose, orThrow, type Refusal, refuse, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { bothSaidYes } from './merge-rules.ts';
import { may } from './permissions.ts';
import { hasProvedName } from './proved-name.ts';
import { notSecond } from './second-person.ts';
import { rolePastPassword } from './staff-password.ts';

export interface Decision {
  readonly by: By;
  readonly id: string;
  /** The revision that the page showed: what was changed meanwhile was not looked at. */
  readonly revision: number;
  readonly decision: 'approve' | 'reject';
  readonly reason: string;
}

/**
 * The second pair of eyes (`second-person.ts`): publishes a change, schedules it or turns it down. The roles of both are
 * read again at this moment. Each refusal is a line in the audit.
 * @throws ShiminError `self_approval`, `same_person`, `decider_no_person`, `own_change`, `name_unproved`, `forbidden`, `change_decided`, `change_expired`, `change_stale`, `proposer_lost_role`, `merge_unproven`
 */
export async function decideChange(deps: CommandDeps, input: Decision): Promise<Change> {
  const at = deps.clock();
  const result = await transaction(deps.db, (tx) => decide(tx, deps, input, at)).catch(async (error: unknown) => {
    if (!(error instanceof ShiminError) || error.code !== 'change_stale') throw error;
    // Found stale half way: nothing of it was written, the line about it is.
    return transaction(deps.db, async (tx) => {
      const change = await lockChange(tx, input.id);
      const roles = await staffRoles(tx, input.by.accountId);
      const about = { change, kind: change?.kind ?? 'policy', operation: input.decision, roles };
      return refuse(tx, at, input.by, about, 'change_stale');
    });
  });
  return orThrow(result);
}

async function decide(tx: Db, deps: CommandDeps, input: Decision, at: Date): Promise<{ done: Change } | Refusal> {
  const change = await lockChange(tx, input.id);
  if (change === null) throw new ShiminError('not_found', { status: 404 });
  const what = proposalOf(change);
  const roles = await staffRoles(tx, input.by.accountId);
  const about = { change, kind: change.kind, operation: input.decision, roles };
  const reason = await refusalOf(tx, deps, change, what, input, at, may(roles, approvalOf(what)));
  if (reason === null) return { done: await carryOut(tx, deps, change, what, input, at, roles) };
  if (reason === 'change_expired') await updateChange(tx, change.id, change.revision, { status: 'expired' });
  return refuse(tx, at, input.by, about, reason);
}

async function refusalOf(
  tx: Db,
  deps: CommandDeps,
  change: Change,
  what: Proposal,
  input: Decision,
  at: Date,
  mayDecide: boolean,
): Promise<Refusal['refused'] | null> {
  const { by } = input;
  const same = await notSecond(tx, deps, change, by.accountId);
  if (same === 'decider_no_person') return same;
  if (!mayDecide) return 'forbidden';
  if (same !== null) return same;
  if (isOwn(what, by.accountId)) return 'own_change';
  if (change.status !== 'proposed' || change.revision !== input.revision) return 'change_decided';
  if (change.expiresAt !== null && change.expiresAt <= at) return 'change_expired';
  if (input.decision === 'reject') return null;
  const current = await currentPolicy(tx);
  if (change.basedOn !== null && change.basedOn !== current.version) return 'change_stale';
  // A kill is confirmed whoever made it: it was within their power when they did it, and the source is off.
  const killed = what.kind === 'source' && what.payload.killed;
  if (!killed && !(await mayPropose(tx, change.proposedBy ?? '', what, current.document))) return 'proposer_lost_role';
  if (await lacksName(tx, deps, what, at)) return 'name_unproved';
  if (await rolePastPassword(tx, what)) return 'staff_password';
  // The officials' word that both are one person's is not enough.
  if (what.kind === 'merge' && !(await bothSaidYes(tx, change.id, what.payload))) return 'merge_unproven';
  return null;
}

/** A role of staff is for somebody who has proved their name: looked at when it becomes theirs, so it may be proposed before. */
const lacksName = async (tx: Db, deps: CommandDeps, what: Proposal, at: Date): Promise<boolean> =>
  what.kind === 'role' &&
  what.payload.change === 'assign' &&
  !isAppActor(what.payload.accountId) &&
  !(await hasProvedName(tx, deps, what.payload.accountId, at));

async function carryOut(
  tx: Db,
  deps: CommandDeps,
  change: Change,
  what: Proposal,
  input: Decision,
  at: Date,
  roles: readonly string[],
): Promise<Change> {
  const { by } = input;
  const decided = { decidedBy: by.accountId, decidedAt: at, decisionReason: input.reason };
  const later = change.publishAt !== null && change.publishAt > at;
  let update: ChangeUpdate;
  if (input.decision === 'reject') {
    update = { ...decided, status: 'rejected' };
    if (what.kind === 'source' && what.payload.killed) await switchOnAgain(tx, change, what.payload.source, by, at);
  } else if (later) {
    update = { ...decided, status: 'scheduled' };
  } else {
    const version = await applyChange(tx, deps, change, { approver: by.accountId, at, requestId: by.cause.requestId });
    update = { ...decided, status: 'published', publishedAt: at, publishedVersion: version };
  }
  if (!(await updateChange(tx, change.id, change.revision, update)))
    throw new ShiminError('change_decided', { status: 409 });
  await append(tx, {
    at,
    type: 'change.decided',
    actor: actorOf(by.accountId),
    accountId: null,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: null,
    data: {
      changeId: change.id,
      kind: change.kind,
      decision: input.decision,
      roles: [...roles],
      publishAt: later ? (change.publishAt?.toISOString() ?? null) : null,
    },
  });
  return { ...change, ...update, revision: change.revision + 1 };
}

/** The second person says that the kill was wrong. */
async function switchOnAgain(tx: Db, change: Change, source: string, by: By, at: Date): Promise<void> {
  const { accountId: changedBy } = by;
  await setSource(tx, {
    id: source,
    enabled: true,
    changedAt: at,
    changedBy,
    reason: change.reason,
    needsSecond: null,
  });
  await append(tx, {
    at,
    type: 'source.switched',
    actor: actorOf(changedBy),
    accountId: null,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: 'kill_rejected',
    data: {
      ...{ source, from: false, to: true, changeId: change.id },
      ...changeData({ enabled: false }, { enabled: true }),
    },
  });
}
