import type { AssurancePolicy } from '../assurance/policy.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import type { Change } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { rolesOf } from '../storage/staff.ts';
import { actorOf } from './actor.ts';
import { appActor, isAppActor, rolesOfAppActor } from './app-roles.ts';
import { type Proposal, powerToPropose } from './change-payload.ts';
import type { Cause } from './command.ts';
import { isRole, may, type Operation, powersOf, type Role } from './permissions.ts';

/** A proposal that nobody decides is void after a week, so that an old one takes nobody by surprise. */
export const proposalLives = 7 * 24 * 3_600_000;

/** Who does it and in which request. */
export interface By {
  readonly accountId: string;
  readonly cause: Cause;
}

/** A refusal that leaves its line in the audit: the transaction commits the line, then the caller throws. */
export interface Refusal {
  readonly refused:
    | 'forbidden'
    | 'self_approval'
    | 'own_change'
    | 'same_person'
    | 'decider_no_person'
    | 'name_unproved'
    | 'staff_password'
    | 'role_not_for_apps'
    | 'change_decided'
    | 'change_expired'
    | 'change_stale'
    | 'proposer_lost_role'
    | 'draft_conflict'
    | 'merge_unproven'
    | 'merge_barred';
}

const statusOf: Readonly<Record<Refusal['refused'], number>> = {
  forbidden: 403,
  self_approval: 403,
  own_change: 403,
  same_person: 403,
  decider_no_person: 403,
  name_unproved: 409,
  staff_password: 409,
  role_not_for_apps: 403,
  change_decided: 409,
  change_expired: 409,
  change_stale: 409,
  proposer_lost_role: 409,
  draft_conflict: 409,
  merge_unproven: 409,
  merge_barred: 409,
};

/** Detail of a refusal whose line in the audit is written: whoever has it inside a transaction must commit. */
export const notedDetail = 'noted';

/** What the transaction decided: the value, or the refusal thrown now that its audit line is safe. */
export function orThrow<T>(result: { done: T } | Refusal): T {
  if ('refused' in result)
    throw new ShiminError(result.refused, { status: statusOf[result.refused], detail: { [notedDetail]: true } });
  return result.done;
}

/** The roles as they are at this moment, inside the transaction: one taken away midway counts. */
export async function staffRoles(tx: Db, accountId: string): Promise<Role[]> {
  if (isAppActor(accountId)) return rolesOfAppActor(tx, accountId);
  return (await rolesOf(tx, accountId)).filter(isRole);
}

/** Whether its author may still propose it. */
export async function mayPropose(
  tx: Db,
  accountId: string,
  what: Proposal,
  current: AssurancePolicy,
): Promise<boolean> {
  const held = await staffRoles(tx, accountId);
  // What could be proposed by a kill alone needs the power to kill.
  const needed: Operation =
    what.kind === 'source' && what.payload.killed ? 'source.kill' : powerToPropose(what, current);
  return may(held, needed);
}

/** Nobody takes part in a decision on their own roles or accounts, an app in none on itself. */
export const isOwn = (what: Proposal, accountId: string): boolean =>
  (what.kind === 'app' && appActor(what.payload.app) === accountId) ||
  (what.kind === 'role' && what.payload.accountId === accountId) ||
  ((what.kind === 'merge' || what.kind === 'unmerge') &&
    (what.payload.keepId === accountId || what.payload.goneId === accountId));

export function approvalOf(what: Proposal): Operation {
  return powersOf[what.kind].approve;
}

/** Writes the refusal down; the last thing in its transaction. */
export async function refuse(
  tx: Db,
  at: Date,
  by: By,
  about: { change: Pick<Change, 'id' | 'kind'> | null; kind: string; operation: string; roles: readonly Role[] },
  refused: Refusal['refused'],
): Promise<Refusal> {
  await append(tx, {
    at,
    type: 'change.refused',
    actor: actorOf(by.accountId),
    accountId: null,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'refused',
    reason: refused,
    data: { changeId: about.change?.id ?? null, kind: about.kind, operation: about.operation, roles: [...about.roles] },
  });
  return { refused };
}
