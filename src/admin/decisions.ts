import type { Context } from 'koa';
import { z } from 'zod';
import { levelName, type Teller } from '../assurance/speech.ts';
import { tell } from '../assurance/tell.ts';
import { explainDecision } from '../commands/explain-decision.ts';
import { noteLook } from '../commands/note-look.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount } from '../storage/accounts.ts';
import { listApps } from '../storage/apps.ts';
import { type Decision, decisionBehind, decisionById, decisionsOf, decisionsOfRequest } from '../storage/decisions.ts';
import { currentPolicy } from '../storage/policies.ts';
import { dateFormats } from '../web/dates.ts';
import { parseForm, seeOther } from '../web/forms.ts';
import { localeOf } from '../web/preferences.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, query, type Staff, wordsOf } from './context.ts';
import { dayOf, spanOfRequest } from './decision-times.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/decisions';
const pageSize = 25;

interface Again {
  readonly errors?: Record<string, string>;
  readonly values?: Record<string, string>;
}

/** The form, and what was found by an account and a day or by a request. */
const show: AdminHandler = async (deps, ctx, staff) => {
  const account = query(ctx, 'account');
  const request = query(ctx, 'request');
  if (account !== undefined) return listOfAccount(deps, ctx, staff, account);
  if (request !== undefined) return listOfRequest(deps, ctx, staff, request);
  return render(deps, ctx, staff, { list: null }, {}, 200);
};

async function listOfAccount(deps: AdminDeps, ctx: Context, staff: Staff, accountId: string): Promise<void> {
  if ((await findAccount(deps.db, accountId)) === null) throw new ShiminError('not_found', { status: 404 });
  const [before, day] = [query(ctx, 'before'), query(ctx, 'day')];
  const found = await decisionsOf(deps.db, accountId, { before, limit: pageSize + 1, ...dayOf(day) });
  const shown = found.slice(0, pageSize);
  const here = `${path}?account=${encodeURIComponent(accountId)}${day === undefined ? '' : `&day=${encodeURIComponent(day)}`}`;
  await noteLook(deps, { by: byOf(ctx, staff), accountId, what: 'decision' });
  await render(
    deps,
    ctx,
    staff,
    {
      list: { account: accountId, request: null, items: await lines(deps, ctx, shown) },
      olderUrl: found.length > pageSize ? `${here}&before=${shown.at(-1)?.id}` : null,
      newerUrl: before === undefined ? null : here,
    },
    { values: { what: accountId, day: day ?? '' } },
    200,
  );
}

async function listOfRequest(deps: AdminDeps, ctx: Context, staff: Staff, request: string): Promise<void> {
  const [day, time] = [query(ctx, 'day'), query(ctx, 'time')];
  const span = spanOfRequest(request, day, time);
  const found = span === null ? [] : await decisionsOfRequest(deps.db, request, span);
  for (const accountId of new Set(found.map((decision) => decision.accountId)))
    await noteLook(deps, { by: byOf(ctx, staff), accountId, what: 'decision' });
  const list = { account: null, request, items: await lines(deps, ctx, found) };
  await render(deps, ctx, staff, { list }, { values: { what: request, day: day ?? '', time: time ?? '' } }, 200);
}

async function lines(deps: AdminDeps, ctx: Context, decisions: readonly Decision[]): Promise<object[]> {
  const appName = await appNames(deps, ctx);
  const { document } = await currentPolicy(deps.db);
  const teller = tellerOf(deps, ctx);
  return decisions.map(({ id, at, clientId, outcome, level }) => ({
    at,
    outcome,
    app: appName(clientId),
    level: level === null ? null : levelName(document, level, teller),
    url: `${path}/${id}`,
  }));
}

function tellerOf(deps: AdminDeps, ctx: Context): Teller {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  return {
    text: wordsOf(deps, ctx),
    has: (key) => i18n.has(locale, key),
    time: dateFormats(locale).time,
    voice: 'auditor',
  };
}

