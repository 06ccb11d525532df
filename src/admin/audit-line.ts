import type { Context } from 'koa';
import { describeChanges } from '../assurance/preview.ts';
import type { AuditEntry } from '../audit/chain.ts';
import { isWhole, placeOf, type StoredLine } from '../audit/faults.ts';
import { noteLook } from '../commands/note-look.ts';
import { may } from '../commands/permissions.ts';
import { ShiminError } from '../lib/errors.ts';
import { linesAround } from '../storage/audit.ts';
import { headCovering } from '../storage/audit-heads.ts';
import { openNote } from '../storage/audit-notes.ts';
import { policyByVersion } from '../storage/policies.ts';
import { dateFormats } from '../web/dates.ts';
import { localeOf } from '../web/preferences.ts';
import { auditWords } from './audit-words.ts';
import { type AdminHandler, type AdminRoute, byOf, page, param, type Staff } from './context.ts';
import type { AdminDeps } from './deps.ts';
import { policyWords } from './policy-words.ts';

export const linePath = '/admin/audit/:seq';

/** One line in words: what, by whom, about whom, what changed, and whether it is what was written. */
const show: AdminHandler = async (deps, ctx, staff) => render(deps, ctx, staff, null);

/** What a colleague wrote about the person: reading it is a look at their record. */
const readNote: AdminHandler = async (deps, ctx, staff) => {
  const { line } = await stored(deps, ctx);
  const sealed = isWhole(line) ? line.data.note : null;
  if (!isWhole(line) || typeof sealed !== 'string' || line.accountId === null)
    throw new ShiminError('not_found', { status: 404 });
  const { accountId, seq, type, at } = line;
  await noteLook(deps, { by: byOf(ctx, staff), accountId, what: 'audit_note', ref: String(seq) });
  const text = await openNote(deps.db, deps.keyring, { accountId, type, at }, sealed);
  return render(deps, ctx, staff, { text });
};

async function render(
  deps: AdminDeps,
  ctx: Context,
  staff: Staff,
  opened: { text: string | null } | null,
): Promise<void> {
  const { line, before, after } = await stored(deps, ctx);
  const head = await headCovering(deps.db, line.seq);
  const { date } = dateFormats(localeOf(ctx, deps.renderer.i18n));
  page(deps, ctx, staff, 'audit-line', {
    seq: line.seq,
    earlier: before === null ? null : before.seq,
    later: after === null ? null : after.seq,
    chain: {
      prevHash: line.prevHash,
      hash: line.hash,
      place: placeOf(before, line, after),
      head: head === null ? null : { seq: head.seq, day: date(head.at) },
    },
    note: isWhole(line) && typeof line.data.note === 'string' ? { opened } : null,
    line: isWhole(line) ? await told(deps, ctx, staff, line) : null,
  });
}

/** The line of the address with its neighbours. */
async function stored(
  deps: AdminDeps,
  ctx: Context,
): Promise<{ line: StoredLine; before: StoredLine | null; after: StoredLine | null }> {
  const seq = Number(param(ctx, 'seq'));
  const lines = Number.isSafeInteger(seq) && seq > 0 ? await linesAround(deps.db, seq) : [];
  const at = (wanted: number) => lines.find((each) => each.seq === wanted) ?? null;
  const line = at(seq);
  if (line === null) throw new ShiminError('not_found', { status: 404 });
  return { line, before: at(seq - 1), after: at(seq + 1) };
}

async function told(deps: AdminDeps, ctx: Context, staff: Staff, line: AuditEntry): Promise<object> {
  const words = await auditWords(deps, ctx, [line]);
  const { accountId, actor, clientId, requestId, data } = line;
  return {
    type: words.type(line.type),
    code: line.type,
    at: line.at,
    outcome: line.outcome,
    reason: words.reason(line.reason),
    who: { ...words.actor(line), id: actor.id, url: searchUrl('actor', actor.id) },
    about: accountId === null ? null : { id: accountId, links: linksTo(staff, accountId) },
    app: clientId === null ? null : { name: words.app(clientId), url: `/admin/apps/${encodeURIComponent(clientId)}` },
    request: requestId === null ? null : { id: requestId, url: searchUrl('request', requestId) },
    facts: words.facts(data).map((fact) => ({ ...fact, url: placeUrl(fact.name, data) })),
    differences: await differences(deps, ctx, line),
    changes: words.changes(data),
    omitted: typeof data.omitted === 'number' ? data.omitted : 0,
  };
}

const searchUrl = (by: string, value: string) => `/admin/audit?${new URLSearchParams({ [by]: value })}`;

/** What this member of staff may open about a person. */
function linksTo(staff: Staff, accountId: string): { text: string; url: string }[] {
  const id = encodeURIComponent(accountId);
  return [
    { text: 'audit.same_person', url: searchUrl('account', accountId) },
    ...(may(staff.roles, 'decision.explain')
      ? [{ text: 'audit.their_decisions', url: `/admin/decisions?account=${id}` }]
      : []),
    ...(may(staff.roles, 'person.read') ? [{ text: 'audit.their_record', url: `/admin/people/${id}` }] : []),
  ];
}

/** Where a number in the line leads, if there is a page of it. */
function placeUrl(name: string, data: AuditEntry['data']): string | null {
  const value = data[name];
  if (typeof value !== 'string') return null;
  const id = encodeURIComponent(value);
  if (name === 'changeId') return `/admin/approvals/${id}`;
  if (name === 'ref' && data.what === 'decision') return `/admin/decisions/${id}`;
  if (name === 'app') return `/admin/apps/${id}`;
  if (name === 'bridge') return `/admin/bridges/${id}`;
  return name === 'source' ? '/admin/sources' : null;
}

/** New rules by what they mean, not by their fields alone. */
async function differences(deps: AdminDeps, ctx: Context, line: AuditEntry): Promise<string[]> {
  const { version, previous } = line.data;
  if (line.type !== 'policy.published' || typeof version !== 'number' || typeof previous !== 'number') return [];
  const [old, next] = await Promise.all([policyByVersion(deps.db, previous), policyByVersion(deps.db, version)]);
  if (old === null || next === null) return [];
  const words = await policyWords(deps, ctx, [old.document, next.document]);
  return describeChanges(old.document, next.document).flatMap((difference) => words.lines(difference));
}

export const auditLineRoutes: readonly AdminRoute[] = [
  { method: 'get', path: linePath, operation: 'audit.read', handler: show },
  { method: 'post', path: `${linePath}/note`, operation: 'audit.note', handler: readNote },
];
