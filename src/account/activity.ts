import type Router from '@koa/router';
import type { Context } from 'koa';
import { listApps } from '../storage/apps.ts';
import { activityOf } from '../storage/audit.ts';
import { localeOf } from '../web/preferences.ts';
import { type Handler, withCitizen } from './context.ts';
import type { AccountDeps } from './deps.ts';

const pageSize = 25;

/** What staff gave as their reason, where the citizen is told it. */
function whyKey(type: string, reason: string | null): string | null {
  if (reason === null) return null;
  if (type === 'person.viewed') return `people.look_reason.${reason}`;
  if (type === 'intervention.set') return `people.reason.${reason}`;
  return type === 'intervention.ended' ? `people.lift_reason.${reason}` : null;
}

/** What a line is about, as the key of a text: an intervention's kind, a service of somebody else. */
function whatKey(type: string, data: Readonly<Record<string, unknown>>): string | null {
  if (type.startsWith('intervention.') && typeof data.kind === 'string') return `people.kind.${data.kind}`;
  const service = type.startsWith('identity.') ? data.bridge : type.startsWith('evidence.') ? data.source : null;
  return typeof service === 'string' ? `bridge.name.${service}` : null;
}

/** Audit lines as the citizen reads them: what, when, at which app. */
export async function activityItems(
  deps: AccountDeps,
  ctx: Context,
  accountId: string,
  page: { before?: number; limit: number },
) {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const [entries, apps] = await Promise.all([activityOf(deps.db, accountId, page), listApps(deps.db)]);
  const names = new Map(apps.map((app) => [app.id, i18n.pick(app.name, locale)]));
  return entries.map(({ seq, type, at, clientId, outcome, reason, data }) => ({
    seq,
    type,
    why: whyKey(type, reason),
    what: whatKey(type, data),
    at,
    app: clientId === null ? null : (names.get(clientId) ?? null),
    outcome: outcome === 'ok' ? 'success' : 'failure',
  }));
}

const activity: Handler = async (deps, ctx, { account }) => {
  const before = Number(ctx.query.before);
  const paged = Number.isSafeInteger(before) && before > 0;
  const items = await activityItems(deps, ctx, account.id, {
    limit: pageSize + 1,
    ...(paged ? { before } : undefined),
  });
  const shown = items.slice(0, pageSize);
  const oldest = shown.at(-1)?.seq;
  deps.renderer.render(ctx, 'account/activity', {
    items: shown,
    olderUrl: items.length > pageSize && oldest !== undefined ? `/account/activity?before=${oldest}` : null,
    newerUrl: paged ? '/account/activity' : null,
  });
};

export function activityRoutes(router: Router, deps: AccountDeps): void {
  router.get('/account/activity', withCitizen(deps, activity));
}
