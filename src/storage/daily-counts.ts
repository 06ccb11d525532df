import { z } from 'zod';
import type { Db } from './db.ts';

/** `signin`: app, outcome, level; `method`: method, outcome, app; `source`: source, outcome; `journey`: app, ended or left, page; `odd`: what, source. */
export const countKinds = ['signin', 'method', 'source', 'journey', 'odd'] as const;
export type CountKind = (typeof countKinds)[number];

export interface DailyCount {
  /** In the city's calendar: 20261123. */
  readonly day: number;
  readonly kind: CountKind;
  readonly a: string;
  readonly b: string;
  readonly c: string;
  readonly count: number;
}

const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' });

export function dayOf(at: Date): number {
  return Number(calendar.format(at).replaceAll('-', ''));
}

/** Adds up what is the same, so that each row is written once. */
export async function addCounts(tx: Db, counts: readonly Omit<DailyCount, 'count'>[]): Promise<void> {
  const sums = new Map<string, DailyCount>();
  for (const item of counts) {
    const key = JSON.stringify([item.day, item.kind, item.a, item.b, item.c]);
    sums.set(key, { ...item, count: (sums.get(key)?.count ?? 0) + 1 });
  }
  for (const { day, kind, a, b, c, count } of sums.values()) {
    await tx('daily_counts')
      .insert({ day, kind, a, b, c, count })
      .onConflict(['kind', 'day', 'a', 'b', 'c'])
      .merge({ count: tx.raw('daily_counts.count + excluded.count') });
  }
}

const countRow = z.object({
  day: z.number(),
  kind: z.enum(countKinds),
  a: z.string(),
  b: z.string(),
  c: z.string(),
  count: z.number(),
});

export async function countsSince(db: Db, kind: CountKind, day: number): Promise<DailyCount[]> {
  const rows = await db('daily_counts').where({ kind }).where('day', '>=', day).orderBy(['day', 'a', 'b', 'c']);
  return rows.map((raw) => countRow.parse(raw));
}

/** Up to where a source of counts was counted. */
export async function rollupMark(db: Db, name: string): Promise<string> {
  const found = await db('rollup_marks').where({ name }).first('mark');
  return found === undefined ? '' : z.object({ mark: z.string() }).parse(found).mark;
}

/** Moves the mark on from where it was seen; false: another process counted the same, and this transaction must not. */
export async function moveMark(tx: Db, name: string, from: string, to: string): Promise<boolean> {
  if (from === '') {
    const result = await tx('rollup_marks').insert({ name, mark: to }).onConflict('name').ignore().returning('name');
    return result.length === 1;
  }
  return (await tx('rollup_marks').where({ name, mark: from }).update({ mark: to })) === 1;
}
