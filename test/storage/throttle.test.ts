import { beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/storage/db.ts';
import { clearFailures, countFailure, failuresOf } from '../../src/storage/failures.ts';
import { clear, giveBack, hit, pruneThrottles } from '../../src/storage/throttle.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, t0 } from '../support/rows.ts';

withDatabases('throttles', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });
  const rule = (bucket: string, seconds: number, changes = {}) => ({
    bucket,
    limit: 3,
    windowSec: 60,
    lockSec: 300,
    now: later(seconds),
    ...changes,
  });

  it('allows the limit, locks, does not lengthen the lock by further hits, and starts anew after it', async () => {
    const tries = [];
    for (const second of [0, 1, 2, 3, 4, 302, 303, 304, 305, 306])
      tries.push(await hit(database.knex, rule('a', second)));
    expect(tries.map((answer) => answer.allowed)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(tries[3]?.retryAfterSec).toBe(300);
    expect(tries[5]?.retryAfterSec).toBe(1);
  });

  it('without a lock refuses until the window ends only', async () => {
    const tries = [];
    for (const second of [0, 1, 2, 3, 59, 60, 61])
      tries.push(await hit(database.knex, rule('b', second, { lockSec: 0 })));
    expect(tries.map((answer) => answer.allowed)).toEqual([true, true, true, false, false, true, true]);
    expect(tries[3]?.retryAfterSec).toBe(57);
  });

  it('lets exactly the limit through of 20 parallel hits', async () => {
    expect(await race(20, async () => (await hit(database.knex, rule('c', 0))).allowed)).toBe(3);
  });

  it('allows nothing at limit 0, keeps buckets apart and forgets on clear', async () => {
    expect((await hit(database.knex, rule('d', 0, { limit: 0 }))).allowed).toBe(false);
    for (let i = 0; i < 4; i += 1) await hit(database.knex, rule('e', i));
    expect((await hit(database.knex, rule('f', 0))).allowed).toBe(true);
    await clear(database.knex, 'e');
    expect((await hit(database.knex, rule('e', 5))).allowed).toBe(true);
  });

  it('does not open a lock when the clock jumps back (F-32)', async () => {
    for (let i = 0; i < 4; i += 1) await hit(database.knex, rule('g', i));
    expect((await hit(database.knex, rule('g', -3600))).allowed).toBe(false);
  });

  it('prunes what is over and nothing else', async () => {
    await database.knex('throttles').delete();
    for (let i = 0; i < 4; i += 1) await hit(database.knex, rule('locked', 0));
    await hit(database.knex, rule('over', 0));
    expect(await pruneThrottles(database.knex, later(61))).toBe(1);
    expect((await hit(database.knex, rule('locked', 62))).allowed).toBe(false);
  });

  it('takes back what came to a good end, but nothing of a bucket that is shut', async () => {
    for (let i = 0; i < 3; i += 1) {
      expect((await hit(database.knex, rule('h', 0))).allowed).toBe(true);
      await giveBack(database.knex, 'h', later(0));
    }
    for (let i = 0; i < 3; i += 1) expect((await hit(database.knex, rule('h', 1))).allowed).toBe(true);
    expect((await hit(database.knex, rule('h', 2))).allowed).toBe(false);
    await giveBack(database.knex, 'h', later(3));
    expect((await hit(database.knex, rule('h', 4))).allowed).toBe(false);
  });

  it('counts consecutive failures with no window, until a success (N-33)', async () => {
    const { knex } = database;
    await Promise.all(Array.from({ length: 20 }, () => countFailure(knex, 'totp:x', t0)));
    expect(await countFailure(knex, 'totp:x', later(86_400 * 365))).toBe(21);
    expect(await failuresOf(knex, 'totp:x')).toEqual({ count: 21, lastAt: later(86_400 * 365) });
    expect((await failuresOf(knex, 'totp:y')).count).toBe(0);
    await clearFailures(knex, 'totp:x');
    expect((await failuresOf(knex, 'totp:x')).count).toBe(0);
  });

  it('lets no more than 100 tries be looked at, side by side as well', async () => {
    const counted = await Promise.all(Array.from({ length: 120 }, () => countFailure(database.knex, 'totp:z', t0)));
    expect(counted.filter((each) => each !== null).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });
});
