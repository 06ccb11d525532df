import type { Context } from 'koa';
import { z } from 'zod';
import { rebased, withLevelEarlier, withNewLevel, withoutLevel } from '../assurance/edit-levels.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { saveDraft } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { changesIn } from '../storage/changes.ts';
import { currentPolicy, policyByVersion } from '../storage/policies.ts';
import { seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { type Draft, draftUrl, foundDraft, foundLevel, levelsPath, saveOn } from './levels-draft.ts';
import { toldFaults } from './levels-faults.ts';
import { namesOf } from './names.ts';
import { policyWords } from './policy-words.ts';

/** Goes on with one's own draft on the version in force; where there is none, begins one. */
const change: AdminHandler = async (deps, ctx, staff) => {
  const { version, document } = await currentPolicy(deps.db);
  const open = await changesIn(deps.db, ['draft'], { limit: 200 });
  const own = open.find(
    (each) => each.kind === 'policy' && each.createdBy === staff.accountId && each.basedOn === version,
  );
  const draft = own ?? (await saveDraft(deps, { by: byOf(ctx, staff), draft: null, document, unfinished: true }));
  seeOther(ctx, draftUrl(draft.id));
};

const notices = ['saved', 'removed', 'rebased'];

interface Again {
  readonly values?: Readonly<Record<string, string>>;
  readonly errors?: Readonly<Record<string, string>>;
  readonly refused?: 'conflict' | 'stale' | 'decided';
}

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  draft: Draft,
  again: Again,
  status: number,
): Promise<void> {
  const { change, document } = draft;
  const t = wordsOf(deps, ctx);
  const words = await policyWords(deps, ctx, [document]);
  const faults = await toldFaults(deps, ctx, document, draft.faults);
  const nameOf = await namesOf(deps, [change.createdBy]);
  const done = query(ctx, 'done');
  const both = (query(ctx, 'both') ?? '').split(' ').filter((id) => document.levels.some((level) => level.id === id));
  page(
    deps,
    ctx,
    staff,
    'level-draft',
    {
      draft: { id: change.id, revision: change.revision, version: (change.basedOn ?? 0) + 1, stale: draft.stale },
      author: nameOf(change.createdBy),
      here: draftUrl(change.id),
      levels: document.levels.map(({ id, name }, at) => ({
        id,
        name: words.level(id),
        url: draftUrl(change.id, id),
        faults: faults.filter(({ level }) => level === id).length,
        // The level of our own staff stays behind the citizens', so that nobody is answered with it.
        moves: at > 0 && name !== 'staff',
      })),
      faults: faults.map((fault) => {
        const of = fault.level === null || fault.label === '' ? [] : [words.level(fault.level)];
        const where = [...of, ...(fault.label === '' ? [] : [fault.label])].join(t('common.list_separator'));
        const url = fault.level === null ? null : `${draftUrl(change.id, fault.level)}#f-${fault.field}`;
        return { where, text: fault.text, url };
      }),
      notice: done !== undefined && notices.includes(done) ? t(`levels.done.${done}`) : null,
      both: both.map(words.level),
      values: {},
      errors: {},
      refused: null,
      ...again,
    },
    { status },
  );
}

const show: AdminHandler = async (deps, ctx, staff) => {
  const draft = await foundDraft(deps, ctx);
  if (draft.change.status !== 'draft') return seeOther(ctx, `/admin/approvals/${draft.change.id}`);
  return render(deps, ctx, staff, draft, {}, 200);
};

const revision = z.coerce.number().int().positive();
const seen = z.object({ revision });

/** Saves a step that has no text of its own, or says on the draft's page why not. */
async function step(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  next: (draft: Draft, posted: unknown) => { document: AssurancePolicy; to: string } | null,
): Promise<void> {
  const draft = await foundDraft(deps, ctx);
  const form = seen.safeParse(ctx.request.body);
  const made = form.success ? next(draft, ctx.request.body) : null;
  if (!form.success || made === null) throw new ShiminError('form_invalid', { status: 422 });
  const { id, basedOn } = draft.change;
  const saved = await saveOn(deps, ctx, staff, { id, revision: form.data.revision, basedOn }, made.document);
  if (!saved.ok) return render(deps, ctx, staff, draft, { refused: saved.why }, 409);
  seeOther(ctx, made.to);
}

