import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { runCli } from '../src/cli.ts';
import { decideChange } from '../src/commands/decide-change.ts';
import { systemClock } from '../src/lib/clock.ts';
import { readSecrets } from '../src/secrets.ts';
import { connect } from '../src/storage/db.ts';
import { assignRole } from '../src/storage/staff.ts';
import { type FreshDatabase, freshDatabase } from './support/databases.ts';
import { storedAccount } from './support/rows.ts';

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
  /** Somebody on the staff, by the id of their account. */
  async function member(role: string): Promise<string> {
    const { knex: db, close } = connect(fresh.url);
    const { id } = await storedAccount(db);
    await assignRole(db, { accountId: id, role, grantedBy: 'test', at: new Date() });
    await close();
    return id;
  }
  /** In the console, where whoever decides has signed in. */
  async function approve(changeId: string, accountId: string): Promise<void> {
    const { knex: db, close } = connect(fresh.url);
    const deps = { db, keyring: await readSecrets(join(folder, 'secrets.json')), clock: systemClock };
    const by = { accountId, cause: { requestId: null, clientId: 'admin' } };
    await decideChange(deps, { by, id: changeId, revision: 2, decision: 'approve', reason: '' }).catch(() =>
      decideChange(deps, { by, id: changeId, revision: 1, decision: 'approve', reason: '' }),
    );
    await close();
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
    const applied = await run(['policy', 'apply', '-', '--by', await member('owner'), '--json'], out);
    expect(JSON.parse(applied.out)).toEqual({ status: 'unchanged', version: 1, changeId: null });
    expect(JSON.parse((await run(['policy', 'export', '--json'])).out).version).toBe(1);
  });

  it('raise an app’s level: diff says it, one proposes, another publishes in the console; and back', async () => {
    const [ana, ben] = [await member('assurance_admin'), await member('assurance_admin')];
    const next = await policy();
    next.apps.library = { floor: 'urn:shimin:loa:2' };
    const file = await save('raised.yaml', next);
    const diff = await run(['policy', 'diff', file]);
    expect(diff.code).toBe(1);
    expect(diff.out).toContain('library');
    const apply = async (by: string, path = file) =>
      JSON.parse((await run(['policy', 'apply', path, '--by', by, '--reason', 'records', '--json'])).out);
    const proposed = await apply(ana);
    expect(proposed).toMatchObject({ status: 'proposed', version: 1 });
    expect(await apply(ana)).toMatchObject({ status: 'waiting', version: 1, changeId: proposed.changeId });
    // Whoever sits at the command line can type a colleague's name, too: nothing is decided there.
    expect(await apply(ben)).toMatchObject({ status: 'waiting', version: 1, changeId: proposed.changeId });
    expect((await policy()).apps.library.floor).toBe('urn:shimin:loa:1');
    await approve(proposed.changeId, ben);
    expect(await apply(ana)).toMatchObject({ status: 'unchanged', version: 2 });
    expect((await policy()).apps.library.floor).toBe('urn:shimin:loa:2');
    next.apps.library.floor = 'urn:shimin:loa:1';
    const back = await save('back.yaml', next);
    const again = await apply(ben, back);
    expect(again).toMatchObject({ status: 'proposed' });
    await approve(again.changeId, ana);
    expect((await run(['policy', 'diff', back])).code).toBe(0);
    const database = connect(fresh.url);
    const lines = await database.knex('audit').where('type', 'like', 'change.%').orderBy('seq');
    await database.close();
    const proposals = lines.filter(({ type }) => type === 'change.proposed');
    expect(proposals.map(({ client_id, actor_id }) => [client_id, actor_id])).toEqual([
      ['cli', ana],
      ['cli', ben],
    ]);
  });

  it('name whoever applies them: a member of staff who is there and may do it', async () => {
    const next = await policy();
    next.apps.library = { floor: 'urn:shimin:loa:3' };
    const file = await save('higher.yaml', next);
    const apply = (by: string) => run(['policy', 'apply', file, '--by', by]);
    const { knex: db, close } = connect(fresh.url);
    const { id: citizen } = await storedAccount(db);
    const gone = await member('owner');
    await db('staff').where({ account_id: gone }).update({ revoked_at: Date.now() });
    await close();
    for (const by of ['ana', 'operator:ana', 'app:robot', '+8613800000000', citizen, gone])
      expect(await apply(by)).toEqual({ code: 1, out: '', err: expect.stringContaining('no member of staff') });
    expect(await apply(await member('auditor'))).toMatchObject({
      code: 1,
      err: expect.stringContaining('requirement.propose'),
    });
    expect(await run(['client', 'apply', '-', '--by', await member('owner')], 'apps: []')).toMatchObject({ code: 1 });
  });

  it('a wrong file is refused whole, naming every fault and where it is', async () => {
    const wrong = await policy();
    wrong.apps.library = { floor: 'urn:nobody' };
    wrong.levels[0].dominates = ['urn:nobody'];
    const by = await member('owner');
    const refused = await run(['policy', 'apply', await save('wrong.yaml', wrong), '--by', by]);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('apps.library.floor');
    expect(refused.err).toContain('levels.0.dominates');
    expect(await run(['policy', 'diff', '-'], 'a: 1\na: 2\n')).toMatchObject({
      code: 1,
      err: expect.stringContaining('line 2'),
    });
    expect(await run(['policy', 'apply', '-', '--by', by], 'nothing')).toMatchObject({ code: 1 });
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
    const [ana, ben] = [await member('app_admin'), await member('owner')];
    /** Proposed at the command line, approved in the console: what became of the first app. */
    const applied = async (path: string) => {
      const answer = await run(['client', 'apply', path, '--by', ana, '--json']);
      expect(answer.err).toBe('');
      const [change] = JSON.parse(answer.out).changes;
      return change;
    };
    const app = {
      id: 'parks',
      name: { en: 'Parks', 'zh-Hans': '公园' },
      purpose: { en: 'Book a court', 'zh-Hans': '预订场地' },
      owner: 'Parks office',
      metadata: {
        redirect_uris: ['https://parks.example/callback'],
        client_secret: 'a-secret-of-at-least-32-characters',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    };
    const file = await save('apps.yaml', { apps: [app] });
    const diff = await run(['client', 'diff', file, '--json']);
    expect(diff.code).toBe(1);
    expect(JSON.parse(diff.out).changes).toEqual([{ id: 'parks', change: 'new', fields: [] }]);
    const made = await applied(file);
    expect(made).toMatchObject({ id: 'parks', change: 'proposed' });
    expect(await applied(file)).toMatchObject({ change: 'waiting', changeId: made.changeId });
    expect(parse((await run(['client', 'export'])).out)).toEqual(before);
    await approve(made.changeId, ben);
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
    const moved = await applied(changed);
    expect(moved).toMatchObject({ change: 'proposed' });
    await approve(moved.changeId, ben);
    expect(await applied(changed)).toMatchObject({ change: 'same' });
    // What people only read is saved at once.
    own.apps[0].owner = 'Gardens';
    expect(await applied(await save('owner.yaml', own))).toEqual({
      ...{ id: 'parks', change: 'changed', fields: ['owner'], changeId: null },
    });
    expect(await secret()).toBe(kept);
    expect(kept).toMatch(/^sha256\.[\w-]{43}$/);
    await database.close();
  });

  it('a wrong file of apps is refused whole', async () => {
    const wrong = { apps: [{ id: 'x y', name: {}, purpose: {}, owner: '', metadata: { client_secret: 'short' } }] };
    const refused = await run(['client', 'apply', await save('bad.yaml', wrong), '--by', await member('app_admin')]);
    expect(refused.code).toBe(1);
    for (const part of ['apps.0.id', 'apps.0.owner', 'apps.0.metadata.client_secret'])
      expect(refused.err).toContain(part);
    const twice = parse((await run(['client', 'export'])).out);
    twice.apps.push(structuredClone(twice.apps[0]));
    expect((await run(['client', 'diff', await save('twice.yaml', twice)])).err).toContain('twice');
  });
});
