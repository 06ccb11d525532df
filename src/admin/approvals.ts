import type { Context } from 'koa';
import { z } from 'zod';
import { proposalOf } from '../commands/change-payload.ts';
import { approvalOf } from '../commands/change-rules.ts';
import { decideChange } from '../commands/decide-change.ts';
import { may } from '../commands/permissions.ts';
import { proposeChange, withdrawChange } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Change, type ChangeStatus, changeById, changesIn } from '../storage/changes.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { appPart } from './approvals-app.ts';
import { changeTitle, peopleOf } from './change-words.ts';
import {
  type AdminHandler,
  type AdminRoute,
  byOf,
  doneKey,
  page,
  param,
  query,
  type Staff,
  wordsOf,
} from './context.ts';
import type { AdminDeps } from './deps.ts';
import { shadowPart } from './levels-shadow.ts';
import { namesOf } from './names.ts';
import { previewOf } from './preview.ts';

export const approvalsPath = '/admin/approvals';
const path = approvalsPath;
const pageSize = 25;
const open: readonly ChangeStatus[] = ['draft', 'proposed', 'scheduled'];
const closed: readonly ChangeStatus[] = ['published', 'rejected', 'withdrawn', 'expired', 'refused'];

/** Lines of changes, finished for a view. */
export async function changeLines(deps: AdminDeps, ctx: Context, changes: readonly Change[]): Promise<object[]> {
  const t = wordsOf(deps, ctx);
  const nameOf = await namesOf(deps, changes.flatMap(peopleOf));
  return changes.map((change) => ({
    id: change.id,
    title: changeTitle(t, nameOf, change),
    status: change.status,
    by: nameOf(change.proposedBy ?? change.createdBy),
    at: change.decidedAt ?? change.proposedAt ?? change.createdAt,
    url: change.status === 'draft' ? `/admin/preview/${change.id}` : `${path}/${change.id}`,
  }));
}

/** Whether this member of staff is one of those whom the change waits for. */
export function waitsFor(staff: Staff, change: Change): boolean {
  const others = change.proposedBy !== staff.accountId;
  return change.status === 'proposed' && others && may(staff.roles, approvalOf(proposalOf(change)));
}

const list: AdminHandler = async (deps, ctx, staff) => {
  const before = query(ctx, 'before');
  const [waiting, done] = await Promise.all([
    changesIn(deps.db, open, { limit: 100 }),
    changesIn(deps.db, closed, { before, limit: pageSize + 1 }),
  ]);
  const shown = done.slice(0, pageSize);
  page(deps, ctx, staff, 'approvals', {
    open: before === undefined ? await changeLines(deps, ctx, waiting) : [],
    closed: await changeLines(deps, ctx, shown),
    olderUrl: done.length > pageSize ? `${path}?before=${shown.at(-1)?.id}` : null,
    newerUrl: before === undefined ? null : path,
    done: doneKey(ctx, notices),
  });
};

const notices = ['proposed', 'approved', 'scheduled', 'rejected', 'withdrawn'];

const show: AdminHandler = async (deps, ctx, staff) => renderChange(deps, ctx, staff, {}, 200);

export async function foundChange(deps: AdminDeps, ctx: Context): Promise<Change> {
  const change = await changeById(deps.db, param(ctx, 'id'));
  if (change === null) throw new ShiminError('not_found', { status: 404 });
  return change;
}

