import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkHash } from '../../src/audit/chain.ts';
import { checkExport } from '../../src/audit/export.ts';
import { runCli } from '../../src/cli.ts';
import { verifyFile } from '../../src/cli-audit-file.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { type ExportWish, exportAudit } from '../../src/commands/export-audit.ts';
import { signAuditHead } from '../../src/commands/sign-audit-head.ts';
import { append, auditHead, readAudit } from '../../src/storage/audit.ts';
import { signedHeads } from '../../src/storage/audit-heads.ts';
import type { Db } from '../../src/storage/db.ts';
import { signingKeys } from '../../src/storage/signing-keys.ts';
import { type Office, openOffice } from '../admin/staff-support.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { withDatabases } from '../support/databases.ts';
import { t0 } from '../support/rows.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';

const day = (n: number) => new Date(t0.getTime() + n * 86_400_000);

async function fill(db: Db, count: number): Promise<void> {
  for (let i = 1; i <= count; i += 1)
    await append(db, {
      at: day(i),
      type: i % 2 === 0 ? 'consent.given' : 'session.ended',
      actor: { kind: 'citizen', id: `actor-${i % 3}` },
      accountId: `account-${i % 3}`,
      clientId: null,
      requestId: `request-${i}`,
      outcome: 'ok',
      reason: null,
      data: i % 2 === 0 ? { scopes: ['openid'], claims: [] } : { count: 1, scope: 'all' },
    });
}

/** Runs `audit verify --file` as it is run anywhere: without a database, secrets or settings. */
async function verify(text: string, more: { jwks?: unknown; heads?: readonly { day: number; jws: string }[] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'shimin-export-'));
  const [file, jwks] = [join(folder, 'export.jsonl'), join(folder, 'jwks.json')];
  await writeFile(file, text);
  await writeFile(jwks, JSON.stringify(more.jwks ?? {}));
  for (const { day, jws } of more.heads ?? []) await writeFile(join(folder, `${day}.jws`), jws);
  const out: string[] = [];
  const code = await runCli(
    [
      ...['audit', 'verify', '--file', file],
      ...(more.jwks === undefined ? [] : ['--jwks', jwks]),
      ...(more.heads === undefined ? [] : ['--heads', folder]),
    ],
    {
      env: {},
      input: Readable.from(['']),
      out: (line) => out.push(line),
      err: (line) => out.push(line),
      onSignal: () => undefined,
      exitNow: () => undefined,
    },
  );
  await rm(folder, { recursive: true });
  return { code, out: out.join('\n') };
}