async function appNames(deps: AdminDeps, ctx: Context): Promise<(id: string) => string> {
  const { i18n } = deps.renderer;
  const locale = localeOf(ctx, i18n);
  const names = new Map((await listApps(deps.db)).map((app) => [app.id, i18n.pick(app.name, locale)]));
  return (id) => names.get(id) ?? id;
}

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  data: object,
  again: Again,
  status: number,
): Promise<void> {
  page(deps, ctx, staff, 'decisions', { olderUrl: null, newerUrl: null, ...data, ...again }, { status });
}

const findForm = z.object({
  what: z.string().trim().min(1).max(8_000),
  day: z.union([z.literal(''), z.iso.date()]).default(''),
  time: z.union([z.literal(''), z.iso.time({ precision: -1 })]).default(''),
});

/** By POST, because a token is a secret and must not be in an address. It is read, not kept. */
const find: AdminHandler = async (deps, ctx, staff) => {
  const form = parseForm(findForm, ctx.request.body);
  if (!form.ok) return render(deps, ctx, staff, { list: null }, { errors: form.errors }, 422);
  const { what, day, time } = form.value;
  const found = await locate(deps, what, { day, time });
  if ('url' in found) return seeOther(ctx, found.url);
  // A secret is not written back into the page; ids of ours have 36 characters, tokens 43 and more.
  const values = { what: what.length <= 36 ? what : '', day, time };
  return render(deps, ctx, staff, { list: null }, { errors: { [found.field]: found.error }, values }, 422);
};

type Located = { url: string } | { field: string; error: string };

async function locate(deps: AdminDeps, what: string, when: { day: string; time: string }): Promise<Located> {
  const { db } = deps;
  if (z.uuid().safeParse(what).success) {
    const id = what.toLowerCase();
    if ((await decisionById(db, id)) !== null) return { url: `${path}/${id}` };
    if ((await findAccount(db, id)) !== null)
      return { url: `${path}?account=${id}${when.day === '' ? '' : `&day=${when.day}`}` };
  } else {
    const origin = await deps.originOf(what);
    const behind = origin === null ? null : await decisionBehind(db, origin);
    if (behind !== null) return { url: `${path}/${behind.id}` };
  }
  return locateRequest(deps, what, when);
}

async function locateRequest(
  deps: AdminDeps,
  request: string,
  { day, time }: { day: string; time: string },
): Promise<Located> {
  if (!/^[A-Za-z0-9-]{8,64}$/.test(request)) return { field: 'what', error: 'decisions.find.nothing' };
  const span = spanOfRequest(request, day || undefined, time || undefined);
  if (span === null) return { field: 'time', error: 'decisions.find.needs_time' };
  const found = await decisionsOfRequest(deps.db, request, span);
  const [only] = found;
  if (only === undefined) return { field: 'what', error: 'decisions.find.nothing' };
  if (found.length === 1) return { url: `${path}/${only.id}` };
  const when = new URLSearchParams({ request, ...(day && { day }), ...(time && { time }) });
  return { url: `${path}?${when}` };
}

/** One decision, explained. That staff looked is a line in the audit, which the citizen sees. */
const explained: AdminHandler = async (deps, ctx, staff) => {
  const decision = await decisionById(deps.db, param(ctx, 'id'));
  if (decision === null) throw new ShiminError('not_found', { status: 404 });
  const all = await explainDecision(deps.db, decision);
  await noteLook(deps, {
    by: byOf(ctx, staff),
    accountId: decision.accountId,
    what: 'decision',
    ref: decision.id,
  });
  const teller = tellerOf(deps, ctx);
  const appName = await appNames(deps, ctx);
  page(deps, ctx, staff, 'decision', {
    voice: teller.voice,
    decision: {
      ...decision,
      app: appName(decision.clientId),
      level: decision.level === null ? null : levelName(all.policy, decision.level, teller),
      dayUrl: `${path}?account=${decision.accountId}`,
    },
    told: tell(all.explanation, all, teller),
    agreement: all.agreement,
  });
};

export const decisionRoutes: readonly AdminRoute[] = [
  { method: 'get', path, operation: 'decision.explain', handler: show },
  { method: 'post', path: `${path}/find`, operation: 'decision.explain', fresh: false, handler: find },
  { method: 'get', path: `${path}/:id`, operation: 'decision.explain', handler: explained },
];
