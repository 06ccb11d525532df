import { z } from 'zod';
import { type Db, kindOf } from './db.ts';
import { json, row, time, timeOrNull, toMs } from './rows.ts';

export const changeStatuses = [
  'draft',
  'proposed',
  'scheduled',
  'published',
  'rejected',
  'withdrawn',
  'expired',
  'refused',
] as const;
export type ChangeStatus = (typeof changeStatuses)[number];

/** What one member of staff proposes and another decides. */
export interface Change {
  readonly id: string;
  /** A word of `commands/permissions.ts`. */
  readonly kind: string;
  /** By kind: `commands/change-payload.ts` parses it. */
  readonly payload: unknown;
  readonly reason: string;
  readonly status: ChangeStatus;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly proposedBy: string | null;
  readonly proposedAt: Date | null;
  /** The policy version that its author and its preview saw; null where none matters. */
  readonly basedOn: number | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly decisionReason: string | null;
  /** Not before; null: with the approval. */
  readonly publishAt: Date | null;
  /** After this it can't be approved any more; null: it waits. */
  readonly expiresAt: Date | null;
  readonly publishedAt: Date | null;
  readonly publishedVersion: number | null;
  /** The app it is about; null for other kinds. */
  readonly subject: string | null;
  /** Why an approved change was not published after all. */
  readonly refusal: string | null;
  /** Grows with each write. */
  readonly revision: number;
}

const intOrNull = z.number().nullable();
const changeRow = row({
  id: z.string(),
  kind: z.string(),
  payload: json(z.unknown()),
  reason: z.string(),
  status: z.enum(changeStatuses),
  createdBy: z.string(),
  createdAt: time,
  proposedBy: z.string().nullable(),
  proposedAt: timeOrNull,
  basedOn: intOrNull,
  decidedBy: z.string().nullable(),
  decidedAt: timeOrNull,
  decisionReason: z.string().nullable(),
  publishAt: timeOrNull,
  expiresAt: timeOrNull,
  publishedAt: timeOrNull,
  publishedVersion: intOrNull,
  subject: z.string().nullable(),
  refusal: z.string().nullable(),
  revision: z.number(),
});

export async function insertChange(tx: Db, change: Change): Promise<void> {
  await tx('changes').insert({
    id: change.id,
    kind: change.kind,
    payload: JSON.stringify(change.payload),
    reason: change.reason,
    status: change.status,
    created_by: change.createdBy,
    created_at: toMs(change.createdAt),
    proposed_by: change.proposedBy,
    proposed_at: toMs(change.proposedAt),
    based_on: change.basedOn,
    publish_at: toMs(change.publishAt),
    expires_at: toMs(change.expiresAt),
    subject: change.subject,
    revision: change.revision,
  });
}

export async function changeById(db: Db, id: string): Promise<Change | null> {
  const found = await db('changes').where({ id }).first();
  return found === undefined ? null : changeRow.parse(found);
}

/** The change, held until the end of the transaction, so that of two who decide at once the second sees the first. */
export async function lockChange(tx: Db, id: string): Promise<Change | null> {
  const query = tx('changes').where({ id });
  const found = await (kindOf(tx) === 'postgres' ? query.forUpdate() : query).first();
  return found === undefined ? null : changeRow.parse(found);
}

export type ChangeUpdate = Partial<
  Pick<
    Change,
    | 'payload'
    | 'reason'
    | 'status'
    | 'proposedBy'
    | 'proposedAt'
    | 'basedOn'
    | 'decidedBy'
    | 'decidedAt'
    | 'decisionReason'
    | 'publishAt'
    | 'expiresAt'
    | 'publishedAt'
    | 'publishedVersion'
    | 'refusal'
  >
>;

/** Writes on from the revision that was seen; false, and nothing written, if somebody else wrote meanwhile. */
export async function updateChange(tx: Db, id: string, revision: number, update: ChangeUpdate): Promise<boolean> {
  const columns: Record<string, string | number | null> = { revision: revision + 1 };
  for (const [name, value] of Object.entries(update)) {
    const column = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (name === 'payload') columns.payload = JSON.stringify(value);
    else if (value instanceof Date) columns[column] = toMs(value);
    else columns[column] = typeof value === 'string' || typeof value === 'number' ? value : null;
  }
  return (await tx('changes').where({ id, revision }).update(columns)) === 1;
}

/** Changes in these states, the newest first; `before` is the last id of the page before. */
export async function changesIn(
  db: Db,
  statuses: readonly ChangeStatus[],
  page: { before?: string | undefined; limit: number },
): Promise<Change[]> {
  const query = db('changes').whereIn('status', statuses).orderBy('id', 'desc').limit(page.limit);
  if (page.before !== undefined) query.where('id', '<', page.before);
  return (await query).map((raw) => changeRow.parse(raw));
}

const idRow = z.object({ id: z.string() });
const idsOf = (rows: unknown[]) => rows.map((raw) => idRow.parse(raw).id);

/** Scheduled ones whose time has come, in the order of their times. */
export async function dueChanges(db: Db, now: Date, limit = 100): Promise<string[]> {
  const due = db('changes').where({ status: 'scheduled' }).where('publish_at', '<=', toMs(now));
  return idsOf(await due.orderBy('publish_at').orderBy('id').limit(limit).select('id'));
}

/** Proposals that were left too long. */
export async function overdueProposals(db: Db, now: Date, limit = 100): Promise<string[]> {
  const old = db('changes').where({ status: 'proposed' }).where('expires_at', '<=', toMs(now));
  return idsOf(await old.orderBy('id').limit(limit).select('id'));
}

/** Changes of a kind that wait for somebody, the oldest first. */
export async function waitingChanges(db: Db, kind: string, subject: string | null): Promise<Change[]> {
  const query = db('changes').where({ kind, subject }).whereIn('status', ['proposed', 'scheduled']).orderBy('id');
  return (await query).map((raw) => changeRow.parse(raw));
}

/** Who proposed what became of an app, and so was told its secrets. */
export async function proposersOf(db: Db, kind: string, subject: string): Promise<string[]> {
  const rows = await db('changes').where({ kind, subject, status: 'published' }).distinct('proposed_by');
  return rows.flatMap((raw) => z.object({ proposed_by: z.string().nullable() }).parse(raw).proposed_by ?? []);
}

/** Nobody else proposes anything until this transaction ends (SQLite has one writer anyway). */
export async function lockProposals(tx: Db): Promise<void> {
  if (kindOf(tx) === 'postgres') await tx.raw("select pg_advisory_xact_lock(hashtext('shimin changes'))");
}
