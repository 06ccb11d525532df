import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkHash } from '../../src/audit/chain.ts';
import type { AuditEvent } from '../../src/audit/events.ts';
import { runCli } from '../../src/cli.ts';
import { verifyAudit } from '../../src/cli-audit.ts';
import { connect, type Database, migrate } from '../../src/storage/db.ts';
import { type FreshDatabase, freshDatabase } from '../support/databases.ts';

const event = (i: number): AuditEvent => ({
  at: new Date(1_763_888_000_000 + i * 100),
  type: i % 3 === 0 ? 'authentication.succeeded' : 'consent.given',
  actor: { kind: 'citizen', id: `account-${i % 1000}` },
  accountId: `account-${i % 1000}`,
  clientId: 'library',
  requestId: `request-${i}`,
  outcome: 'ok',
  reason: null,
  data: i % 3 === 0 ? { methods: ['passkey'] } : { scopes: ['openid'], claims: [] },
});

function* lines(count: number): Generator<readonly (string | number | null)[]> {
  let prevHash = '';
  for (let seq = 1; seq <= count; seq += 1) {
    const it = event(seq);
    const hash = linkHash(prevHash, seq, it);
    const { at, type, actor, accountId, clientId, requestId, outcome, reason, data } = it;
    yield [
      seq,
      at.getTime(),
      type,
      actor.kind,
      actor.id,
      accountId,
      clientId,
      requestId,
      outcome,
      reason,
      JSON.stringify(data),
      prevHash,
      hash,
    ];
    prevHash = hash;
  }
}

const LINES = 1_000_000;

describe('a million lines', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let file: BetterSqlite3.Database;
  beforeAll(async () => {
    fresh = await freshDatabase('sqlite');
    database = connect(fresh.url);
    await migrate(database.knex);
    file = new BetterSqlite3(fresh.url.slice('sqlite:'.length));
    file.pragma('synchronous = OFF');
    // Whoever changes the file itself is not stopped by its triggers; indexes are of no interest here.
    for (const { name, type } of file
      .prepare(
        "select name, type from sqlite_master where tbl_name = 'audit' and type in ('trigger', 'index') and sql is not null",
      )
      .all() as { name: string; type: string }[])
      file.exec(`drop ${type} "${name}"`);
    const insert = file.prepare(`insert into audit values (${Array.from({ length: 13 }, () => '?').join(', ')})`);
    file.transaction(() => {
      for (const values of lines(LINES)) insert.run(...values);
    })();
  }, 120_000);
  afterAll(async () => {
    file?.close();
    await database?.close();
    await fresh?.remove();
  });

  it('a clean log has no fault', async () => {
    expect(await verifyAudit(database.knex, [])).toEqual({ faults: [], lines: LINES });
  }, 120_000);

  it('each of 100 planted changes is found, where it is, and nothing else', async () => {
    const expected: { problem: string; seq: number; to: number }[] = [];
    const set = (column: string, value: string) => (seq: number) => {
      file.prepare(`update audit set ${column} = ? where seq = ?`).run(value, seq);
      expected.push({ problem: 'content', seq, to: seq });
    };
    const rewritten = (seq: number) => {
      const row = file.prepare('select * from audit where seq = ?').get(seq) as { prev_hash: string };
      const forged: AuditEvent = { ...event(seq), outcome: 'refused' };
      file
        .prepare('update audit set outcome = ?, hash = ? where seq = ?')
        .run('refused', linkHash(row.prev_hash, seq, forged), seq);
      // A hash that fits: the line after shows it.
      expected.push({ problem: 'link', seq: seq + 1, to: seq + 1 });
    };
    const deleted = (seq: number) => {
      file.prepare('delete from audit where seq = ?').run(seq);
      expected.push({ problem: 'missing', seq, to: seq });
    };
    const swapped = (seq: number) => {
      const move = file.prepare('update audit set seq = ? where seq = ?');
      move.run(-1, seq);
      move.run(seq, seq + 1);
      move.run(seq + 1, -1);
      expected.push(
        { problem: 'content', seq, to: seq },
        { problem: 'content', seq: seq + 1, to: seq + 1 },
        { problem: 'link', seq: seq + 2, to: seq + 2 },
      );
    };
    const changes = [
      set('outcome', 'refused'),
      set('account_id', 'somebody-else'),
      set('actor_id', 'somebody-else'),
      set('data', '{"scopes":["openid","phone"],"claims":[]}'),
      set('data', 'no json'),
      set('reason', 'invented'),
      set('at', '1'),
      rewritten,
      deleted,
      swapped,
    ];
    for (let i = 0; i < 100; i += 1) changes[i % changes.length]?.(5_000 + i * 9_900);
    const { faults, lines: read } = await verifyAudit(database.knex, []);
    expect(read).toBe(LINES - 10);
    expect(faults).toEqual(expected);
  }, 120_000);
});

