import type { Knex } from 'knex';
import { z } from 'zod';
import { type AuditEntry, type ChainPoint, linkHash } from '../audit/chain.ts';
import {
  type ActorKind,
  type AuditEvent,
  type AuditFields,
  type AuditType,
  type AuditValue,
  type Outcome,
  strayFields,
} from '../audit/events.ts';
import type { StoredLine } from '../audit/faults.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Db, kindOf, transaction } from './db.ts';
import { json, row, time, toMs } from './rows.ts';

/** Values come from `append` alone; its types are the closed lists of `audit/events.ts`, and the hash shows any change. */
const entryRow = row({
  seq: z.number(),
  at: time,
  type: z.custom<AuditType>((value) => typeof value === 'string'),
  actorKind: z.custom<ActorKind>((value) => typeof value === 'string'),
  actorId: z.string(),
  accountId: z.string().nullable(),
  clientId: z.string().nullable(),
  requestId: z.string().nullable(),
  outcome: z.custom<Outcome>((value) => typeof value === 'string'),
  reason: z.string().nullable(),
  data: json(z.record(z.string(), z.custom<AuditValue | AuditFields>())),
  prevHash: z.string(),
  hash: z.string(),
});

const headRow = z.object({ seq: z.number(), hash: z.string() });

const columns = [
  'seq',
  'at',
  'type',
  'actor_kind',
  'actor_id',
  'account_id',
  'client_id',
  'request_id',
  'outcome',
  'reason',
  'data',
  'prev_hash',
  'hash',
] as const;

/**
 * Writes the next link of the chain, in the transaction of what it tells of: both or neither (F-05, F-25). The head row
 * is locked from here to the commit, so links follow each other without a gap; make it the last thing in a transaction.
 * A field that the catalogue does not list throws: it could be personal.
 */
export async function append(db: Db, event: AuditEvent): Promise<AuditEntry> {
  const stray = strayFields(event);
  if (stray.length > 0) {
    throw new ShiminError('internal', {
      status: 500,
      message: `audit event ${event.type}: not in the catalogue: ${stray.join(', ')}`,
    });
  }
  return transaction(db, async (tx) => {
    const postgres = kindOf(tx) === 'postgres';
    const head = tx('audit_head').where({ id: 1 });
    const { seq: last, hash: prevHash } = headRow.parse(
      await (postgres ? head.forUpdate() : head).first('seq', 'hash'),
    );
    const seq = last + 1;
    const hash = linkHash(prevHash, seq, event);
    const values = [
      seq,
      event.at.getTime(),
      event.type,
      event.actor.kind,
      event.actor.id,
      event.accountId,
      event.clientId,
      event.requestId,
      event.outcome,
      event.reason,
      JSON.stringify(event.data),
      prevHash,
      hash,
    ];
    const insert = `insert into audit (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`;
    const move = 'update audit_head set seq = ?, hash = ? where id = 1';
    if (postgres) {
      // One round trip, so that the lock is short.
      await tx.raw(`with head as (${move}) ${insert}`, [seq, hash, ...values]);
    } else {
      await tx.raw(insert, values);
      await tx.raw(move, [seq, hash]);
    }
    return { ...event, seq, prevHash, hash };
  });
}

function toEntry(raw: unknown): AuditEntry {
  const { actorKind, actorId, ...entry } = entryRow.parse(raw);
  return { ...entry, actor: { kind: actorKind, id: actorId } };
}

/** What happened to an account, the newest first; `before` is the last seq of the page before. */
export async function activityOf(
  db: Db,
  accountId: string,
  page: { before?: number | undefined; limit: number },
): Promise<AuditEntry[]> {
  const entries = db('audit').where({ account_id: accountId }).orderBy('seq', 'desc').limit(page.limit);
  if (page.before !== undefined) entries.where('seq', '<', page.before);
  return (await entries).map(toEntry);
}

/** One of these at a time: each has its index. */
export interface AuditFilter {
  readonly accountId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly type?: string | undefined;
}

