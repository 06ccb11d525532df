import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { runCli } from '../src/cli.ts';
import { connect } from '../src/storage/db.ts';
import { type FreshDatabase, freshDatabase } from './support/databases.ts';

/** Configuration as code, as an operator types it. */
describe.each(['sqlite', 'postgres'] as const)('policy and client files [%s]', (kind) => {
  let folder: string;
  let fresh: FreshDatabase;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shimin-files-'));
    fresh = await freshDatabase(kind);
    expect((await run(['migrate'])).code).toBe(0);
    expect((await run(['seed'])).code).toBe(0);
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
  async function save(name: string, content: unknown): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, typeof content === 'string' ? content : stringify(content));
    return file;
  }
  const policy = async () => parse((await run(['policy', 'export'])).out);

  it('what is exported changes nothing, by file or standard input', async () => {
    const { out } = await run(['policy', 'export']);
    expect(out).toMatch(/^# version 1\n/);
    expect(await run(['policy', 'diff', await save('same.yaml', out)])).toEqual({
      code: 0,
      out: 'no difference',
      err: '',
    });
    expect(await run(['policy', 'diff', '-'], out)).toMatchObject({ code: 0 });
    const applied = await run(['policy', 'apply', '-', '--by', 'ana', '--json'], out);
    expect(JSON.parse(applied.out)).toEqual({ status: 'unchanged', version: 1, changeId: null });
    expect(JSON.parse((await run(['policy', 'export', '--json'])).out).version).toBe(1);
  });

  it('raise an app’s level: diff says it, one proposes, another publishes; and back', async () => {
    const next = await policy();
    next.apps.library = { floor: 'urn:shimin:loa:2' };
    const file = await save('raised.yaml', next);
    const diff = await run(['policy', 'diff', file]);
    expect(diff.code).toBe(1);
    expect(diff.out).toContain('library');
    const apply = async (by: string, path = file) =>
      JSON.parse((await run(['policy', 'apply', path, '--by', by, '--reason', 'records', '--json'])).out);
    expect(await apply('ana')).toMatchObject({ status: 'proposed', version: 1 });
    expect(await apply('Ana')).toMatchObject({ status: 'waiting', version: 1 });
    expect((await policy()).apps.library.floor).toBe('urn:shimin:loa:1');
    expect(await apply('ben')).toMatchObject({ status: 'published', version: 2 });
    expect(await apply('ana')).toMatchObject({ status: 'unchanged', version: 2 });
    expect((await policy()).apps.library.floor).toBe('urn:shimin:loa:2');
    next.apps.library.floor = 'urn:shimin:loa:1';
    const back = await save('back.yaml', next);
    expect(await apply('ben', back)).toMatchObject({ status: 'proposed' });
    expect(await apply('ana', back)).toMatchObject({ status: 'published', version: 3 });
    expect((await run(['policy', 'diff', back])).code).toBe(0);
    const database = connect(fresh.url);
    const lines = await database.knex('audit').where('type', 'like', 'change.%').orderBy('seq');
    await database.close();
    expect(lines.map(({ type }) => type)).toEqual(expect.arrayContaining(['change.proposed']));
    expect(JSON.stringify(lines)).toContain('operator:ana');
    expect(JSON.stringify(lines)).toContain('operator:ben');
  });

  it('a wrong file is refused whole, naming every fault and where it is', async () => {
    const wrong = await policy();
    wrong.apps.library = { floor: 'urn:nobody' };
    wrong.levels[0].dominates = ['urn:nobody'];
    const refused = await run(['policy', 'apply', await save('wrong.yaml', wrong), '--by', 'ana']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('apps.library.floor');
    expect(refused.err).toContain('levels.0.dominates');
    expect(await run(['policy', 'diff', '-'], 'a: 1\na: 2\n')).toMatchObject({
      code: 1,
      err: expect.stringContaining('line 2'),
    });
    expect(await run(['policy', 'apply', '-', '--by', 'ana'], 'nothing')).toMatchObject({ code: 1 });
    expect(await run(['policy', 'diff', join(folder, 'gone.yaml')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('gone.yaml'),
    });
    expect((await run(['policy', 'apply', '-'], 'x')).code).not.toBe(0);
    expect(await run(['policy', 'apply', '-', '--by', 'a b'], 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--by'),
    });
  });

  it('apps: registered and changed by a file, secrets kept, others left alone', async () => {
    const before = parse((await run(['client', 'export'])).out);
    const app = {
      id: 'parks',
      name: { en: 'Parks', 'zh-Hans': '公园' },
      purpose: { en: 'Book a court', 'zh-Hans': '预订场地' },
      owner: 'Parks office',
      metadata: {
        redirect_uris: ['https://parks.example/callback'],
        client_secret: 'a-secret-of-at-least-32-characters',
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    };
    const file = await save('apps.yaml', { apps: [app] });
    const diff = await run(['client', 'diff', file, '--json']);
    expect(diff.code).toBe(1);
    expect(JSON.parse(diff.out).changes).toEqual([{ id: 'parks', change: 'new', fields: [] }]);
    expect(await run(['client', 'apply', file, '--by', 'ana'])).toMatchObject({ code: 0, out: 'parks: new' });
    const exported = parse((await run(['client', 'export'])).out);
    expect(exported.apps).toHaveLength(before.apps.length + 1);
    expect(JSON.stringify(exported)).not.toContain('a-secret');
    // As it comes out it goes in again, without the secret and without a change.
    const own = { apps: exported.apps.filter(({ id }: { id: string }) => id === 'parks') };
    expect(await run(['client', 'diff', await save('own.yaml', own)])).toMatchObject({ code: 0, out: 'parks: same' });
    own.apps[0].metadata.redirect_uris = ['https://parks.example/back'];
    own.apps[0].owner = 'Parks and gardens';
    const changed = await save('changed.yaml', own);
    expect((await run(['client', 'diff', changed])).out).toBe('parks: changed (metadata.redirect_uris, owner)');
    const database = connect(fresh.url);
    const secret = async () =>
      (await database.knex('apps').where({ id: 'parks' }).first()).metadata.match(/"client_secret":"([^"]+)"/)?.[1];
    const kept = await secret();
    expect(await run(['client', 'apply', changed, '--by', 'ben'])).toMatchObject({ code: 0 });
    expect(await run(['client', 'apply', changed, '--by', 'ben'])).toMatchObject({ code: 0, out: 'parks: same' });
    expect(await secret()).toBe(kept);
    expect(kept).toMatch(/^sha256\.[\w-]{43}$/);
    await database.close();
  });

  it('a wrong file of apps is refused whole', async () => {
    const wrong = { apps: [{ id: 'x y', name: {}, purpose: {}, owner: '', metadata: { client_secret: 'short' } }] };
    const refused = await run(['client', 'apply', await save('bad.yaml', wrong), '--by', 'ana']);
    expect(refused.code).toBe(1);
    for (const part of ['apps.0.id', 'apps.0.owner', 'apps.0.metadata.client_secret'])
      expect(refused.err).toContain(part);
    const twice = parse((await run(['client', 'export'])).out);
    twice.apps.push(structuredClone(twice.apps[0]));
    expect((await run(['client', 'diff', await save('twice.yaml', twice)])).err).toContain('twice');
  });
});
