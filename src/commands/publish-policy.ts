import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { type Change, dueChanges, lockChange, overdueProposals, updateChange } from '../storage/changes.ts';
import { type Db, transaction } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { applyChange } from './apply-change.ts';
import { proposalOf } from './change-payload.ts';
import { approvalOf, mayPropose, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { may } from './permissions.ts';

export interface Published {
  readonly published: number;
  /** Approved, but what it rested on is no more: it is void and said so in the audit. */
  readonly refused: number;
  readonly expired: number;
}

/**
 * Publishes what was scheduled and is due, and ends proposals that were left too long. Safe on every node at once: each
 * change is locked and looked at again. Whoever proposed or approved it must still have the power to.
 */
export async function publishDue(deps: CommandDeps): Promise<Published> {
  const at = deps.clock();
  let [published, refused, expired] = [0, 0, 0];
  for (const id of await dueChanges(deps.db, at)) {
    const outcome = await publishOne(deps, id, at);
    if (outcome === 'published') published += 1;
    if (outcome === 'refused') refused += 1;
  }
  for (const id of await overdueProposals(deps.db, at)) if (await expire(deps, id, at)) expired += 1;
  return { published, refused, expired };
}

async function publishOne(deps: CommandDeps, id: string, at: Date): Promise<'published' | 'refused' | 'gone'> {
  try {
    return await transaction(deps.db, async (tx) => {
      const change = await due(tx, id, at);
      if (change === null) return 'gone';
      const reason = await lostGround(tx, change);
      if (reason !== null) return voidIt(tx, change, at, reason);
      const approver = change.decidedBy ?? '';
      const version = await applyChange(tx, deps, change, { approver, at, requestId: null });
      await updateChange(tx, id, change.revision, { status: 'published', publishedAt: at, publishedVersion: version });
      const { kind } = change;
      await note(tx, at, {
        type: 'change.published',
        outcome: 'ok',
        reason: null,
        data: { changeId: id, kind, version },
      });
      return 'published';
    });
  } catch (error) {
    if (!(error instanceof ShiminError) || error.code !== 'change_stale') throw error;
    return transaction(deps.db, async (tx) => {
      const change = await due(tx, id, at);
      return change === null ? 'gone' : voidIt(tx, change, at, 'change_stale');
    });
  }
}

async function due(tx: Db, id: string, at: Date): Promise<Change | null> {
  const change = await lockChange(tx, id);
  const ready = change?.status === 'scheduled' && change.publishAt !== null && change.publishAt <= at;
  return ready ? change : null;
}

async function lostGround(tx: Db, change: Change): Promise<'change_stale' | 'proposer_lost_role' | 'forbidden' | null> {
  const what = proposalOf(change);
  const current = await currentPolicy(tx);
  if (change.basedOn !== null && change.basedOn !== current.version) return 'change_stale';
  if (!(await mayPropose(tx, change.proposedBy ?? '', what, current.document))) return 'proposer_lost_role';
  return may(await staffRoles(tx, change.decidedBy ?? ''), approvalOf(what)) ? null : 'forbidden';
}

async function voidIt(tx: Db, change: Change, at: Date, reason: string): Promise<'refused'> {
  await updateChange(tx, change.id, change.revision, { status: 'refused', refusal: reason });
  const data = { changeId: change.id, kind: change.kind, operation: 'publish', roles: [] };
  await note(tx, at, { type: 'change.refused', outcome: 'refused', reason, data });
  return 'refused';
}

async function expire(deps: CommandDeps, id: string, at: Date): Promise<boolean> {
  return transaction(deps.db, async (tx) => {
    const change = await lockChange(tx, id);
    if (change?.status !== 'proposed' || change.expiresAt === null || change.expiresAt > at) return false;
    await updateChange(tx, id, change.revision, { status: 'expired' });
    const data = { changeId: id, kind: change.kind };
    await note(tx, at, { type: 'change.expired', outcome: 'ok', reason: null, data });
    return true;
  });
}

async function note(
  tx: Db,
  at: Date,
  what: Pick<Parameters<typeof append>[1], 'type' | 'outcome' | 'reason' | 'data'>,
): Promise<void> {
  const actor = { kind: 'system', id: 'publish-due' } as const;
  await append(tx, { at, actor, accountId: null, clientId: null, requestId: null, ...what });
}
