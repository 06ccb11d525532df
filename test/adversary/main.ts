import { randomInt, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../support/global-setup.ts';
import { type Plant, plants } from './plants.ts';
import { type Found, hunt } from './run.ts';
import { play } from './sequence.ts';
import { startWorld } from './world.ts';

/**
 * `npm run adversary -- --minutes N [--seed S] [--database sqlite|postgres] [--planted [NAME]] [--play FILE]`: plays dishonest
 * people against a city until the time is over. With `--planted` faults are put back one by one, and each must be found.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '5' },
    /** Plays one sequence: a file of its acts, one a line, as they are printed. */
    play: { type: 'string' },
    seed: { type: 'string' },
    database: { type: 'string' },
    planted: { type: 'boolean', default: false },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const ms = Number(values.minutes) * 60_000;
const kinds = values.database === undefined ? (['sqlite', 'postgres'] as const) : [values.database];
const [name] = positionals;
const wanted: readonly (Plant | null)[] = values.planted
  ? plants.filter((plant) => name === undefined || name === plant.name)
  : [null];
if (wanted.length === 0) throw new Error(`no fault is called ${name}`);

let bad = 0;
for (const kind of kinds) {
  const server = kind === 'postgres' ? await startPostgres() : null;
  for (const plant of wanted) {
    const place = await freshUrl(server?.url ?? null);
    const world = await startWorld(place.url, plant);
    const started = Date.now();
    // Each kind of database has its share of the time; a planted fault has all of it.
    const budget = values.planted ? ms : ms / kinds.length;
    if (values.play !== undefined) {
      const lines = (await readFile(values.play, 'utf8')).split('\n').filter((line) => line.trim() !== '');
      const acts = lines.map((each) => JSON.parse(each));
      const { wrong } = await play(world, acts);
      for (const line of wrong) console.log(`  ${line}`);
      await world.close();
      await place.remove();
      continue;
    }
    const { sequences, acts, found } = await hunt(world, {
      seed,
      ms: budget,
      ...(plant === null ? {} : { shrink: 20_000 }),
    });
    await world.close();
    await place.remove();
    const seconds = Math.round((Date.now() - started) / 1000);
    const what = plant === null ? kind : `${kind}, planted ${plant.name}`;
    console.log(
      `${what}: ${sequences} sequences, ${acts} acts in ${seconds} s, seed ${seed}: ${found ? 'FOUND' : 'nothing'}`,
    );
    if (found) tell(found);
    if ((found === null) === (plant !== null)) bad += 1;
  }
  await server?.stop();
}
process.exit(bad === 0 ? 0 : 1);

function tell({ wrong, sequence, seed: again }: Found): void {
  for (const line of wrong) console.log(`  ${line}`);
  for (const act of sequence) console.log(`    ${JSON.stringify(act)}`);
  console.log(`  again: --seed ${again}`);
}

async function freshUrl(server: string | null): Promise<{ url: string; remove(): Promise<void> }> {
  if (server === null) {
    const folder = await mkdtemp(join(tmpdir(), 'shimin-adversary-db-'));
    return { url: `sqlite:${join(folder, 'db')}`, remove: () => rm(folder, { recursive: true, force: true }) };
  }
  const name = `a_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, remove: async () => undefined };
}