withDatabases('an export', (makeDb) => {
  let db: Db;
  let office: Office;
  let auditor: By;
  let keys: { keys: object[] };
  beforeAll(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
    auditor = await office.member('auditor');
    await fill(db, 30);
    keys = { keys: (await signingKeys(db)).map(({ publicJwk: key, kid, alg }) => ({ ...key, kid, alg })) };
  });
  const take = async (wish: Partial<ExportWish> = {}) => {
    const { texts } = await exportAudit(office.deps, {
      by: auditor,
      issuer: 'https://id.example',
      filter: {},
      ...wish,
    });
    let text = '';
    for await (const part of texts) text += part;
    return text;
  };
  const linesOf = (text: string) => text.trimEnd().split('\n').slice(1, -1);
  const seqsIn = (text: string) => linesOf(text).map((line): number => JSON.parse(line).seq);
  const last = async () => (await readAudit(db, { afterSeq: (await auditHead(db)).seq - 1, limit: 1 }))[0];

  it('holds the whole log as it was, signed; that it was taken is the next line', async () => {
    const before = await auditHead(db);
    const text = await take();
    expect(seqsIn(text)).toEqual(Array.from({ length: before.seq }, (_, i) => i + 1));
    expect(await last()).toMatchObject({
      seq: before.seq + 1,
      type: 'audit.exported',
      actor: { kind: 'staff', id: auditor.accountId },
      accountId: null,
      data: { by: null, roles: ['auditor'], since: null, until: null, last: before.seq },
    });
    const verdict = await verify(text, { jwks: keys });
    expect(verdict.out).toMatch(/\d+ lines, all from 1 to \d+, signed, nothing wrong$/);
    expect(verdict.code).toBe(0);
    expect((await verify(text)).out).toMatch(/signature not checked \(--jwks\), nothing wrong$/);
  });

  it('goes from page to page without losing a line', async () => {
    const count = 2_100;
    const { seq } = await auditHead(db);
    await db.transaction(async (tx) => {
      for (let i = 0; i < count; i += 1)
        await append(tx, {
          ...{ at: day(31), type: 'token.reuse_detected', actor: { kind: 'app', id: 'library' }, accountId: null },
          ...{ clientId: null, requestId: null, outcome: 'ok', reason: null, data: {} },
        });
    });
    expect(seqsIn(await take({ filter: { type: 'token.reuse_detected' } }))).toEqual(
      Array.from({ length: count }, (_, i) => seq + 1 + i),
    );
    expect((await verify(await take(), { jwks: keys })).code).toBe(0);
  }, 30_000);

  it.each([
    [{ accountId: 'account-1' }, 'account', 10],
    [{ actorId: 'actor-2' }, 'actor', 10],
    [{ requestId: 'request-7' }, 'request', 1],
    [{ type: 'consent.given' }, 'type', 15],
    [{ actorId: '李晓明' }, 'actor', 0],
  ] as const)('of %j, which can be checked too', async (filter, by, count) => {
    const text = await take({ filter });
    expect(seqsIn(text)).toHaveLength(count);
    const { code, out } = await verify(text, { jwks: keys });
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(new RegExp(`${count} lines, by ${by}, up to \\d+, signed, nothing`)),
    ]);
    const line = await last();
    expect(line?.accountId).toBe(by === 'account' ? 'account-1' : null);
    expect(line?.data.by).toBe(by);
    // A name somebody typed is not kept for ever.
    expect(JSON.stringify(line)).not.toContain('李晓明');
  });

  it('of days', async () => {
    const first =
      (await readAudit(db, { afterSeq: 0, limit: 100 })).find(({ type }) => type === 'session.ended')?.seq ?? 0;
    const text = await take({ since: day(3), until: day(6) });
    expect(seqsIn(text)).toEqual([first + 2, first + 3, first + 4]);
    expect((await verify(text, { jwks: keys })).code).toBe(0);
    for (const empty of [{ since: day(9_000) }, { until: new Date(0) }, { since: day(9), until: day(4) }]) {
      const none = await take(empty);
      expect(seqsIn(none)).toEqual([]);
      expect((await verify(none, { jwks: keys })).out).toMatch(/^0 lines, .*nothing wrong$/);
    }
  });

  it('agrees with heads that were signed before; one that says otherwise shows', async () => {
    await signAuditHead(office.deps);
    const heads = await signedHeads(db);
    await fill(db, 2);
    const text = await take();
    expect((await verify(text, { jwks: keys, heads })).code).toBe(0);
    const forged = text.replace(/"outcome":"ok"/, '"outcome":"refused"');
    expect((await verify(forged, { jwks: keys, heads })).out).toMatch(/line 1: changed/);
  });

  describe('a file that was tampered with', () => {
    let text: string;
    beforeAll(async () => {
      text = await take({ filter: {}, until: day(20) });
    });
    /** The file with its lines changed and its digest made anew, as whoever has no key could. */
    const changed = (work: (lines: string[]) => string[]) => {
      const lines = text.trimEnd().split('\n');
      return `${work(lines).join('\n')}\n`;
    };
    const rewritten = (line: string) => {
      const { at, ...rest } = JSON.parse(line);
      const entry = { ...rest, at: new Date(at), outcome: 'failed' };
      return JSON.stringify({ ...entry, hash: linkHash(entry.prevHash, entry.seq, entry) });
    };
    it.each([
      ['changed', (l: string[]) => l.with(3, (l[3] ?? '').replace('"ok"', '"failed"')), /line 3: changed/],
      ['given another field', (l: string[]) => l.with(3, (l[3] ?? '').replace('{', '{"note":"x",')), /line 3: changed/],
      ['rewritten with its hash', (l: string[]) => l.with(3, rewritten(l[3] ?? '')), /line 4: does not follow/],
      ['left out', (l: string[]) => l.toSpliced(3, 1), /line 3: missing/],
      ['the first left out', (l: string[]) => l.toSpliced(1, 2), /lines 1 to 2: missing/],
      ['the last left out', (l: string[]) => l.toSpliced(-2, 1), /line \d+: missing at the end/],
      ['swapped', (l: string[]) => [...l.slice(0, 3), l[4] ?? '', l[3] ?? '', ...l.slice(5)], /line 3: out of order/],
      ['no line', (l: string[]) => l.with(3, 'hello'), /no line of the log/],
      ['cut', (l: string[]) => l.slice(0, -1), /it is not whole/],
      ['with more after its end', (l: string[]) => [...l, l[1] ?? ''], /not what was exported/],
      ['without its head', (l: string[]) => l.slice(1), /does not begin as an export does/],
      ['empty', () => [], /does not begin as an export does/],
    ])('%s', async (_how, work, says) => {
      const { code, out } = await verify(changed(work), { jwks: keys });
      expect(out).toMatch(says);
      expect(code).toBe(1);
    });

    it('one of a filter: a line left out is told by the signature, whoever makes the digest anew', async () => {
      const some = await take({ filter: { type: 'consent.given' } });
      const lines = some.trimEnd().split('\n').toSpliced(3, 1);
      const without = `${lines.join('\n')}\n`;
      expect((await verify(without, { jwks: keys })).out).toContain('not what was exported');
      const { end } = JSON.parse(lines.at(-1) ?? '');
      const sha256 = createHash('sha256')
        .update(`${lines.slice(0, -1).join('\n')}\n`)
        .digest('base64url');
      const anew = { end: { ...end, lines: lines.length - 2, sha256 } };
      const forged = `${lines.with(-1, JSON.stringify(anew)).join('\n')}\n`;
      expect((await verify(forged, { jwks: keys })).out).toMatch(/^nobody known has signed it\n/);
      expect((await verify(some, { jwks: { keys: [] } })).code).toBe(1);
      const twice = some.trimEnd().split('\n');
      expect((await verify(`${twice.toSpliced(3, 0, twice[3] ?? '').join('\n')}\n`)).out).toMatch(/out of order/);
    });
  });

  it('a line that was spoilt in the database is in the file as such', async () => {
    async function* spoilt() {
      for (const line of (await take({ until: day(9) })).trimEnd().split('\n'))
        yield line.startsWith('{"seq":2,') ? '{"seq":2,"unreadable":true,"prevHash":"x","hash":"y"}' : line;
    }
    const { faults, problems } = await checkExport(spoilt(), [], null);
    expect(faults.map(({ problem, seq }) => `${problem} ${seq}`)).toEqual(['content 2', 'link 3']);
    expect(problems).toEqual(['altered']);
  });
});

