import type { Context } from 'koa';
import { z } from 'zod';
import { proposalOf } from '../commands/change-payload.ts';
import { caseNumber } from '../commands/counter-rules.ts';
import { decideChange } from '../commands/decide-change.ts';
import { UNDO_MS } from '../commands/merge-rules.ts';
import { proposeChange } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { openDisputes } from '../storage/canonical-rows.ts';
import { type Change, changeById, changesIn } from '../storage/changes.ts';
import { disputedCases } from '../storage/counter-cases.ts';
import { type MergeQuestion, questionsOf } from '../storage/merge-answers.ts';
import { latestMerges, mergeById } from '../storage/merges.ts';
import { lookOf } from '../storage/staff-looks.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { changeTitle } from './change-words.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { namesOf } from './names.ts';

const path = '/admin/merges';
const doneKeys = ['proposed', 'approved', 'rejected'];

const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, {}, 200);

/** Accounts by their numbers only: who they are is seen by looking them up, which is written down. */
async function render(deps: AdminDeps, ctx: Context, staff: Staff, again: object, status: number): Promise<void> {
  const now = deps.clock();
  const waiting = (await changesIn(deps.db, ['proposed'], { limit: 200 })).filter(isMerge);
  const merges = await latestMerges(deps.db, new Date(now.getTime() - UNDO_MS));
  const nameOf = await namesOf(
    deps,
    waiting.map(({ proposedBy }) => proposedBy),
  );
  const asked = await questionsOf(
    deps.db,
    waiting.map(({ id: changeId }) => changeId),
  );
  const disputes = await openDisputes(deps.db, deps.keyring);
  const done = query(ctx, 'done') ?? '';
  page(
    deps,
    ctx,
    staff,
    'merges',
    {
      waiting: waiting.map((change) => ({
        id: change.id,
        title: changeTitle(wordsOf(deps, ctx), nameOf, change),
        ...pairOf(change),
        reason: change.reason,
        by: nameOf(change.proposedBy),
        revision: change.revision,
        mine: change.proposedBy === staff.accountId,
        ...answersOn(asked, change),
      })),
      disputes: disputes.map(({ accountId, otherId, type }) => ({ accountId, otherId, type })),
      atCounter: (await disputedCases(deps.db)).map(
        ({ id, accountId, otherAccountId, documentType, reason, closedAt, settled }) => ({
          number: caseNumber(id),
          ...{ accountId, otherAccountId, type: documentType, reason, at: closedAt, settled },
        }),
      ),
      merges: merges.map((merge) => ({ ...merge, canUndo: merge.undoneAt === null && merge.undoUntil > now })),
      done: doneKeys.includes(done) ? `merges.done.${done}` : null,
      ...again,
    },
    { status },
  );
}

const isMerge = ({ kind }: Change): boolean => kind === 'merge' || kind === 'unmerge';

function pairOf(change: Change): { keepId: string; goneId: string } {
  const what = proposalOf(change);
  if (what.kind !== 'merge' && what.kind !== 'unmerge') throw new ShiminError('not_found', { status: 404 });
  const { keepId, goneId } = what.payload;
  return { keepId, goneId };
}

/** What both holders said; an undoing asks nobody. */
function answersOn(asked: readonly MergeQuestion[], change: Change) {
  if (change.kind !== 'merge') return { keepSaid: null, goneSaid: null, ready: true };
  const of = (stays: boolean) => (asked.some((one) => saidYes(one, change, stays)) ? 'said_yes' : 'no_answer');
  const [keepSaid, goneSaid] = [of(true), of(false)];
  return { keepSaid, goneSaid, ready: keepSaid === 'said_yes' && goneSaid === 'said_yes' };
}

const saidYes = ({ changeId, stays, answer }: MergeQuestion, change: Change, side: boolean) =>
  changeId === change.id && stays === side && answer === 'yes';

/** Whoever takes part has looked both accounts up: knowing their numbers is no look at the people. */
async function lookedAt(deps: AdminDeps, staff: Staff, ids: readonly string[]): Promise<boolean> {
  const now = deps.clock();
  const looks = await Promise.all(ids.map((id) => lookOf(deps.db, staff.accountId, id, now)));
  return looks.every((look) => look !== null);
}

const id = z.string('errors.field_required').trim().min(1, 'errors.field_required').max(36, 'errors.field_invalid');
const reason = z.string().trim().min(1, 'errors.field_required').max(500);
const texts = z.record(z.string(), z.string()).catch({});

const propose: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(z.object({ keepId: id, goneId: id, reason }), ctx.request.body);
  const values = texts.parse(ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: form.errors, values }, 422);
  const { keepId, goneId, reason: why } = form.value;
  if (!(await lookedAt(deps, staff, [keepId, goneId])))
    return render(deps, ctx, staff, { errors: { keepId: 'merges.look_first' }, values }, 409);
  const what = { kind: 'merge', payload: { keepId, goneId } } as const;
  await proposeChange(deps, { by: byOf(ctx, staff), what, reason: why });
  return seeOther(ctx, `${path}?done=proposed`);
};

const decisionForm = z.object({
  decision: z.enum(['approve', 'reject']),
  reason: z.string().trim().max(500).default(''),
  revision: z.coerce.number().int().positive(),
});

const decide: AdminHandler = async (deps, ctx, staff) => {
  const change = await changeById(deps.db, param(ctx, 'id'));
  if (change === null || !isMerge(change)) throw new ShiminError('not_found', { status: 404 });
  const form = parseForm(decisionForm, ctx.request.body);
  if (!form.ok) throw new ShiminError('form_invalid', { status: 422 });
  const { keepId, goneId } = pairOf(change);
  if (!(await lookedAt(deps, staff, [keepId, goneId])))
    return render(deps, ctx, staff, { errors: { keepId: 'merges.look_first' } }, 409);
  const { status } = await decideChange(deps, { by: byOf(ctx, staff), id: change.id, ...form.value });
  return seeOther(ctx, `${path}?done=${status === 'published' ? 'approved' : 'rejected'}`);
};

const undo: AdminHandler = async (deps, ctx, staff) => {
  const merge = await mergeById(deps.db, param(ctx, 'id'));
  if (merge === null) throw new ShiminError('not_found', { status: 404 });
  const form = parseForm(z.object({ reason }), ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { errors: { undo: 'errors.field_required' } }, 422);
  const { id: mergeId, keepId, goneId } = merge;
  const what = { kind: 'unmerge', payload: { mergeId, keepId, goneId } } as const;
  await proposeChange(deps, { by: byOf(ctx, staff), what, reason: form.value.reason });
  return seeOther(ctx, `${path}?done=proposed`);
};

export const mergeRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'merge.propose', handler: show },
  { method: 'post', path: `${path}/propose`, operation: 'merge.propose', handler: propose },
  { method: 'post', path: `${path}/:id/decide`, operation: 'merge.approve', handler: decide },
  { method: 'post', path: `${path}/:id/undo`, operation: 'merge.propose', handler: undo },
];
