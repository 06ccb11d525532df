import type { Context } from 'koa';
import { levelWord } from '../assurance/speech.ts';
import { listApps } from '../storage/apps.ts';
import { type CountKind, countsSince, type DailyCount, dayOf } from '../storage/daily-counts.ts';
import { currentPolicy } from '../storage/policies.ts';
import { sourceSwitches } from '../storage/sources.ts';
import { localeOf } from '../web/preferences.ts';
import { type AdminHandler, type AdminRoute, page } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { type Plot, plotOf, rowsOf, tally } from './plots.ts';

const periods = [1, 7, 30] as const;
const asked = ['step_up', 'reauthenticate'];
const outcomes = ['met', ...asked, 'refused'] as const;

/** Sign-ins, step-ups and sources of the last days, from counts a day: it costs the same however many people there are. */
const dashboard: AdminHandler = async (deps, ctx, staff) => {
  const days = periods.find((period) => String(period) === ctx.query.days) ?? 7;
  const since = dayOf(new Date(deps.clock().getTime() - (days - 1) * 86_400_000));
  const counts = (kind: CountKind) => countsSince(deps.db, kind, since);
  const names = await namesFor(deps, ctx);
  const signins = await counts('signin');
  const plots = [
    byApp(signins, names),
    byLevel(signins, names),
    byDay(signins, names),
    byMethod(await counts('method'), names),
    ...journeys(await counts('journey'), names),
    sources(await counts('source'), names),
    odd(await counts('odd'), names),
  ];
  page(deps, ctx, staff, 'dashboard', {
    days,
    periods,
    plots,
    health: await health(deps, names),
    askedRate: rate(signins),
  });
};

interface Names {
  readonly app: (id: string) => string;
  readonly level: (id: string) => string;
  readonly source: (id: string) => string;
  readonly t: (key: string) => string;
}

async function namesFor(deps: AdminDeps, ctx: Context): Promise<Names> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const apps = new Map((await listApps(deps.db)).map((app) => [app.id, i18n.pick(app.name, locale)]));
  const { document } = await currentPolicy(deps.db);
  const t = (key: string) => i18n.t(locale, key);
  const level = (id: string) =>
    levelWord(document, id, {
      text: (key, params) => i18n.t(locale, key, params),
      has: (key) => i18n.has(locale, key),
    });
  const source = (id: string) => {
    const key = [`admin.source.${id}.name`, `bridge.name.${id}`].find((each) => i18n.has(locale, each));
    return key === undefined ? id : t(key);
  };
  return { app: (id) => apps.get(id) ?? id, level, source, t };
}

function byApp(counts: readonly DailyCount[], names: Names): Plot {
  const table = tally(
    counts,
    (item) => item.a,
    (item) => item.b,
  );
  return plotOf(
    'apps',
    outcomes.map((outcome) => names.t(`dashboard.outcome.${outcome}`)),
    rowsOf(table, outcomes, names.app),
  );
}

function byLevel(counts: readonly DailyCount[], names: Names): Plot {
  const met = counts.filter((item) => item.b === 'met');
  const apps = [...new Set(met.map((item) => item.a))].toSorted();
  const table = tally(
    met,
    (item) => item.c,
    (item) => item.a,
  );
  return plotOf('levels', apps.map(names.app), rowsOf(table, apps, names.level));
}

function byDay(counts: readonly DailyCount[], names: Names): Plot {
  const table = tally(
    counts,
    (item) => String(item.day),
    (item) => item.b,
  );
  const rows = rowsOf(table, outcomes, (day) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`);
  return plotOf(
    'days',
    outcomes.map((outcome) => names.t(`dashboard.outcome.${outcome}`)),
    rows.toSorted((a, b) => a.label.localeCompare(b.label)),
  );
}

function byMethod(counts: readonly DailyCount[], names: Names): Plot {
  const table = tally(
    counts,
    (item) => item.a,
    (item) => (item.b === 'ok' ? 'ok' : 'failed'),
  );
  return plotOf(
    'methods',
    ['ok', 'failed'].map((word) => names.t(`dashboard.method_outcome.${word}`)),
    rowsOf(table, ['ok', 'failed'], (method) => names.t(`dashboard.method.${method}`)),
  );
}

/** The way from the first page to the answer, by app, and the pages on which people left it. */
function journeys(counts: readonly DailyCount[], names: Names): Plot[] {
  const ways = tally(
    counts,
    (item) => item.a,
    (item) => item.b,
  );
  const left = tally(
    counts.filter((item) => item.b === 'left'),
    (item) => item.c,
    () => 'left',
  );
  return [
    plotOf(
      'journeys',
      ['ended', 'left'].map((word) => names.t(`dashboard.journey.${word}`)),
      rowsOf(ways, ['ended', 'left'], names.app),
    ),
    plotOf(
      'left',
      [names.t('dashboard.journey.left')],
      rowsOf(left, ['left'], (step) => names.t(`dashboard.page.${step}`)),
    ),
  ];
}

function sources(counts: readonly DailyCount[], names: Names): Plot {
  const table = tally(
    counts,
    (item) => item.a,
    (item) => item.b,
  );
  return plotOf(
    'sources',
    ['ok', 'failed'].map((word) => names.t(`dashboard.source_outcome.${word}`)),
    rowsOf(table, ['ok', 'failed'], names.source),
  );
}

/** What somebody has to look at: guessing, and answers that can't be so. */
function odd(counts: readonly DailyCount[], names: Names): Plot {
  const asked = [...new Set(counts.map((item) => item.b))].toSorted();
  const table = tally(
    counts,
    (item) => item.a,
    (item) => item.b,
  );
  return plotOf(
    'odd',
    asked.map(names.source),
    rowsOf(table, asked, (what) => names.t(`dashboard.odd.${what}`)),
  );
}

/** How each source is now: its switch, and what the last calls to it say. */
async function health(deps: AdminDeps, names: Names): Promise<{ name: string; on: boolean; healthy: boolean }[]> {
  const switches = new Map((await sourceSwitches(deps.db)).map((source) => [source.id, source.enabled]));
  return Object.entries(deps.health()).map(([id, healthy]) => ({
    name: names.source(id),
    on: switches.get(id) ?? true,
    healthy,
  }));
}

/** Of the requests of signed-in people, how many in a hundred were asked for more. */
function rate(counts: readonly DailyCount[]): number {
  const all = counts.reduce((total, item) => total + item.count, 0);
  const more = counts.filter((item) => asked.includes(item.b)).reduce((total, item) => total + item.count, 0);
  return all === 0 ? 0 : Math.round((100 * more) / all);
}

export const dashboardRoutes: readonly AdminRoute[] = [
  { method: 'get', path: '/admin/dashboard', operation: 'dashboard.read', handler: dashboard },
];
