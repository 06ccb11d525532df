import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect, type Database, migrate } from '../../src/storage/db.ts';
import { openRows } from '../../src/storage/oidc-models/rows.ts';
import type { Step, Steps } from '../../src/storage/oidc-models/sqlite-statements.ts';
import { type SqliteThread, sqliteThread } from '../../src/storage/sqlite-thread.ts';
import { type FreshDatabase, freshDatabase } from '../support/databases.ts';

let fresh: FreshDatabase;
let database: Database;
let thread: SqliteThread;
beforeEach(async () => {
  fresh = await freshDatabase('sqlite');
  database = connect(fresh.url);
  await migrate(database.knex);
  const made = sqliteThread(database.knex);
  if (!made) throw new Error('no thread for a file');
  thread = made;
});
afterEach(async () => {
  await database.close();
  await fresh.remove();
});

const put = (key: string, model: string | null = 'Grant'): Step => [
  'put',
  [key, null, null, null, null, '{}', null, model],
];
const job = (...steps: Step[]): Steps => ({ steps, first: null });
const stored = async () => (await database.knex('oidc_models').orderBy('key').pluck('key')).join();

it('a job that fails takes back its own steps and nobody else’s', async () => {
  const outcomes = await thread.write([job(put('a')), job(put('b'), put('c', null)), job(put('d'))]);
  expect(outcomes).toMatchObject([
    { changes: [1] },
    { fault: { code: 'SQLITE_CONSTRAINT_NOTNULL' } },
    { changes: [1] },
  ]);
  expect(await stored()).toBe('a,d');
});

it('what follows a step that changes nothing is left out, if it hangs on it', async () => {
  const consume: Step = ['consume', [1, 'gone', 1]];
  expect(await thread.write([{ steps: [put('a'), consume, put('b')], first: 1 }])).toEqual([{ changes: [1, 0] }]);
  expect(await stored()).toBe('a');
});

it('reads see what was committed before, here and elsewhere', async () => {
  await thread.write([job(put('a'))]);
  await database.knex('oidc_models').where({ key: 'a' }).update({ payload: '{"b":1}' });
  expect((await thread.rows('find', ['a', 0]))[0]?.[6]).toBe('{"b":1}');
});

it('commands and the thread’s writes take turns: hundreds at once, none is refused as busy', async () => {
  const rows = openRows(database);
  const writes = Array.from({ length: 300 }, (_, i) => rows.insertReplay(`k${i}`, 10, 0));
  const commands = Array.from({ length: 100 }, (_, i) =>
    database.knex.transaction(async (tx) => {
      await tx('oidc_replays').insert({ key: `c${i}`, expires_at: 10 });
      await tx('oidc_replays')
        .where({ key: `c${i}` })
        .update({ expires_at: 20 });
    }),
  );
  expect(new Set(await Promise.all(writes))).toEqual(new Set([true]));
  await Promise.all(commands);
  expect(await database.knex('oidc_replays').count('* as n').first()).toEqual({ n: 400 });
});

it('ends after what it was asked for before', async () => {
  const written = thread.write([job(put('a'))]);
  const synced = thread.sync();
  await thread.close();
  await Promise.all([written, synced]);
  expect(await stored()).toBe('a');
});

it('a database that another process holds is said to be busy, once', async () => {
  const other = new BetterSqlite3(fresh.url.slice('sqlite:'.length));
  other.exec('begin immediate');
  const started = performance.now();
  await expect(thread.write([job(put('a')), job(put('b'))])).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  expect(performance.now() - started).toBeLessThan(9_000);
  other.exec('rollback');
  other.close();
  expect(await thread.write([job(put('a')), job(put('b'))])).toHaveLength(2);
});

it('after its end whoever waited is told, and the next ask starts another', async () => {
  await thread.write([job(put('a'))]);
  // Values that SQLite can't bind by place end the statement, not the thread.
  await expect(thread.rows('find', ['a'])).rejects.toThrow(/parameter/);
  await thread.close();
  expect(await thread.rows('find', ['a', 0])).toHaveLength(1);
  await thread.sync();
});

it('there is none for a database in memory', async () => {
  const memory = connect('sqlite::memory:');
  expect(sqliteThread(memory.knex)).toBeNull();
  await migrate(memory.knex);
  const rows = openRows(memory);
  expect(await rows.insertReplay('k', 10, 0)).toBe(true);
  expect(await rows.insertReplay('k', 10, 0)).toBe(false);
  await memory.close();
});
