import { beforeAll, expect, it } from 'vitest';
import { randomToken } from '../../src/lib/crypto.ts';
import type { Database } from '../../src/storage/db.ts';
import { peek, prune, put, take, update } from '../../src/storage/pending.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, t0, testKeyring } from '../support/rows.ts';

withDatabases('pending ceremonies', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });
  const store = async (payload: unknown, id = randomToken()) => {
    await put(
      database.knex,
      { id, kind: 'k', interactionUid: 'i', accountId: null, payload, expiresAt: later(60) },
      testKeyring,
    );
    return id;
  };

  it('are taken by exactly one of 20', async () => {
    const id = await store({ challenge: 'x' });
    const won = await race(20, async () => (await take(database.knex, id, 'k', t0, testKeyring)) !== null);
    expect(won).toBe(1);
  });

  it('answer for their own kind, id and time only', async () => {
    const id = await store({ n: 1 });
    expect(await take(database.knex, id, 'other', t0, testKeyring)).toBeNull();
    expect(await take(database.knex, `${id}x`, 'k', t0, testKeyring)).toBeNull();
    expect(await take(database.knex, id, 'k', later(60), testKeyring)).toBeNull();
    expect(await peek(database.knex, id, 'k', later(59), testKeyring)).toEqual({ n: 1 });
    expect(await take(database.knex, id, 'k', later(59), testKeyring)).toEqual({ n: 1 });
    expect(await peek(database.knex, id, 'k', later(59), testKeyring)).toBeNull();
  });

  it('change while they are there, and put replaces', async () => {
    const id = await store({ n: 1 });
    expect(await update(database.knex, id, { n: 2 }, testKeyring)).toBe(true);
    await store({ n: 3 }, id);
    expect(await take(database.knex, id, 'k', t0, testKeyring)).toEqual({ n: 3 });
    expect(await update(database.knex, id, { n: 4 }, testKeyring)).toBe(false);
  });

  it('hold neither the id nor the payload readable at rest', async () => {
    const id = await store({ phone: '+8613800000009' });
    const rows = JSON.stringify(await database.knex('pending'));
    expect(rows).not.toContain(id);
    expect(rows).not.toContain('13800000009');
  });

  it('are pruned once too old', async () => {
    await database.knex('pending').delete();
    await store({});
    expect(await prune(database.knex, later(59))).toBe(0);
    expect(await prune(database.knex, later(60))).toBe(1);
  });
});
