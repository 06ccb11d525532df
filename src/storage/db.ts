import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import knexFactory, { type Knex } from 'knex';
import { ShiminError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { storageFault } from './faults.ts';
import type { OnStatement } from './oidc-models/rows.ts';
import { type SettingsOptions, settings } from './settings.ts';
import { closeSqliteThread } from './sqlite-thread.ts';

/** What every storage function takes first: the database, or a transaction on it. */
export type Db = Knex | Knex.Transaction;
export type DatabaseKind = 'sqlite' | 'postgres';

export interface Database {
  readonly knex: Knex;
  readonly kind: DatabaseKind;
  close(): Promise<void>;
}

export interface ConnectOptions extends SettingsOptions {
  log?: Log;
  /** Sees every statement that goes through the query builder. */
  onStatement?: OnStatement;
}

/** Opens the database; nothing is migrated. Bad settings throw `config_invalid`, an unreachable server shows at first use. */
export function connect(url: string, options: ConnectOptions = {}): Database {
  const config = settings(url, options);
  const kind = config.client === 'pg' ? 'postgres' : 'sqlite';
  if (kind === 'sqlite') prepareSqliteFile(url);
  const knex = knexFactory({ ...config, log: knexLog(options.log) });
  guardConnections(knex);
  const { onStatement } = options;
  if (onStatement) knex.on('query', ({ sql }: { sql: string }) => tell(onStatement, sql));
  if (kind === 'sqlite') beginImmediate(knex);
  return {
    knex,
    kind,
    close: async () => {
      await closeSqliteThread(knex);
      await knex.destroy();
    },
  };
}

/** Not the frame of a transaction, only what is in it. */
function tell(onStatement: OnStatement, sql: string): void {
  const verb = /^\W*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? '';
  if (['begin', 'commit', 'rollback', 'savepoint', 'release', 'set'].includes(verb)) return;
  onStatement(verb === 'select' ? 'read' : 'write', verb);
}

export function kindOf(db: Db): DatabaseKind {
  return db.client.dialect === 'postgresql' ? 'postgres' : 'sqlite';
}

function prepareSqliteFile(url: string): void {
  const file = url.slice('sqlite:'.length);
  if (!file.startsWith(':')) mkdirSync(dirname(file), { recursive: true });
}

function knexLog(log: Log | undefined): Knex.Logger {
  const pass = (level: 'debug' | 'warn' | 'error') => (message: unknown) =>
    log?.[level]({ source: 'knex' }, String(message));
  return { debug: pass('debug'), warn: pass('warn'), error: pass('error'), deprecate: pass('warn') };
}

/** The transaction that the running code is inside of, with the pool it belongs to. */
const inside = new AsyncLocalStorage<{ client: unknown; open: boolean }>();

/**
 * With a pool of one, a query on `db` from inside a transaction on `db` waits for itself; with a bigger pool it does so
 * under load only, and otherwise reads around the transaction. Both are refused at once, by name.
 */
function guardConnections(knex: Knex): void {
  const client = knex.client;
  const acquire: () => Promise<unknown> = client.acquireConnection.bind(client);
  client.acquireConnection = async () => {
    const current = inside.getStore();
    if (current?.open && current.client === client) {
      throw new ShiminError('internal', { status: 500, message: 'inside a transaction, use its tx and not db' });
    }
    try {
      return await acquire();
    } catch (error) {
      throw storageFault(error) ?? error;
    }
  };
}

/**
 * Takes the write lock at BEGIN. A deferred transaction that reads first and writes later fails with SQLITE_BUSY when
 * another process (the operator's command line) wrote in between, and no busy timeout helps there.
 */
function beginImmediate(knex: Knex): void {
  const client = knex.client;
  const make = client.transaction.bind(client);
  client.transaction = (...args: unknown[]) => {
    const trx = make(...args);
    trx.begin = (connection: unknown) => trx.query(connection, 'BEGIN IMMEDIATE;');
    return trx;
  };
}

const PG_ATTEMPTS = 4;

/**
 * Runs `fn` in one transaction: all of it or nothing. Inside a transaction it joins that one. On PostgreSQL a
 * serialization failure or deadlock runs `fn` again, up to three times, so `fn` must have no effect but through `tx`.
 */
export async function transaction<T>(where: Db | Database, fn: (tx: Knex.Transaction) => Promise<T>): Promise<T> {
  const db = 'knex' in where ? where.knex : where;
  if (isTransaction(db)) return fn(db);
  for (let attempt = 1; ; attempt += 1) {
    const scope = { client: db.client as unknown, open: true };
    try {
      return await db.transaction((tx) => inside.run(scope, () => fn(tx)));
    } catch (error) {
      if (attempt >= PG_ATTEMPTS || !isRetryable(error)) throw storageFault(error) ?? error;
    } finally {
      scope.open = false;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
  }
}

export function isTransaction(db: Db): db is Knex.Transaction {
  return db.isTransaction === true;
}

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '40001' || error.code === '40P01');
}

/** Where the migrations are; absolute, so that the command works from any directory. */
export const migrationsDirectory = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Loads each file with a plain dynamic import, so that Node itself strips the types; knex's own loader tries
 * transpilers first. The name stored in the database is the file name, extension included: never rename one.
 */
const source: Knex.MigrationSource<string> = {
  getMigrations: async () =>
    (await readdir(migrationsDirectory)).filter((name) => /^\d{12}_\w+\.ts$/.test(name)).sort(),
  getMigrationName: (name) => name,
  getMigration: (name) => import(/* @vite-ignore */ pathToFileURL(join(migrationsDirectory, name)).href),
};

export interface MigrationResult {
  readonly batch: number;
  readonly names: readonly string[];
}

/** Applies what is missing, each file in its own transaction; safe when several nodes start at once (knex's lock row). */
export async function migrate(knex: Knex): Promise<MigrationResult> {
  const [batch, names]: [number, string[]] = await knex.migrate.latest({ migrationSource: source });
  return { batch, names };
}

/** Takes back the last batch, or everything with `all`. */
export async function rollback(knex: Knex, options: { all?: boolean } = {}): Promise<MigrationResult> {
  const [batch, names]: [number, string[]] = await knex.migrate.rollback(
    { migrationSource: source },
    options.all ?? false,
  );
  return { batch, names };
}

export interface MigrationStatus {
  readonly applied: readonly string[];
  readonly pending: readonly string[];
}

export async function migrationStatus(knex: Knex): Promise<MigrationStatus> {
  const [applied, pending]: [{ name: string }[], string[]] = await knex.migrate.list({ migrationSource: source });
  return { applied: applied.map((row) => row.name), pending };
}