export async function renderChange(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { errors?: Record<string, string>; secret?: string },
  status: number,
): Promise<void> {
  const change = await foundChange(deps, ctx);
  const previous = change.publishedVersion === null ? null : change.publishedVersion - 1;
  const wayBack = await wayBackOf(deps, change);
  const nameOf = await namesOf(deps, [...peopleOf(change), wayBack?.proposedBy ?? null]);
  const what = proposalOf(change);
  const mine = change.proposedBy === staff.accountId || change.createdBy === staff.accountId;
  const killed = what.kind === 'source' && what.payload.killed;
  const mayDecide = may(staff.roles, approvalOf(what));
  page(
    deps,
    ctx,
    staff,
    'approval',
    {
      change: {
        ...change,
        title: changeTitle(wordsOf(deps, ctx), nameOf, change),
        proposer: nameOf(change.proposedBy ?? change.createdBy),
        decider: change.decidedBy === null ? null : nameOf(change.decidedBy),
        killed,
      },
      appChange: await appPart(deps, ctx, what),
      secret: null,
      preview: await previewOf(deps, ctx, change),
      shadow: await shadowPart(deps, ctx, staff, change),
      canDecide: waitsFor(staff, change),
      ownProposal: mine && change.status === 'proposed' && mayDecide,
      canWithdraw:
        open.includes(change.status) && !killed && may(staff.roles, 'change.withdraw') && (mine || mayDecide),
      canRollBack: previous !== null && wayBack === null && may(staff.roles, 'policy.propose'),
      previousVersion: previous,
      wayBack: wayBack === null ? null : { url: `${path}/${wayBack.id}`, by: nameOf(wayBack.proposedBy) },
      done: doneKey(ctx, notices),
      ...again,
    },
    { status },
  );
}

/** The proposal to undo a published change of the rules, while it waits: who looks at the change finds it from there. */
async function wayBackOf(deps: AdminDeps, change: Change): Promise<Change | null> {
  const { publishedVersion } = change;
  if (publishedVersion === null) return null;
  const waiting = await changesIn(deps.db, ['proposed', 'scheduled'], { limit: 200 });
  const found = waiting.find((other) => {
    const what = proposalOf(other);
    return what.kind === 'rollback' && what.payload.toVersion === publishedVersion - 1;
  });
  return found ?? null;
}

const reason = z.string().trim().max(500);
const revision = z.coerce.number().int().positive();
const decisionForm = z.object({ decision: z.enum(['approve', 'reject']), reason: reason.default(''), revision });

const decide: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(decisionForm, ctx.request.body);
  if (!form.ok) return renderChange(deps, ctx, staff, { errors: form.errors }, 422);
  // Whoever is turned down must be told why.
  if (form.value.decision === 'reject' && form.value.reason === '')
    return renderChange(deps, ctx, staff, { errors: { reason: 'errors.field_required' } }, 422);
  const id = param(ctx, 'id');
  const change = await decideChange(deps, { by: byOf(ctx, staff), id, ...form.value });
  if (change.kind === 'keys' && change.status === 'published') await deps.reloadKeys();
  const done = change.status === 'published' ? 'approved' : change.status;
  return seeOther(ctx, `${path}/${id}?done=${done}`);
};

const withdraw: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ revision }), ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const id = param(ctx, 'id');
  await withdrawChange(deps, { by: byOf(ctx, staff), id, revision: form.value.revision });
  seeOther(ctx, `${path}/${id}?done=withdrawn`);
};

/** The way back from a published change: the rules before it, once a second person agrees. */
const rollBack: AdminHandler = async (deps, ctx, staff) => {
  const change = await foundChange(deps, ctx);
  if (change.publishedVersion === null || change.publishedVersion < 2)
    throw new ShiminError('not_found', { status: 404 });
  const form = parseForm(z.object({ reason: reason.min(1) }), ctx.request.body);
  if (!form.ok) return renderChange(deps, ctx, staff, { errors: { rollback: 'errors.field_required' } }, 422);
  const what = { kind: 'rollback', payload: { toVersion: change.publishedVersion - 1 } } as const;
  const proposed = await proposeChange(deps, { by: byOf(ctx, staff), what, reason: form.value.reason });
  seeOther(ctx, `${path}/${proposed.id}?done=proposed`);
};

export const approvalRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'change.read', handler: list },
  { method: 'get', path: `${path}/:id`, operation: 'change.read', handler: show },
  { method: 'post', path: `${path}/:id/decide`, operation: 'change.decide', handler: decide },
  { method: 'post', path: `${path}/:id/withdraw`, operation: 'change.withdraw', handler: withdraw },
  { method: 'post', path: `${path}/:id/rollback`, operation: 'policy.propose', handler: rollBack },
];
