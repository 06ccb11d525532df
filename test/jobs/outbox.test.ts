import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { backOff, type Deliver, startOutbox } from '../../src/jobs/outbox.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { transaction } from '../../src/storage/db.ts';
import { enqueue } from '../../src/storage/outbox.ts';
import { withDatabases } from '../support/databases.ts';
import { testKeyring } from '../support/rows.ts';

const until = async (done: () => boolean | Promise<boolean>, ms = 5_000) => {
  for (const end = Date.now() + ms; !(await done()); ) {
    if (Date.now() > end) throw new Error('did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

withDatabases('outbox job', (makeDb) => {
  const running: { stop(): Promise<void> }[] = [];
  let aside: string[] = [];
  afterEach(async () => {
    for (const outbox of running.splice(0)) await outbox.stop();
  });

  const setUp = async (deliver: Deliver, options: { everyMs?: number; inOrder?: boolean } = {}) => {
    const { knex: db } = await makeDb();
    const lines: unknown[] = [];
    aside = [];
    const note = (...line: unknown[]) => void lines.push(line);
    const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
    const outbox = startOutbox({
      db,
      clock: systemClock,
      keyring: testKeyring,
      log,
      handlers: { test: deliver },
      onSetAside: (queue) => void aside.push(queue),
      ...options,
    });
    running.push(outbox);
    const send = (target: string, payload: unknown = {}, kind = 'test') =>
      transaction(db, (tx) => enqueue(tx, { kind, target, payload, at: new Date() }, testKeyring));
    return { db, outbox, send, lines };
  };

  it('is woken by the commit itself, not by its timer', async () => {
    const seen: unknown[] = [];
    const note: Deliver = async ({ payload }) => {
      seen.push(payload);
      return false;
    };
    // The next look would be in an hour.
    const { db, send, lines } = await setUp(note, { everyMs: 3_600_000 });
    for (let i = 0; i < 20; i += 1) {
      await send('a', { i });
      await until(() => seen.length > i);
    }
    const undone = transaction(db, async (tx) => {
      await enqueue(tx, { kind: 'test', target: 'a', payload: 'undone', at: new Date() }, testKeyring);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await send('a', 'last');
    await until(() => seen.includes('last'));
    expect(seen).toHaveLength(21);
    expect(lines).toEqual([]);
  });

  it('a target that hangs or fails holds up no other, and a message comes until it is delivered', async () => {
    const tries: string[] = [];
    let mended = false;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { db, send } = await setUp(async ({ target }) => {
      tries.push(target);
      if (target === 'hangs') await held;
      if (target === 'fails' && !mended) throw new Error('away');
      return false;
    });
    await send('hangs');
    for (let i = 0; i < 30; i += 1) await send('fails');
    await until(async () => (await db('outbox').where({ target: 'fails' }).where('attempts', '>', 0)).length === 30);
    await send('well');
    await until(() => tries.includes('well'), 1_000);
    // The others of a target that just failed were not tried on it.
    expect(tries.filter((target) => target === 'fails').length).toBeLessThan(25);
    mended = true;
    await until(async () => (await db('outbox').where({ target: 'fails' })).length === 0, 8_000);
    release();
    await until(async () => (await db('outbox')).length === 0);
  });

  it('where order matters, what is for one target comes one after another, and what is for others in between', async () => {
    const seen: unknown[] = [];
    let failing = true;
    const { db, send } = await setUp(
      async ({ target, payload }) => {
        if (failing && target === 'a') throw new Error('away');
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        seen.push(`${target}${payload}`);
        return false;
      },
      { inOrder: true },
    );
    for (let i = 0; i < 10; i += 1) await send('a', i);
    for (let i = 0; i < 3; i += 1) await send('b', i);
    await until(() => seen.length === 3);
    failing = false;
    await until(async () => (await db('outbox')).length === 0);
    expect(seen).toEqual(['b0', 'b1', 'b2', ...Array.from({ length: 10 }, (_, i) => `a${i}`)]);
  });

  it('leaves kinds it does not know, and what a handler removed itself', async () => {
    const { db, send } = await setUp(async ({ id }) => {
      await db('outbox').where({ id }).delete();
      return true;
    });
    await send('a', {}, 'of a later version');
    await send('a');
    await until(async () => (await db('outbox')).length === 1);
    expect(await db('outbox').first('kind', 'attempts')).toEqual({ kind: 'of a later version', attempts: 0 });
  });

  it('waits for what is under way, but not for ever', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { outbox, send } = await setUp(async () => {
      await held;
      return false;
    });
    await send('a');
    const started = performance.now();
    await outbox.settled(100);
    expect(performance.now() - started).toBeGreaterThan(90);
    let stopped = false;
    const stop = outbox.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stopped).toBe(false);
    release();
    await stop;
  });

  it.each([false, true])(
    'an unreadable row is set aside and stops nothing behind it (in order: %s)',
    async (inOrder) => {
      const seen: unknown[] = [];
      const { db, outbox, send } = await setUp(
        async ({ payload }) => {
          seen.push(z.object({ i: z.number() }).parse(payload).i);
          return false;
        },
        { inOrder, everyMs: 3_600_000 },
      );
      await outbox.settled(1_000);
      const id = await send('b', { i: 0 }, 'waiting');
      // Sealed under a key that is gone, and one of another version's shape: both first in line.
      await db('outbox').where({ id }).update({ kind: 'test', target: 'a', payload: 'v1.not-to-be-opened' });
      const odd = await send('a', { other: true }, 'waiting');
      await db('outbox').where({ id: odd }).update({ kind: 'test' });
      for (const i of [1, 2, 3]) await send('a', { i });
      await until(() => seen.length === 3);
      expect(seen).toEqual([1, 2, 3]);
      await until(async () => (await db('outbox')).length === 2);
      const left = await db('outbox').orderBy('id');
      expect(left.map((row) => [row.id, row.set_aside_at !== null])).toEqual([
        [id, true],
        [odd, true],
      ]);
      expect(aside).toEqual(['outbox', 'outbox']);
    },
  );
});

it('waits longer after each failure, never longer than ten minutes and a fifth', () => {
  expect([1, 2, 3, 4].map((attempts) => backOff(attempts, 0.5))).toEqual([500, 1_000, 2_000, 4_000]);
  expect(backOff(1, 0)).toBe(400);
  expect(backOff(50, 1)).toBe(720_000);
});
