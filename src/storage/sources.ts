import { z } from 'zod';
import { type Db, isTransaction } from './db.ts';
import { flag, row, time, toMs } from './rows.ts';
import { isCurrent, newWatch, noteWriter, type WriteWatch } from './write-watch.ts';

/** Where evidence comes from without a bridge; bridges are sources too, under their own ids. */
export const builtInSources = ['population', 'face', 'sms', 'counter'] as const;

export interface Source {
  readonly id: string;
  readonly enabled: boolean;
  readonly changedAt: Date;
  readonly changedBy: string;
  readonly reason: string;
  /** The change in which a second person confirms a kill. */
  readonly needsSecond: string | null;
}

const sourceRow = row({
  id: z.string(),
  enabled: flag,
  changedAt: time,
  changedBy: z.string(),
  reason: z.string(),
  needsSecond: z.string().nullable(),
});

/** The switches that were ever used; a source without a row is on. */
export async function sourceSwitches(db: Db): Promise<Source[]> {
  return (await db('sources').orderBy('id')).map((raw) => sourceRow.parse(raw));
}

export async function sourceById(db: Db, id: string): Promise<Source | null> {
  const found = await db('sources').where({ id }).first();
  return found === undefined ? null : sourceRow.parse(found);
}

/** Sets the switch; the next `disabledSources` of this process sees it once the transaction is over. */
export async function setSource(tx: Db, source: Source): Promise<void> {
  noteWriter(entryOf(tx).watch, tx);
  const values = {
    enabled: source.enabled,
    changed_at: toMs(source.changedAt),
    changed_by: source.changedBy,
    reason: source.reason,
    needs_second: source.needsSecond,
  };
  await tx('sources')
    .insert({ id: source.id, ...values })
    .onConflict('id')
    .merge(values);
}

/** The second person has looked; the switch stays as it is. */
export async function confirmSource(tx: Db, id: string, changeId: string): Promise<boolean> {
  return (await tx('sources').where({ id, needs_second: changeId }).update({ needs_second: null })) === 1;
}

interface Cached {
  disabled: ReadonlySet<string>;
  checkedAt: number;
  generation: number;
  readonly watch: WriteWatch;
}

/** Per database (its settings object is shared with its transactions), gone with it. */
const cache = new WeakMap<object, Cached>();
const CHECK_EVERY_MS = 1_000;

function entryOf(db: Db): Cached {
  const key: object = db.client.config;
  const entry = cache.get(key) ?? { disabled: new Set(), checkedAt: 0, generation: -1, watch: newWatch() };
  cache.set(key, entry);
  return entry;
}

/**
 * Sources whose evidence does not count now. A switch of this process is seen by the very next call, one of another node
 * within a second; asked at every decision, so it is a set in memory in between.
 */
export async function disabledSources(db: Db): Promise<ReadonlySet<string>> {
  const entry = entryOf(db);
  const now = performance.now();
  if (isCurrent(entry.watch, entry.generation) && now - entry.checkedAt < CHECK_EVERY_MS) return entry.disabled;
  const { generation } = entry.watch;
  const rows = await db('sources').where({ enabled: false }).select('id');
  const disabled = new Set(rows.map((raw) => z.object({ id: z.string() }).parse(raw).id));
  // Inside a transaction an uncommitted switch may have been read: it is answered, not kept.
  if (!isTransaction(db) && isCurrent(entry.watch, generation)) {
    Object.assign(entry, { disabled, checkedAt: now, generation });
  }
  return disabled;
}