/** Which days; `until` is not among them. */
export interface AuditSpan {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

interface AuditPage extends AuditSpan {
  readonly before?: number | undefined;
  readonly limit: number;
}

/** The log, the newest first; `before` is the last seq of the page before. */
export async function auditPage(db: Db, filter: AuditFilter, page: AuditPage): Promise<AuditEntry[]> {
  return (await pageRows(db, filter, page)).map(toEntry);
}

/** The same as it is stored, so that a line somebody spoilt does not hide the others. */
export async function auditPageLines(db: Db, filter: AuditFilter, page: AuditPage): Promise<StoredLine[]> {
  return (await pageRows(db, filter, page)).map(toLine);
}

async function pageRows(db: Db, filter: AuditFilter, page: AuditPage): Promise<unknown[]> {
  const { from, to } = await seqsOf(db, page);
  const entries = filtered(db, filter).orderBy('seq', 'desc').limit(page.limit);
  if (page.before !== undefined) entries.where('seq', '<', page.before);
  if (from !== null) entries.where('seq', '>=', from);
  if (to !== null) entries.where('seq', '<=', to);
  return entries;
}

/** Each condition has its index with the number after it, so that a page is read in order however long the log is. */
function filtered(db: Db, { accountId, actorId, requestId, type }: AuditFilter): Knex.QueryBuilder {
  const entries = db('audit');
  if (accountId !== undefined) entries.where({ account_id: accountId });
  else if (actorId !== undefined) entries.where({ actor_id: actorId });
  else if (requestId !== undefined) entries.where({ request_id: requestId });
  else if (type !== undefined) entries.where({ type });
  return entries;
}

const seqRow = z.object({ seq: z.number() });

/** Times grow with numbers, so one look-up by each time makes it a condition on the number; null: none. */
export async function seqsOf(db: Db, { since, until }: AuditSpan): Promise<{ from: number | null; to: number | null }> {
  const found = async (entries: Knex.QueryBuilder, none: number) => {
    const first: unknown = await entries.first('seq');
    return first === undefined ? none : seqRow.parse(first).seq;
  };
  const at = db('audit');
  return {
    from:
      since === undefined
        ? null
        : await found(at.clone().where('at', '>=', toMs(since)).orderBy('at').orderBy('seq'), Number.MAX_SAFE_INTEGER),
    to:
      until === undefined
        ? null
        : await found(at.clone().where('at', '<', toMs(until)).orderBy('at', 'desc').orderBy('seq', 'desc'), 0),
  };
}

/** The chain in order, for verifying and export. */
export async function readAudit(db: Db, page: { afterSeq: number; limit: number }): Promise<AuditEntry[]> {
  const rows = await db('audit').where('seq', '>', page.afterSeq).orderBy('seq').limit(page.limit);
  return rows.map(toEntry);
}

/** Lines as they are stored, read or not, for verifying: a line that no longer reads is a finding, not a failure. */
export async function auditLines(db: Db, page: { afterSeq: number; limit: number }): Promise<StoredLine[]> {
  const rows = await db('audit').where('seq', '>', page.afterSeq).orderBy('seq').limit(page.limit);
  return rows.map(toLine);
}

/** Lines in their order, as they are stored, for an export. */
export async function auditRange(
  db: Db,
  filter: AuditFilter,
  { after, last, limit }: { after: number; last: number; limit: number },
): Promise<StoredLine[]> {
  const rows = await filtered(db, filter).where('seq', '>', after).where('seq', '<=', last).orderBy('seq').limit(limit);
  return rows.map(toLine);
}

/** A line as it is stored, with the one before and the one after. */
export async function linesAround(db: Db, seq: number): Promise<StoredLine[]> {
  const rows = await db('audit')
    .whereBetween('seq', [seq - 1, seq + 1])
    .orderBy('seq');
  return rows.map(toLine);
}

const stored = z.object({ seq: z.number(), prev_hash: z.string().catch(''), hash: z.string().catch('') });

function toLine(raw: unknown): StoredLine {
  const entry = entryRow.safeParse(raw);
  if (entry.success) {
    const { actorKind, actorId, ...rest } = entry.data;
    return { ...rest, actor: { kind: actorKind, id: actorId } };
  }
  const { seq, prev_hash: prevHash, hash } = stored.parse(raw);
  return { seq, prevHash, hash };
}

/** When the last line was written, by the clock of then; null: there is none. */
export async function newestLineAt(db: Db): Promise<Date | null> {
  const found = await db('audit').orderBy('seq', 'desc').first('at');
  return found === undefined ? null : z.object({ at: time }).parse(found).at;
}

/** The newest link; note it elsewhere from time to time, and a chain cut short will show. */
export async function auditHead(db: Db): Promise<ChainPoint> {
  return headRow.parse(await db('audit_head').where({ id: 1 }).first('seq', 'hash'));
}
