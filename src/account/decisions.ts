import type Router from '@koa/router';
import type { Context } from 'koa';
import { levelName, type Teller } from '../assurance/speech.ts';
import { tell } from '../assurance/tell.ts';
import { explainDecision } from '../commands/explain-decision.ts';
import { ShiminError } from '../lib/errors.ts';
import { listApps } from '../storage/apps.ts';
import { appsOfDecisions, decisionById, decisionsOf } from '../storage/decisions.ts';
import { currentPolicy } from '../storage/policies.ts';
import { dateFormats } from '../web/dates.ts';
import { localeOf } from '../web/preferences.ts';
import { type Handler, param, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const path = '/account/decisions';
const pageSize = 25;

/** Own sign-ins and refusals, the newest first, of all apps or of one. */
const list: Handler = async (deps, ctx, { account }) => {
  const query = (name: string) => {
    const value = ctx.query[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [app, before] = [query('app'), query('before')];
  const found = await decisionsOf(deps.db, account.id, { before, limit: pageSize + 1, clientId: app });
  const shown = found.slice(0, pageSize);
  const { document } = await currentPolicy(deps.db);
  const teller = tellerOf(deps, ctx);
  const appName = await appNames(deps, ctx);
  const here = app === undefined ? path : `${path}?app=${encodeURIComponent(app)}`;
  deps.renderer.render(ctx, 'account/decisions', {
    items: shown.map(({ id, at, clientId, outcome, level }) => ({
      at,
      outcome,
      app: appName(clientId),
      level: level === null ? null : levelName(document, level, teller),
      url: `${path}/${id}`,
    })),
    apps: (await appsOfDecisions(deps.db, account.id)).map((id) => ({ id, name: appName(id), chosen: id === app })),
    olderUrl: found.length > pageSize ? `${here}${app === undefined ? '?' : '&'}before=${shown.at(-1)?.id}` : null,
    newerUrl: before === undefined ? null : here,
  });
};

/** Somebody else's decision is not there at all, as one that never was. */
const explained: Handler = async (deps, ctx, { account }) => {
  const decision = await decisionById(deps.db, param(ctx, 'id'));
  if (decision?.accountId !== account.id) throw new ShiminError('not_found', { status: 404 });
  const all = await explainDecision(deps.db, decision);
  const teller = tellerOf(deps, ctx);
  const appName = await appNames(deps, ctx);
  deps.renderer.render(ctx, 'account/decision', {
    voice: teller.voice,
    decision: {
      ...decision,
      app: appName(decision.clientId),
      level: decision.level === null ? null : levelName(all.policy, decision.level, teller),
    },
    told: tell(all.explanation, all, teller),
    agreement: all.agreement,
  });
};

function tellerOf(deps: AccountDeps, ctx: Context): Teller {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  return {
    text: (key, params) => i18n.t(locale, key, params),
    has: (key) => i18n.has(locale, key),
    time: dateFormats(locale).time,
    voice: 'you',
  };
}

async function appNames(deps: AccountDeps, ctx: Context): Promise<(id: string) => string> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const names = new Map((await listApps(deps.db)).map((app) => [app.id, i18n.pick(app.name, locale)]));
  return (id) => names.get(id) ?? id;
}

export function decisionRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/decisions', withCitizen(deps, list));
  router.get('/account/decisions/:id', withCitizen(deps, explained));
}
