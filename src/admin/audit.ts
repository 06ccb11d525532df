import { auditEvents } from '../audit/events.ts';
import { type AuditFilter, auditPage } from '../storage/audit.ts';
import { type AdminHandler, type AdminRoute, page, query } from './context.ts';
import { namesOf } from './names.ts';

const path = '/admin/audit';
const pageSize = 50;
const filters = ['account', 'actor', 'request', 'type'] as const;

/** The log, the newest line first. Reading it is an auditor's work and nobody else's. */
const audit: AdminHandler = async (deps, ctx, staff) => {
  const values = Object.fromEntries([...filters, 'day'].map((name) => [name, query(ctx, name)?.slice(0, 255)]));
  const filter: AuditFilter = {
    accountId: values.account,
    actorId: values.actor,
    requestId: values.request,
    type: values.type,
  };
  const before = Number(query(ctx, 'before') ?? Number.NaN);
  const found = await auditPage(deps.db, filter, {
    limit: pageSize + 1,
    ...(Number.isSafeInteger(before) ? { before } : {}),
    ...endOf(values.day),
  });
  const shown = found.slice(0, pageSize);
  const nameOf = await namesOf(
    deps,
    shown.flatMap(({ actor }) => (actor.kind === 'staff' ? [actor.id] : [])),
  );
  const given = new URLSearchParams(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : [])));
  page(deps, ctx, staff, 'audit', {
    values,
    types: auditEvents.map(({ type }) => type),
    lines: shown.map((entry) => ({
      ...entry,
      who: entry.actor.kind === 'staff' ? nameOf(entry.actor.id) : entry.actor.id,
      fields: Object.entries(entry.data).map(([name, value]) => ({
        name,
        value: Array.isArray(value) ? value.join(', ') : String(value ?? ''),
      })),
    })),
    olderUrl: found.length > pageSize ? `${path}?${withBefore(given, shown.at(-1)?.seq ?? 0)}` : null,
    filtered: given.size > 0,
  });
};

function withBefore(given: URLSearchParams, seq: number): string {
  const next = new URLSearchParams(given);
  next.set('before', String(seq));
  return next.toString();
}

/** The whole day in the city's calendar. */
function endOf(day: string | undefined): { until?: Date } {
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return {};
  const until = new Date(`${day}T24:00:00+08:00`);
  return Number.isNaN(until.getTime()) ? {} : { until };
}

export const auditRoutes: readonly AdminRoute[] = [{ method: 'get', path, operation: 'audit.read', handler: audit }];
