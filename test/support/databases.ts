import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, describe, inject } from 'vitest';
import { type ConnectOptions, connect, type Database, type DatabaseKind, migrate } from '../../src/storage/db.ts';

export const databaseKinds: readonly DatabaseKind[] = ['sqlite', 'postgres'];

/** A new, empty, migrated database; everything made is closed after the suite. */
export type MakeDb = (options?: ConnectOptions & { migrated?: boolean }) => Promise<Database>;

/** Runs a suite on SQLite (a file, in WAL) and on PostgreSQL. */
export function withDatabases(name: string, suite: (makeDb: MakeDb, kind: DatabaseKind) => void): void {
  for (const kind of databaseKinds) {
    describe(`${name} [${kind}]`, () => {
      const opened: Database[] = [];
      const urls: FreshDatabase[] = [];
      afterAll(async () => {
        await Promise.all(opened.map((database) => database.close()));
        await Promise.all(urls.map((fresh) => fresh.remove()));
      });
      suite(async ({ migrated = true, ...options } = {}) => {
        const fresh = await freshDatabase(kind);
        urls.push(fresh);
        const database = connect(fresh.url, options);
        opened.push(database);
        if (migrated) await migrate(database.knex);
        return database;
      }, kind);
    });
  }
}

export interface FreshDatabase {
  readonly url: string;
  remove(): Promise<void>;
}

/** The URL of a new empty database, for tests that start a whole server. Close all connections before `remove`. */
export async function freshDatabase(kind: DatabaseKind): Promise<FreshDatabase> {
  if (kind === 'sqlite') {
    const directory = await mkdtemp(join(tmpdir(), 'shimin-sqlite-'));
    return {
      url: `sqlite:${join(directory, 'test.db')}`,
      remove: () => rm(directory, { recursive: true, force: true }),
    };
  }
  const server = await postgresServer();
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  await administer(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, remove: () => administer(server, `drop database if exists ${name} with (force)`) };
}

async function postgresServer(): Promise<string> {
  const response = await fetch(inject('postgresBroker'));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

async function administer(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