describe('in the console', () => {
  let city: TestCity;
  let room: Staffroom;
  beforeAll(async () => {
    city = await startCity();
    room = await openStaffroom(city);
  });
  afterAll(async () => {
    await room?.close();
    await city?.close();
  });

  it('an auditor takes what the list shows; it verifies with the keys everybody can fetch', async () => {
    const auditor = await room.desk(['auditor']);
    const html = await (await auditor.get('/admin/audit?type=app.saved', 'text/html')).text();
    expect(html).toContain('<input type="hidden" name="type" value="app.saved">');
    const response = await auditor.post('/admin/audit/export', { type: 'app.saved' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-1-\d+\.jsonl"$/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    expect(text.split('\n').filter((line) => line.includes('"type":"app.saved"')).length).toBeGreaterThan(2);
    const jwks: unknown = await (await fetch(`${city.issuer}/jwks`)).json();
    expect(await verify(text, { jwks })).toMatchObject({
      code: 0,
      out: expect.stringContaining('signed, nothing wrong'),
    });
    expect((await (await room.desk(['support'])).post('/admin/audit/export')).status).toBe(403);
  });
});

it('a file that is not there is said, and keys that are none', async () => {
  await expect(verifyFile('/nowhere/at/all', [], null)).rejects.toThrow('is no file');
  expect((await verify('x', { jwks: 'no keys' })).out).toContain('is no JWK set');
});
