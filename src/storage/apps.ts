import { z } from 'zod';
import { type Db, kindOf } from './db.ts';
import { json, row, time, toMs } from './rows.ts';
import { newWatch, noteWriter, type WriteWatch } from './write-watch.ts';

/** A relying party: its OpenID Connect client metadata and what people are told about it, per locale. */
export interface App {
  /** client_id. */
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly name: Readonly<Record<string, string>>;
  readonly purpose: Readonly<Record<string, string>>;
  readonly ownerName: string;
  readonly createdAt: Date;
}

/** Switched off in the console or over the Admin API: as if there were no such app, until it is switched on again. */
export const isEnabled = (app: Pick<App, 'metadata'>): boolean => app.metadata.shimin_disabled !== true;

const texts = json(z.record(z.string(), z.string()));
const appRow = row({
  id: z.string(),
  metadata: json(z.record(z.string(), z.unknown())),
  name: texts,
  purpose: texts,
  ownerName: z.string(),
  createdAt: time,
});

/** Per database (its settings object is shared with its transactions), gone with it. */
const watches = new WeakMap<object, WriteWatch>();

/** What whoever remembers apps must know of this process's own writers of them. */
export function appsWatch(db: Db): WriteWatch {
  const key: object = db.client.config;
  const watch = watches.get(key) ?? newWatch();
  watches.set(key, watch);
  return watch;
}

/** Registers or changes an app; the time of registration stays. */
export async function saveApp(db: Db, app: App, at: Date = app.createdAt): Promise<void> {
  noteWriter(appsWatch(db), db);
  const texts = {
    metadata: JSON.stringify(app.metadata),
    name: JSON.stringify(app.name),
    purpose: JSON.stringify(app.purpose),
    owner_name: app.ownerName,
    updated_at: toMs(at),
  };
  await db('apps')
    .insert({ id: app.id, created_at: toMs(app.createdAt), ...texts })
    .onConflict('id')
    .merge(texts);
}

/** Registers a new app; false when there is one of that id, of any number of callers for all but one. */
export async function insertApp(db: Db, app: App): Promise<boolean> {
  noteWriter(appsWatch(db), db);
  const at = toMs(app.createdAt);
  const inserted = await db('apps')
    .insert({
      id: app.id,
      metadata: JSON.stringify(app.metadata),
      name: JSON.stringify(app.name),
      purpose: JSON.stringify(app.purpose),
      owner_name: app.ownerName,
      created_at: at,
      updated_at: at,
    })
    .onConflict('id')
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

export async function findApp(db: Db, id: string): Promise<App | null> {
  const found = await db('apps').where({ id }).first();
  return found === undefined ? null : appRow.parse(found);
}

/** The same inside a transaction, kept from changing until it ends (SQLite has one writer anyway). */
export async function lockApp(tx: Db, id: string): Promise<App | null> {
  const query = tx('apps').where({ id }).first();
  if (kindOf(tx) === 'postgres') query.forUpdate();
  const found = await query;
  return found === undefined ? null : appRow.parse(found);
}

/** In the order of their ids, from one on. */
export async function appsAfter(db: Db, after: string, limit: number): Promise<App[]> {
  return (await db('apps').where('id', '>', after).orderBy('id').limit(limit)).map((raw) => appRow.parse(raw));
}

export async function listApps(db: Db): Promise<App[]> {
  return (await db('apps').orderBy('id')).map((raw) => appRow.parse(raw));
}
