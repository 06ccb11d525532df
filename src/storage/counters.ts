import { z } from 'zod';
import type { Db } from './db.ts';
import { flag, json, row } from './rows.ts';

const texts = z.record(z.string(), z.string());

/** A place where people are checked in person. */
export interface Counter {
  readonly id: string;
  /** By language. */
  readonly names: Readonly<Record<string, string>>;
  /** Where it is, by language. */
  readonly places: Readonly<Record<string, string>>;
  readonly open: boolean;
}

const counterRow = row({ id: z.string(), names: json(texts), places: json(texts), open: flag });

/** All of them, in the order of their ids; a city has dozens. */
export async function listCounters(db: Db): Promise<Counter[]> {
  return (await db('service_counters').orderBy('id')).map((raw) => counterRow.parse(raw));
}

export async function findCounter(db: Db, id: string): Promise<Counter | null> {
  const found = await db('service_counters').where({ id }).first();
  return found === undefined ? null : counterRow.parse(found);
}

/** Whether there is anywhere to go. */
export async function anyCounter(db: Db): Promise<boolean> {
  return (await db('service_counters').where({ open: true }).first('id')) !== undefined;
}

/** Writes a counter as it is from now on; false if it was so already. */
export async function saveCounter(db: Db, counter: Counter): Promise<boolean> {
  const { id, open } = counter;
  const known = await findCounter(db, id);
  if (known !== null && JSON.stringify(ordered(known)) === JSON.stringify(ordered(counter))) return false;
  const values = { names: JSON.stringify(counter.names), places: JSON.stringify(counter.places), open };
  await db('service_counters')
    .insert({ id, ...values })
    .onConflict('id')
    .merge(values);
  return true;
}

const sorted = (of: Readonly<Record<string, string>>) => Object.entries(of).toSorted(([a], [b]) => (a < b ? -1 : 1));
const ordered = ({ names, places, open }: Counter) => [sorted(names), sorted(places), open];
