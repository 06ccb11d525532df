import type { Context } from 'koa';
import type { PolicyFault } from '../assurance/faults.ts';
import { type AssurancePolicy, parsePolicy } from '../assurance/policy.ts';
import { ownAreas } from '../commands/manage-app.ts';
import { saveDraft } from '../commands/propose-change.ts';
import { ShiminError } from '../lib/errors.ts';
import { currentPolicy } from '../storage/policies.ts';
import { seeOther } from '../web/forms.ts';
import { appsPath, foundApp, renderApp } from './apps.ts';
import { floorKinds, readRequirement, repeated, ruleOf } from './apps-requirement-form.ts';
import { type AdminHandler, type AdminRoute, byOf, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import type { Fault } from './faults.ts';
import { policyWords } from './policy-words.ts';

/** What an app demands becomes a draft of the policy: its preview comes next, then a second person. */
const require: AdminHandler = async (deps, ctx, staff) => {
  const app = await foundApp(deps, ctx);
  if (ownAreas.includes(app.id)) throw new ShiminError('not_found', { status: 404 });
  const form = readRequirement(ctx.request.body);
  if (form === null) throw new ShiminError('form_invalid', { status: 422 });
  const { version, document } = await currentPolicy(deps.db);
  const t = wordsOf(deps, ctx);
  const twice = repeated(form).map(({ kind, name }) => ({ field: kind, text: t('apps.require.twice', { name }) }));
  const next = { ...document, version: version + 1, apps: { ...document.apps, [app.id]: ruleOf(form) } };
  const parsed = parsePolicy(next);
  if (!parsed.ok || twice.length > 0) {
    const found = parsed.ok ? [] : await told(deps, ctx, document, app.id, parsed.faults);
    return renderApp(deps, ctx, staff, { form, faults: [...found, ...twice] }, 422);
  }
  const draft = await saveDraft(deps, { by: byOf(ctx, staff), draft: null, document: parsed.policy });
  return seeOther(ctx, `/admin/preview/${draft.id}`);
};

/** Each fault of the document in words, at the field it comes from. */
async function told(
  deps: AdminDeps,
  ctx: Context,
  policy: AssurancePolicy,
  id: string,
  faults: readonly PolicyFault[],
): Promise<Fault[]> {
  const words = await policyWords(deps, ctx, [policy]);
  return faults.map(({ path, code, params }) => ({
    field: fieldOf(path, id),
    text: words.text(`policy.fault.${code}`, params),
  }));
}

/** The second source that the library denies (`<app>.sources.deny.1`) is the field `deny`. An app's id may have dots, so it is cut off as a whole. */
function fieldOf(path: string, id: string): string {
  const prefix = `apps.${id}`;
  if (path !== prefix && !path.startsWith(`${prefix}.`)) return '';
  const [first = '', second = ''] = path.slice(prefix.length + 1).split('.');
  if (first === 'sources') return second === 'allow' ? 'allow' : 'deny';
  const known: readonly string[] = ['floor', 'categories', ...floorKinds];
  return known.includes(first) ? first : 'floor';
}

export const appRequirementRoutes: readonly AdminRoute[] = [
  { method: 'post', path: `${appsPath}/:id/require`, operation: 'requirement.propose', handler: require },
];
