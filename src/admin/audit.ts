import type { Context } from 'koa';
import type { AuditEntry } from '../audit/chain.ts';
import { auditEvents } from '../audit/events.ts';
import { isWhole } from '../audit/faults.ts';
import { type AuditFilter, auditPageLines } from '../storage/audit.ts';
import { dateFormats } from '../web/dates.ts';
import { localeOf } from '../web/preferences.ts';
import { type AuditWords, auditWords } from './audit-words.ts';
import { type AdminHandler, type AdminRoute, page, query, wordsOf } from './context.ts';
import type { AdminDeps } from './deps.ts';

const path = '/admin/audit';
const pageSize = 50;
const filters = ['account', 'actor', 'request', 'type'] as const;
const names = [...filters, 'since', 'day'] as const;
export type AuditQuery = Readonly<Record<(typeof names)[number], string | undefined>>;

/** What was asked for, by the names of the form. */
export function auditQuery(read: (name: string) => string | undefined): AuditQuery {
  const of = (name: string) => read(name)?.trim().slice(0, 255) || undefined;
  return {
    account: of('account'),
    actor: of('actor'),
    request: of('request'),
    type: of('type'),
    since: of('since'),
    day: of('day'),
  };
}

/** One of the first four, in this order, and whole days of the city's calendar. */
export function filterOf(given: AuditQuery): AuditFilter & { since?: Date; until?: Date } {
  const by = filters.find((name) => given[name] !== undefined);
  const filter: AuditFilter = {
    ...(by === 'account' ? { accountId: given.account } : {}),
    ...(by === 'actor' ? { actorId: given.actor } : {}),
    ...(by === 'request' ? { requestId: given.request } : {}),
    ...(by === 'type' ? { type: given.type } : {}),
  };
  const [since, until] = [moment(given.since, '00:00:00'), moment(given.day, '24:00:00')];
  return { ...filter, ...(since ? { since } : {}), ...(until ? { until } : {}) };
}

function moment(day: string | undefined, time: string): Date | null {
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const at = new Date(`${day}T${time}+08:00`);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** The log, the newest line first. Reading it is an auditor's work and nobody else's. */
const audit: AdminHandler = async (deps, ctx, staff) => {
  const values = auditQuery((name) => query(ctx, name));
  const { since, until, ...filter } = filterOf(values);
  const before = Number(query(ctx, 'before') ?? Number.NaN);
  const found = await auditPageLines(deps.db, filter, {
    limit: pageSize + 1,
    ...(Number.isSafeInteger(before) ? { before } : {}),
    ...{ since, until },
  });
  const shown = found.slice(0, pageSize);
  const words = await auditWords(deps, ctx, shown.filter(isWhole));
  const given = new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  page(deps, ctx, staff, 'audit', {
    values,
    types: auditEvents
      .map(({ type }) => ({ type, text: words.type(type) }))
      .toSorted((a, b) => a.text.localeCompare(b.text, localeOf(ctx, deps.renderer.i18n))),
    lines: shown.map((line) => ({
      seq: line.seq,
      url: `${path}/${line.seq}`,
      told: isWhole(line) ? toldShort(words, line) : null,
    })),
    olderUrl: found.length > pageSize ? `${path}?${withBefore(given, shown.at(-1)?.seq ?? 0)}` : null,
    shownBy: shownBy(deps, ctx, values, words),
  });
};

const toldShort = (words: AuditWords, line: AuditEntry) => ({
  at: line.at,
  type: words.type(line.type),
  who: words.actor(line),
  outcome: line.outcome,
  reason: words.reason(line.reason),
});

/** What the list was narrowed down to, in words. */
function shownBy(deps: AdminDeps, ctx: Context, values: AuditQuery, words: AuditWords): string[] {
  const t = wordsOf(deps, ctx);
  const { date } = dateFormats(localeOf(ctx, deps.renderer.i18n));
  const used = filters.find((name) => values[name] !== undefined);
  return names.flatMap((name) => {
    const value = values[name];
    if (value === undefined) return [];
    if (name === 'since' || name === 'day') {
      const at = moment(value, '12:00:00');
      return at === null ? [] : [t(`audit.shown_by.${name}`, { value: date(at) })];
    }
    return name === used ? [t(`audit.shown_by.${name}`, { value: name === 'type' ? words.type(value) : value })] : [];
  });
}

function withBefore(given: URLSearchParams, seq: number): string {
  const next = new URLSearchParams(given);
  next.set('before', String(seq));
  return next.toString();
}

export const auditRoutes: readonly AdminRoute[] = [{ method: 'get', path, operation: 'audit.read', handler: audit }];
