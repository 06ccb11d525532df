/**
 * How long the auditor's pages take when the log is long: fills a new SQLite database with lines, starts the city on it
 * and asks for the pages over HTTP as the console is used, one after the other. `node bench/audit-page.ts --help`
 */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import BetterSqlite3 from 'better-sqlite3';
import { linkHash } from '../src/audit/chain.ts';
import type { AuditEvent } from '../src/audit/events.ts';
import { connect, migrate } from '../src/storage/db.ts';
import { startCity } from '../test/support/city.ts';
import { openStaffroom } from '../test/support/staff-http.ts';

const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(
    'node bench/audit-page.ts [--lines 10000000] [--rounds 200]   needs about 1 GB of temporary disk per million',
  );
  process.exit(0);
}
const lines = Number(options.lines);
const rounds = Number(options.rounds);

/** A city's year: a person has some dozens of lines, staff thousands, the system's own jobs a tenth of all. */
const persons = Math.ceil(lines / 40);
const start = Date.UTC(2026, 0, 1);
const every = Math.floor((300 * 86_400_000) / lines);
const personOf = (n: number) => `0190f0a0-0000-7000-8000-${String((n * 7_919) % persons).padStart(12, '0')}`;
const requestOf = (n: number) => `0190f0a1-0000-7000-8000-${String(Math.floor(n / 3)).padStart(12, '0')}`;
const staffOf = (n: number) => `0190f0a2-0000-7000-8000-${String(n % 300).padStart(12, '0')}`;

function event(n: number): AuditEvent {
  const accountId = personOf(n);
  const common = {
    at: new Date(start + n * every),
    clientId: 'library',
    requestId: requestOf(n),
    outcome: 'ok' as const,
  };
  if (n % 100_000 === 0)
    return {
      ...{
        ...common,
        type: 'policy.published',
        actor: { kind: 'staff', id: staffOf(n) },
        accountId: null,
        reason: null,
      },
      data: {
        version: n,
        previous: n - 1,
        apps: 3,
        levels: 4,
        before: { defaultFloor: 'a' },
        after: { defaultFloor: 'b' },
      },
    };
  if (n % 50 === 0)
    return {
      ...{
        ...common,
        type: 'person.viewed',
        actor: { kind: 'staff', id: staffOf(n) },
        accountId,
        reason: 'citizen_called',
      },
      data: { what: 'person', ref: null },
    };
  if (n % 10 === 0)
    return {
      ...{
        ...common,
        type: 'intervention.ended',
        actor: { kind: 'system', id: 'interventions' },
        accountId,
        reason: null,
      },
      data: { interventionId: requestOf(n), kind: 'reprove', how: 'expired' },
    };
  const actor = { kind: 'citizen', id: accountId } as const;
  if (n % 3 === 0)
    return { ...common, type: 'consent.given', actor, accountId, reason: null, data: { scopes: ['openid'] } };
  return {
    ...common,
    type: 'authentication.succeeded',
    actor,
    accountId,
    reason: null,
    data: { methods: ['passkey'] },
  };
}

function fill(path: string): void {
  const file = new BetterSqlite3(path);
  for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -1000000']) file.pragma(pragma);
  // Made anew in one go at the end, which is many times faster than line by line.
  const indexes = file
    .prepare<[], { name: string; sql: string }>(
      "select name, sql from sqlite_master where tbl_name = 'audit' and type = 'index' and sql is not null",
    )
    .all();
  for (const { name } of indexes) file.exec(`drop index "${name}"`);
  const insert = file.prepare(`insert into audit values (${Array.from({ length: 13 }, () => '?').join(', ')})`);
  let prevHash = '';
  const some = file.transaction((from: number, to: number) => {
    for (let seq = from; seq <= to; seq += 1) {
      const it = event(seq);
      const hash = linkHash(prevHash, seq, it);
      const { at, type, actor, accountId, clientId, requestId, outcome, reason, data } = it;
      insert.run(
        ...[seq, at.getTime(), type, actor.kind, actor.id, accountId, clientId, requestId, outcome, reason],
        ...[JSON.stringify(data), prevHash, hash],
      );
      prevHash = hash;
    }
  });
  for (let from = 1; from <= lines; from += 1_000_000) {
    some(from, Math.min(lines, from + 999_999));
    console.error(`${Math.min(lines, from + 999_999)} lines after ${seconds()} s`);
  }
  for (const { sql } of indexes) file.exec(sql);
  file.prepare('update audit_head set seq = ?, hash = ? where id = 1').run(lines, prevHash);
  // A city that was there all along has counted its lines for the dashboard as they came.
  file.prepare("insert into rollup_marks (name, mark) values ('audit', ?)").run(String(lines));
  file.exec('analyze');
  file.close();
  // Else the first commit of the city would wait until all of this is on the disk.
  const written = openSync(path, 'r+');
  fsyncSync(written);
  closeSync(written);
  console.error(`${indexes.length} indexes after ${seconds()} s`);
}

const began = Date.now();
const seconds = () => Math.round((Date.now() - began) / 1000);
const day = (n: number) => new Date(start + n * every).toISOString().slice(0, 10);

/** Each asks for something else in each round, so that little of it is in memory. */
const pages: readonly (readonly [string, (n: number) => string])[] = [
  ['the first page', () => ''],
  ['an older page', (n) => `before=${n}`],
  ['by person', (n) => `account=${personOf(n)}`],
  ['by actor, a member of staff', (n) => `actor=${staffOf(n)}`],
  ['by actor, the system', () => 'actor=interventions'],
  ['by request', (n) => `request=${requestOf(n)}`],
  ['by type, frequent', () => 'type=authentication.succeeded'],
  ['by type, rare', () => 'type=policy.published'],
  ['by type, none', () => 'type=key.rotated'],
  ['by person, up to a day', (n) => `account=${personOf(n)}&day=${day(n)}`],
  ['by type, days', (n) => `type=person.viewed&since=${day(n)}&day=${day(n)}`],
];

const folder = await mkdtemp(join(tmpdir(), 'shimin-audit-bench-'));
try {
  const path = join(folder, 'bench.db');
  const database = connect(`sqlite:${path}`);
  await migrate(database.knex);
  await database.close();
  fill(path);
  const size = (await stat(path)).size / 2 ** 30;
  const city = await startCity({ SHIMIN_DATABASE_URL: `sqlite:${path}` });
  const room = await openStaffroom(city);
  const auditor = await room.desk(['auditor']);
  console.log(
    `${lines} lines, ${size.toFixed(1)} GiB; ${rounds} times each; Node ${process.version}, ${cpus().length} cores`,
  );
  console.log('| Page | p50 ms | p99 ms | most ms |\n| --- | ---: | ---: | ---: |');
  const timed = async (path: string): Promise<number> => {
    const at = performance.now();
    const response = await auditor.get(path, 'text/html');
    await response.text();
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return performance.now() - at;
  };
  for (const [name, query] of [...pages, ['the page of a line', null] as const]) {
    const took: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const n = 1 + ((round * 1_000_003 + 17) % lines);
      took.push(await timed(query === null ? `/admin/audit/${n}` : `/admin/audit?${query(n)}`));
    }
    const sorted = took.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1);
    console.log(`| ${name} | ${at(0.5)} | ${at(0.99)} | ${sorted.at(-1)?.toFixed(1)} |`);
  }
  await room.close();
  await city.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