describe.each(['sqlite', 'postgres'] as const)('audit verify and audit head [%s]', (kind) => {
  let folder: string;
  let fresh: FreshDatabase;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shimin-audit-'));
    fresh = await freshDatabase(kind);
    for (const verb of ['migrate', 'seed']) expect((await run([verb])).code).toBe(0);
    for (let i = 0; i < 5; i += 1) expect((await run(['keys', 'rotate'])).code).toBe(0);
  });
  afterAll(async () => {
    await fresh.remove();
    await rm(folder, { recursive: true, force: true });
  });
  async function run(argv: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const code = await runCli(argv, {
      env: { SHIMIN_DATABASE_URL: fresh.url, SHIMIN_SECRETS: join(folder, 'secrets.json'), SHIMIN_LOG_LEVEL: 'silent' },
      input: Readable.from(['']),
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      onSignal: () => undefined,
      exitNow: () => undefined,
    });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  const change = async (work: (database: Database) => Promise<unknown>) => {
    const database = connect(fresh.url);
    await database.knex.raw(
      kind === 'sqlite' ? 'drop trigger if exists audit_no_update' : 'alter table audit disable trigger all',
    );
    for (const name of ['audit_no_delete', 'audit_append_only_update', 'audit_append_only_delete'])
      if (kind === 'sqlite') await database.knex.raw(`drop trigger if exists ${name}`);
    await work(database);
    await database.close();
  };

  it('a head a day is signed, kept elsewhere and verified; nothing is wrong', async () => {
    const heads = join(folder, 'heads');
    const first = await run(['audit', 'head', '--to', heads, '--json']);
    expect(first.code).toBe(0);
    const [head] = JSON.parse(first.out).heads;
    expect(await readFile(join(heads, `${head.day}.jws`), 'utf8')).toBe(`${head.jws}\n`);
    expect(JSON.parse((await run(['audit', 'head', '--json'])).out).heads).toHaveLength(1);
    const verified = await run(['audit', 'verify', '--heads', heads, '--json']);
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ faults: [], refused: [], heads: 2 });
    expect((await run(['audit', 'verify'])).out).toMatch(/nothing wrong$/);
  });

  it('a head that somebody else signed, or nobody, is named', async () => {
    const forged = join(folder, 'forged');
    const heads = join(folder, 'heads');
    await run(['audit', 'head', '--to', forged]);
    await writeFile(join(forged, '20200101.jws'), 'not.a.signature\n');
    const verified = await run(['audit', 'verify', '--heads', forged]);
    expect(verified).toMatchObject({
      code: 1,
      out: expect.stringContaining('head 20200101.jws: nobody known has signed it'),
    });
    const jwks = join(folder, 'jwks.json');
    await writeFile(jwks, '{"keys":[]}');
    expect((await run(['audit', 'verify', '--heads', heads, '--jwks', jwks])).code).toBe(1);
    expect((await run(['audit', 'verify', '--jwks', join(folder, 'none')])).err).toContain('is no JWK set');
  });

  it('a line changed in the database is named; an end cut off shows by the head', async () => {
    await change((database) => database.knex('audit').where({ seq: 2 }).update({ outcome: 'refused' }));
    const verified = await run(['audit', 'verify']);
    expect(verified).toMatchObject({ code: 1, out: expect.stringContaining('line 2: changed') });
    await change((database) => database.knex('audit').where('seq', '>', 3).delete());
    const cut = await run(['audit', 'verify']);
    expect(cut.out).toMatch(/line(s)? 4.*: missing at the end, by a signed head/);
  });
});
