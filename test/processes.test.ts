import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, migrate } from '../src/storage/db.ts';
import { freePort } from './apps/free-port.ts';

/** `serve` with two processes, as an operator starts it. */
let folder: string;
let server: ChildProcess;
let issuer: string;
let ops: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shimin-processes-'));
  const [port, metricsPort] = [await freePort(), await freePort()];
  issuer = `http://localhost:${port}`;
  ops = `http://localhost:${metricsPort}`;
  const url = `sqlite:${join(folder, 'shimin.db')}`;
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    SHIMIN_ISSUER: issuer,
    SHIMIN_HOST: 'localhost',
    SHIMIN_PORT: String(port),
    SHIMIN_METRICS_PORT: String(metricsPort),
    SHIMIN_PROCESSES: '2',
    SHIMIN_DATABASE_URL: url,
    SHIMIN_SECRETS: join(folder, 'secrets.json'),
    SHIMIN_LOG_LEVEL: 'silent',
  };
  const database = connect(url);
  await migrate(database.knex);
  await database.close();
  const seeded = spawn(process.execPath, ['src/main.ts', 'seed'], { env, stdio: 'ignore' });
  expect((await once(seeded, 'exit'))[0]).toBe(0);
  server = spawn(process.execPath, ['src/main.ts', 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout ?? server, 'data');
  expect(String(line)).toBe(`shimin ready ${issuer}\n`);
}, 60_000);
afterAll(async () => {
  if (server.exitCode === null) server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const serving = () =>
  readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
const ready = async () => {
  const response = await fetch(`${ops}/readyz`);
  return { status: response.status, body: await response.json() };
};
const discovery = () => fetch(`${issuer}/.well-known/openid-configuration`, { headers: { connection: 'close' } });

it('both serve behind one port, and metrics are the sum of both', async () => {
  expect(serving()).toHaveLength(2);
  expect(await ready()).toEqual({
    status: 200,
    body: { ok: true, checks: { storage: 'ok', clock: 'ok', processes: '2 of 2', draining: 'no' } },
  });
  for (let i = 0; i < 10; i += 1) expect((await discovery()).status).toBe(200);
  const metrics = await (await fetch(`${ops}/metrics`)).text();
  const counts = [...metrics.matchAll(/^shimin_http_request_seconds_count\{route="\.well-known".*\} (\d+)$/gm)];
  expect(counts.map(([, count]) => Number(count))).toEqual([10]);
});

it('one that is killed is replaced, and meanwhile the other serves (F-12)', async () => {
  const [first = 0] = serving();
  process.kill(first, 'SIGKILL');
  await expect.poll(serving).not.toContain(first);
  for (let i = 0; i < 10; i += 1) expect((await discovery()).status).toBe(200);
  await expect.poll(async () => (await ready()).status, { timeout: 15_000, interval: 200 }).toBe(200);
  expect(serving()).not.toContain(first);
  expect(serving()).toHaveLength(2);
}, 20_000);

it('SIGTERM ends all of them', async () => {
  const children = serving();
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  expect(code).toBe(0);
  for (const pid of children) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
}, 20_000);
