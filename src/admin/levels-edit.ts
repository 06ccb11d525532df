import type { Context } from 'koa';
import { withLevel } from '../assurance/edit-levels.ts';
import { shapeFault } from '../assurance/faults.ts';
import { type LevelRule, policyDocument } from '../assurance/policy.ts';
import { seeOther } from '../web/forms.ts';
import { type AdminHandler, type AdminRoute, page, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { type Draft, draftUrl, foundDraft, foundLevel, levelsPath, saveOn } from './levels-draft.ts';
import { toldFaults } from './levels-faults.ts';
import { type LevelForm, levelForm, levelOf, pressed } from './levels-form.ts';
import { levelChoices, spokenRules } from './levels-page.ts';
import { readLevel } from './levels-posted.ts';
import { policyWords } from './policy-words.ts';

interface Shown {
  readonly draft: Draft;
  readonly level: LevelRule;
  /** As typed, where that is not what the draft says. */
  readonly form?: LevelForm;
  readonly document?: unknown;
  readonly revision?: number;
  readonly notice?: string | null;
  readonly refused?: 'conflict' | 'stale' | 'decided' | null;
}

/** One level of a draft: what it asks, each part with its faults beside it. */
async function render(deps: AdminDeps, ctx: Context, staff: Staff, shown: Shown, status: number): Promise<void> {
  const { draft, level } = shown;
  const { change, document } = draft;
  const read = policyDocument.safeParse(shown.document ?? document);
  const unread = read.success ? [] : read.error.issues.map((issue) => shapeFault(issue.path.join('.'), issue.message));
  const found = await toldFaults(deps, ctx, document, read.success ? draft.faults : unread);
  const words = await policyWords(deps, ctx, [document]);
  const asRead = read.success ? read.data.levels.find(({ id }) => id === level.id) : undefined;
  const form = shown.form ?? levelForm(level);
  page(
    deps,
    ctx,
    staff,
    'level',
    {
      draft: { id: change.id, version: (change.basedOn ?? 0) + 1, url: draftUrl(change.id), stale: draft.stale },
      here: draftUrl(change.id, level.id),
      revision: shown.revision ?? change.revision,
      level: { id: level.id, name: words.level(level.id) },
      form,
      said: spokenRules(words, form, asRead),
      choices: levelChoices(deps, ctx, document, level.id, words),
      faults: found.filter((fault) => fault.level === level.id),
      elsewhere: found.filter((fault) => fault.level !== level.id).length,
      notice: shown.notice ?? null,
      at: query(ctx, 'at') ?? '',
      refused: shown.refused ?? null,
    },
    { status },
  );
}

const notices = ['saved', 'added'];

const show: AdminHandler = async (deps, ctx, staff) => {
  const draft = await foundDraft(deps, ctx);
  if (draft.change.status !== 'draft') return seeOther(ctx, `/admin/approvals/${draft.change.id}`);
  const level = foundLevel(ctx, draft);
  const { done } = ctx.query;
  const notice = typeof done === 'string' && notices.includes(done) ? wordsOf(deps, ctx)(`levels.done.${done}`) : null;
  return render(deps, ctx, staff, { draft, level, notice }, 200);
};

/** Every button of the form saves what is typed; what can't be read is not saved, and stays as it was typed. */
const save: AdminHandler = async (deps, ctx, staff) => {
  const draft = await foundDraft(deps, ctx);
  const level = foundLevel(ctx, draft);
  const posted = readLevel(ctx.request.body);
  const { form, at } = pressed(posted.form, posted.button, posted.kinds);
  const typed = levelOf(form, level);
  const { revision } = posted;
  const next = {
    ...draft.document,
    levels: draft.document.levels.map((each) => (each.id === level.id ? typed : each)),
  };
  const read = policyDocument.safeParse(next);
  if (!read.success) return render(deps, ctx, staff, { draft, level, form, document: next, revision }, 422);
  const document = withLevel(draft.document, read.data.levels.find(({ id }) => id === level.id) ?? level);
  const { id, basedOn } = draft.change;
  const saved = await saveOn(deps, ctx, staff, { id, revision, basedOn }, document);
  if (!saved.ok)
    return render(deps, ctx, staff, { draft, level, form, document: next, revision, refused: saved.why }, 409);
  seeOther(ctx, `${draftUrl(id, level.id)}?done=saved${at === '' ? '' : `&at=${at}#f-${at}`}`);
};

export const levelEditRoutes: readonly AdminRoute[] = [
  { method: 'get', path: `${levelsPath}/:id/:level`, operation: 'policy.propose', fresh: true, handler: show },
  { method: 'post', path: `${levelsPath}/:id/:level/save`, operation: 'policy.propose', handler: save },
];
