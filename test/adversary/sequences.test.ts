import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase } from '../support/databases.ts';
import { plants } from './plants.ts';
import { hunt } from './run.ts';
import { startWorld } from './world.ts';

const root = resolve(import.meta.dirname, '../..');
/** The same sequences on every machine and day, as many as half a minute holds: `npm run adversary` takes others each time. */
const seed = 207_870_000;
const most = 8;
const ms = 90_000;

describe.each(databaseKinds)('dishonest people, on %s', (kind) => {
  it(`find nothing in half a minute, seed ${seed}`, { timeout: 240_000 }, async () => {
    const fresh = await freshDatabase(kind);
    const world = await startWorld(fresh.url);
    try {
      const { sequences, acts, found } = await hunt(world, { seed, ms, most });
      process.stdout.write(`adversary on ${kind}: ${sequences} sequences, ${acts} acts, seed ${seed}\n`);
      const told =
        found === null ? '' : `${found.wrong.join('\n')}\n${JSON.stringify(found.sequence)}\nseed ${found.seed}`;
      expect(told).toBe('');
      expect(acts).toBeGreaterThan(9);
    } finally {
      await world.close();
      await fresh.remove();
    }
  });
});

describe('the planted faults', () => {
  it('are ten at least, each of its own name', () => {
    expect(new Set(plants.map(({ name }) => name)).size).toBe(plants.length);
    expect(plants.length).toBeGreaterThanOrEqual(10);
  });

  it.each(plants)('$name still has its one place in our code, and changes it', async ({ file, from, to }) => {
    expect((await readFile(join(root, file), 'utf8')).split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
  });
});
