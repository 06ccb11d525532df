import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { demoCounters } from '../../seeds/counters.ts';
import { runCli } from '../../src/cli.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { connect } from '../../src/storage/db.ts';
import { type FreshDatabase, freshDatabase } from '../support/databases.ts';

let folder: string;
let fresh: FreshDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shimin-counters-'));
  fresh = await freshDatabase('sqlite');
  await run(['migrate']);
  await run(['seed']);
});
afterAll(async () => {
  await fresh.remove();
  await rm(folder, { recursive: true, force: true });
});

async function run(argv: string[], input = '') {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(argv, {
    env: { SHIMIN_DATABASE_URL: fresh.url, SHIMIN_SECRETS: join(folder, 'secrets.json'), SHIMIN_LOG_LEVEL: 'silent' },
    input: Readable.from([input]),
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    onSignal: () => undefined,
    exitNow: () => undefined,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}
const apply = (content: unknown) => run(['counter', 'apply', '-', '--by', 'ana'], stringify(content));

it('a city brings its own counters, as a file, and an installation has none before', async () => {
  expect(parse((await run(['counter', 'export'])).out)).toEqual([]);
  const changed = await apply(demoCounters);
  expect(changed).toEqual({ code: 0, out: 'changed: bay-port, civic-centre-1, civic-centre-2', err: '' });
  expect(parse((await run(['counter', 'export'])).out)).toEqual(demoCounters);
  expect((await run(['counter', 'apply', '-', '--by', 'ana'], (await run(['counter', 'export'])).out)).out).toBe(
    'nothing to change',
  );
  expect((await apply([{ ...demoCounters[0], open: false }])).out).toBe('changed: bay-port');
  const database = connect(fresh.url);
  const [line] = (await readAudit(database.knex, { afterSeq: 0, limit: 1000 })).slice(-1);
  await database.close();
  expect(line).toMatchObject({
    type: 'counter.saved',
    actor: { kind: 'operator', id: 'operator:ana' },
    data: { counters: ['bay-port'] },
  });
});

it('refuses a wrong file whole, and names every fault', async () => {
  const before = (await run(['counter', 'export'])).out;
  const [first, second] = demoCounters;
  const { code, err } = await apply([
    { ...first, id: 'New Hall' },
    { ...second, names: { en: 'Hall' }, hours: '9-5' },
  ]);
  expect(code).not.toBe(0);
  for (const place of ['0.id', '1.names.pt', '1.names.zh-Hant', '1: ']) expect(err).toContain(place);
  expect((await apply([first, structuredClone(first)])).err).toContain('each id once');
  expect((await apply({})).code).not.toBe(0);
  expect((await run(['counter', 'export'])).out).toBe(before);
});
