import type { Context } from 'koa';
import { settingsOf } from '../commands/app-metadata.ts';
import { ownAreas } from '../commands/manage-app.ts';
import { may } from '../commands/permissions.ts';
import { ShiminError } from '../lib/errors.ts';
import { consentsFor } from '../storage/app-facts.ts';
import { type App, findApp, isEnabled, listApps } from '../storage/apps.ts';
import { waitingChanges } from '../storage/changes.ts';
import { currentPolicy } from '../storage/policies.ts';
import { localeOf } from '../web/preferences.ts';
import { appFacts, factDays, floorOf, stateOf } from './apps-facts.ts';
import { type RequirementForm, requirementChoices, requirementForm, requirementOf } from './apps-requirement-form.ts';
import { changeTitle } from './change-words.ts';
import { type AdminHandler, type AdminRoute, page, param, query, type Staff, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';
import type { Fault } from './faults.ts';
import { policyWords } from './policy-words.ts';

export const appsPath = '/admin/apps';

/** Texts of what was just done, by a word of the address. */
const notices = ['changed', 'disabled', 'enabled'];
export function appNotice(ctx: Context): string | null {
  const done = query(ctx, 'done');
  return done !== undefined && notices.includes(done) ? `apps.done.${done}` : null;
}

export async function foundApp(deps: AdminDeps, ctx: Context): Promise<App> {
  const app = await findApp(deps.db, param(ctx, 'id'));
  if (app === null) throw new ShiminError('not_found', { status: 404 });
  return app;
}

const list: AdminHandler = async (deps, ctx, staff) => {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const [apps, { document }, factsOf] = await Promise.all([listApps(deps.db), currentPolicy(deps.db), appFacts(deps)]);
  const words = await policyWords(deps, ctx, [document]);
  page(deps, ctx, staff, 'apps', {
    apps: apps.map((app) => ({
      id: app.id,
      name: i18n.pick(app.name, locale),
      state: stateOf(app),
      level: words.level(floorOf(document, app.id)),
      ...factsOf(app),
    })),
    days: factDays,
    canCreate: may(staff.roles, 'app.save'),
    done: appNotice(ctx),
  });
};

const show: AdminHandler = async (deps, ctx, staff) => renderApp(deps, ctx, staff, {}, 200);

/** An app's page: what it demands comes first, since that is what is changed most. */
export async function renderApp(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  again: { faults?: readonly Fault[]; form?: RequirementForm },
  status: number,
): Promise<void> {
  const app = await foundApp(deps, ctx);
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const [{ document }, factsOf, consents] = await Promise.all([
    currentPolicy(deps.db),
    appFacts(deps),
    consentsFor(deps.db, app.id),
  ]);
  const words = await policyWords(deps, ctx, [document]);
  const own = ownAreas.includes(app.id);
  const retiring: unknown = app.metadata.shimin_retiring_secret;
  page(
    deps,
    ctx,
    staff,
    'app',
    {
      id: app.id,
      name: i18n.pick(app.name, locale),
      purpose: i18n.pick(app.purpose, locale),
      createdAt: app.createdAt,
      enabled: isEnabled(app),
      own,
      level: words.level(floorOf(document, app.id)),
      settings: settingsOf(app),
      hasSecret: typeof app.metadata.client_secret === 'string',
      oldSecretUntil: oldSecretUntil(retiring, deps.clock()),
      facts: factsOf(app),
      days: factDays,
      consents,
      form: again.form ?? requirementForm(requirementOf(document, app.id)),
      choices: await requirementChoices(deps, document, words.level),
      canRequire: !own && may(staff.roles, 'requirement.propose'),
      canSave: !own && may(staff.roles, 'app.save'),
      waiting: await waitingFor(deps, ctx, app.id),
      faults: again.faults ?? [],
      done: appNotice(ctx),
    },
    { status },
  );
}

/** Proposals about the app that wait: who looks at it sees that it is about to change. */
async function waitingFor(deps: AdminDeps, ctx: Context, id: string): Promise<{ title: string; url: string }[]> {
  const t = wordsOf(deps, ctx);
  const waiting = await waitingChanges(deps.db, 'app', id);
  return waiting.map((change) => ({
    title: changeTitle(t, () => '', change),
    url: `/admin/approvals/${change.id}`,
  }));
}

function oldSecretUntil(retiring: unknown, now: Date): Date | null {
  if (typeof retiring !== 'object' || retiring === null || !('until' in retiring)) return null;
  const until = Number(retiring.until);
  return until > now.getTime() ? new Date(until) : null;
}

export const appRoutes: readonly AdminRoute[] = [
  { method: 'get', path: appsPath, operation: 'app.read', handler: list },
  { method: 'get', path: `${appsPath}/:id`, operation: 'app.read', handler: show },
];
