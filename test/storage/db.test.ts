import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import { ShiminError } from '../../src/lib/errors.ts';
import { connect, type Database, migrate, transaction } from '../../src/storage/db.ts';
import { storageFault } from '../../src/storage/faults.ts';
import { freshDatabase, withDatabases } from '../support/databases.ts';

withDatabases('database', (makeDb, kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });
  const value = async (name: string) => (await database.knex('counters').where({ name }).first('value'))?.value;
  const add = (db: Parameters<typeof transaction>[0], name: string) =>
    transaction(db, (tx) => tx('counters').insert({ name, value: 1 }));

  it('answers bigint as number', async () => {
    await database.knex('counters').insert({ name: 'big', value: 1_763_888_888_888 });
    expect(await value('big')).toBe(1_763_888_888_888);
  });

  it('keeps all of a transaction or nothing, nested ones joined', async () => {
    await transaction(database, async (tx) => {
      await add(tx, 'a');
      await transaction(tx, (inner) => add(inner, 'b'));
    });
    expect([await value('a'), await value('b')]).toEqual([1, 1]);
    const failing = transaction(database.knex, async (tx) => {
      await add(tx, 'c');
      throw new ShiminError('bad_request');
    });
    await expect(failing).rejects.toMatchObject({ code: 'bad_request' });
    expect(await value('c')).toBeUndefined();
  });

  it('refuses at once to use db inside its own transaction, and only there', async () => {
    const started = performance.now();
    const wrong = transaction(database.knex, async () => database.knex('counters').select());
    await expect(wrong).rejects.toThrow(/use its tx and not db/);
    await expect(transaction(database.knex, () => add(database.knex, 'd'))).rejects.toThrow(/use its tx/);
    expect(performance.now() - started).toBeLessThan(1_000);
    const other = await makeDb();
    await transaction(database.knex, () => add(other.knex, 'e'));
    expect(await database.knex('counters').where({ name: 'key_epoch' })).toHaveLength(1);
  });

  it('runs many transactions at once without losing an increment', async () => {
    await database.knex('counters').insert({ name: 'n', value: 0 });
    const one = () =>
      transaction(database.knex, async (tx) => {
        const lock =
          kind === 'postgres' ? tx('counters').where({ name: 'n' }).forUpdate() : tx('counters').where({ name: 'n' });
        const { value: n } = await lock.first();
        await tx('counters')
          .where({ name: 'n' })
          .update({ value: n + 1 });
      });
    await Promise.all(Array.from({ length: 50 }, one));
    expect(await value('n')).toBe(50);
  });
});

describe('sqlite', () => {
  it('runs in WAL, FULL, with foreign keys, and waits for another process that writes', async () => {
    const fresh = await freshDatabase('sqlite');
    const database = connect(fresh.url);
    await migrate(database.knex);
    const pragma = async (name: string) => Object.values((await database.knex.raw(`pragma ${name}`))[0])[0];
    expect([await pragma('journal_mode'), await pragma('synchronous'), await pragma('foreign_keys')]).toEqual([
      'wal',
      2,
      1,
    ]);
    const orphan = database
      .knex('evidence')
      .insert({ id: 'x', account_id: 'nobody', kind: '', source: '', strength: '', confirmed: '', recorded_at: 0 });
    await expect(orphan).rejects.toThrow(/FOREIGN KEY/);
    // Another connection holds the write lock for 400 ms. It needs a thread: better-sqlite3 waits without yielding.
    const code = `
      const { workerData, parentPort } = require('node:worker_threads');
      const db = new (require('better-sqlite3'))(workerData);
      db.exec("begin immediate; insert into counters (name, value) values ('theirs', 1)");
      parentPort.postMessage('locked');
      setTimeout(() => { db.exec('commit'); db.close(); }, 400);`;
    const worker = new Worker(code, { eval: true, workerData: fresh.url.slice('sqlite:'.length) });
    await new Promise((resolve) => worker.once('message', resolve));
    await transaction(database.knex, async (tx) => {
      // Read first, write later: what a deferred transaction would fail at.
      expect(await tx('counters').where({ name: 'theirs' })).toHaveLength(1);
      await tx('counters').insert({ name: 'ours', value: 1 });
    });
    await worker.terminate();
    await database.close();
    await fresh.remove();
  });

  it('says clearly that the optional driver is not installed', () => {
    expect(() => connect('sqlite::memory:', { sqliteDriver: 'sqlite3' })).toThrow(/npm install sqlite3/);
  });

  it('takes no other kind of URL', () => {
    expect(() => connect('mysql://x')).toThrow(ShiminError);
  });
});

describe('postgres', () => {
  it('runs a transaction again after a serialization failure, three times at most', async () => {
    const fresh = await freshDatabase('postgres');
    const database = connect(fresh.url);
    let runs = 0;
    const failing = (times: number) =>
      transaction(database.knex, async (tx) => {
        runs += 1;
        if (runs <= times) await tx.raw(`do $$ begin raise exception using errcode = '40001'; end $$`);
        return runs;
      });
    expect(await failing(3)).toBe(4);
    runs = 0;
    await expect(failing(4)).rejects.toMatchObject({ code: '40001' });
    await database.close();
    await fresh.remove();
  });

  it('answers 503 within two seconds when the server is gone, and comes back by itself (F-17, F-19)', async () => {
    const gone = connect('postgres://nobody@127.0.0.1:1/none');
    const started = performance.now();
    await expect(gone.knex('counters').first()).rejects.toMatchObject({
      code: 'storage_unavailable',
      status: 503,
      retryAfter: 2,
    });
    expect(performance.now() - started).toBeLessThan(2_000);
    await gone.close();
    const fresh = await freshDatabase('postgres');
    const database = connect(fresh.url, { poolMax: 1 });
    const killed = transaction(database.knex, (tx) => tx.raw('select pg_terminate_backend(pg_backend_pid())'));
    await expect(killed).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await database.knex.raw('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] });
    await database.close();
    await fresh.remove();
  });
});

describe('storageFault', () => {
  it.each(['57P01', '08006', 'ECONNREFUSED', 'SQLITE_BUSY', 'SQLITE_FULL', '25006', '53300'])(
    '%s is the state of the database',
    (code) => {
      expect(storageFault(Object.assign(new Error('x'), { code }))).toMatchObject({ code: 'storage_unavailable' });
    },
  );
  it.each(['23505', 'SQLITE_CONSTRAINT_UNIQUE', '42601', ''])('%s is ours', (code) => {
    expect(storageFault(Object.assign(new Error('x'), { code }))).toBeNull();
  });
});