/** A name of ours or of anybody's scheme: an `acr` value has no space in it (OpenID Connect Core 3.1.2.1). */
const levelId = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{1,200}$/);
const addForm = z.object({ levelId, name: z.string().trim().min(1).max(80), like: z.string() });

const add: AdminHandler = async (deps, ctx, staff) => {
  const draft = await foundDraft(deps, ctx);
  const form = addForm.safeParse(ctx.request.body);
  const taken = form.success && draft.document.levels.some(({ id }) => id === form.data.levelId);
  if (!form.success || taken) {
    const values = z.record(z.string(), z.string()).catch({}).parse(ctx.request.body);
    const wrong = form.success ? ['levelId'] : form.error.issues.map((issue) => String(issue.path[0]));
    const errors = {
      ...(wrong.includes('levelId') ? { levelId: taken ? 'levels.fault.id_taken' : 'levels.fault.id' } : {}),
      ...(wrong.includes('name') ? { name: 'levels.fault.name' } : {}),
    };
    return render(deps, ctx, staff, draft, { values, errors }, 422);
  }
  const { levelId: id, name, like } = form.data;
  const to = `${draftUrl(draft.change.id, id)}?done=added`;
  return step(deps, ctx, staff, ({ document }) => ({ document: withNewLevel(document, { id, name, like }), to }));
};

const remove: AdminHandler = (deps, ctx, staff) =>
  step(deps, ctx, staff, (draft, posted) => {
    const { id: gone } = foundLevel(ctx, draft);
    const form = z.object({ instead: z.string() }).safeParse(posted);
    const others = draft.document.levels.filter(({ id }) => id !== gone);
    if (!form.success || !others.some(({ id }) => id === form.data.instead)) return null;
    const document = withoutLevel(draft.document, gone, form.data.instead);
    return { document, to: `${draftUrl(param(ctx, 'id'))}?done=removed` };
  });

const earlier: AdminHandler = (deps, ctx, staff) =>
  step(deps, ctx, staff, (draft) => {
    const document = withLevelEarlier(draft.document, foundLevel(ctx, draft).id);
    return { document, to: `${draftUrl(param(ctx, 'id'))}?done=saved` };
  });

/** Takes up what was published since the draft was begun. */
const rebase: AdminHandler = async (deps, ctx, staff) => {
  const draft = await foundDraft(deps, ctx);
  const form = seen.safeParse(ctx.request.body);
  if (!form.success) throw new ShiminError('form_invalid', { status: 422 });
  const { id, basedOn } = draft.change;
  const base = basedOn === null ? null : await policyByVersion(deps.db, basedOn);
  const current = await currentPolicy(deps.db);
  if (base === null) throw new ShiminError('not_found', { status: 404 });
  const { policy, both } = rebased(base.document, draft.document, current.document);
  const seenDraft = { id, revision: form.data.revision, basedOn: current.version };
  const saved = await saveOn(deps, ctx, staff, seenDraft, policy);
  if (!saved.ok) return render(deps, ctx, staff, draft, { refused: saved.why }, 409);
  const told = both.length === 0 ? '' : `&both=${encodeURIComponent(both.join(' '))}`;
  seeOther(ctx, `${draftUrl(id)}?done=rebased${told}`);
};

export const levelDraftRoutes: readonly AdminRoute[] = [
  { method: 'post', path: `${levelsPath}/change`, operation: 'policy.propose', handler: change },
  { method: 'get', path: `${levelsPath}/:id`, operation: 'policy.propose', fresh: true, handler: show },
  { method: 'post', path: `${levelsPath}/:id/add`, operation: 'policy.propose', handler: add },
  { method: 'post', path: `${levelsPath}/:id/rebase`, operation: 'policy.propose', handler: rebase },
  { method: 'post', path: `${levelsPath}/:id/:level/remove`, operation: 'policy.propose', handler: remove },
  { method: 'post', path: `${levelsPath}/:id/:level/earlier`, operation: 'policy.propose', handler: earlier },
];
