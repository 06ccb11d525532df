import { z } from 'zod';
import { sha256b64u } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { row, time, timeOrNull, toMs } from './rows.ts';

/** A draft that is, or was, tried beside the policy in force. */
export interface Shadow {
  readonly changeId: string;
  readonly since: Date;
  readonly setBy: string;
  readonly stoppedAt: Date | null;
}

const shadowRow = row({ changeId: z.string(), since: time, setBy: z.string(), stoppedAt: timeOrNull });

export async function shadowById(db: Db, changeId: string): Promise<Shadow | null> {
  const found = await db('shadows').where({ change_id: changeId }).first();
  return found === undefined ? null : shadowRow.parse(found);
}

/** What is tried now: no more than is still open for a decision. Looked for every other second. */
export async function activeShadows(db: Db): Promise<{ changeId: string; revision: number }[]> {
  const rows = await db('shadows as s')
    .join('changes as c', 'c.id', 's.change_id')
    .whereNull('s.stopped_at')
    .whereIn('c.status', ['draft', 'proposed', 'scheduled'])
    .orderBy('s.change_id')
    .select('s.change_id', 'c.revision');
  return rows.map((raw) => activeRow.parse(raw));
}

const activeRow = row({ changeId: z.string(), revision: z.number() });

/** Tried from now on; begun again where it was before. */
export async function startShadow(tx: Db, shadow: Omit<Shadow, 'stoppedAt'>): Promise<void> {
  const { changeId, since, setBy } = shadow;
  await tx('shadows')
    .insert({ change_id: changeId, since: toMs(since), set_by: setBy, stopped_at: null })
    .onConflict('change_id')
    .merge();
}

/** Ends it; false: it was not tried. */
export async function stopShadow(tx: Db, changeId: string, at: Date): Promise<boolean> {
  const running = tx('shadows').where({ change_id: changeId }).whereNull('stopped_at');
  return (await running.update({ stopped_at: toMs(at) })) === 1;
}

/** One outcome under a draft, by app and day of the city's calendar (20261123). */
export interface ShadowCount {
  readonly changeId: string;
  /** Of which text of the draft: see `contentKey`. */
  readonly content: string;
  readonly day: number;
  readonly clientId: string;
  readonly outcome: string;
  readonly count: number;
}

/** What a draft says, told from what it said before somebody edited it: only the same can be added up. */
export const contentKey = (payload: unknown): string => sha256b64u(JSON.stringify(payload)).slice(0, 22);

export async function addShadowCounts(tx: Db, counts: readonly ShadowCount[]): Promise<void> {
  const keyOf = (item: ShadowCount) =>
    JSON.stringify([item.changeId, item.content, item.day, item.clientId, item.outcome]);
  // Always in one order: two processes that write the same rows wait for each other, not each for the other.
  for (const item of counts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const { changeId, content, day, clientId, outcome, count } = item;
    await tx('shadow_counts')
      .insert({ change_id: changeId, content, day, client_id: clientId, outcome, count })
      .onConflict(['change_id', 'content', 'day', 'client_id', 'outcome'])
      .merge({ count: tx.raw('shadow_counts.count + excluded.count') });
  }
}

const countRow = row({
  changeId: z.string(),
  content: z.string(),
  day: z.number(),
  clientId: z.string(),
  outcome: z.string(),
  count: z.number(),
});

/** What was counted under this text of a draft, day after day. */
export async function shadowCounts(db: Db, changeId: string, content: string): Promise<ShadowCount[]> {
  const rows = await db('shadow_counts')
    .where({ change_id: changeId, content })
    .orderBy(['day', 'client_id', 'outcome']);
  return rows.map((raw) => countRow.parse(raw));
}
