import { createRequire } from 'node:module';
import type { Knex } from 'knex';
import { ShiminError } from '../lib/errors.ts';

export interface SettingsOptions {
  /** PostgreSQL only; SQLite always has one connection, which makes its writers queue instead of failing. */
  poolMax?: number;
  /** `sqlite3` where better-sqlite3 has no binary; it is an optional peer dependency. */
  sqliteDriver?: 'better-sqlite3' | 'sqlite3';
  /** PostgreSQL only; 0 switches it off (long migrations). */
  statementTimeoutMs?: number;
}

const BUSY_TIMEOUT_MS = 5_000;
/** Longer waiting would only hide an overload, or a function that uses the database beside its own transaction. */
const ACQUIRE_TIMEOUT_MS = { sqlite: 5_000, postgres: 3_000 } as const;
const PG_INT8 = 20;

/** Turns a database URL into knex settings; also what knexfile.ts exports. */
export function settings(url: string, options: SettingsOptions = {}): Knex.Config {
  if (/^postgres(ql)?:\/\//.test(url)) return postgresSettings(url, options);
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  if (file === undefined) {
    throw new ShiminError('config_invalid', {
      status: 500,
      message: 'database URL must start with sqlite: or postgres://',
    });
  }
  return sqliteSettings(file, options.sqliteDriver ?? 'better-sqlite3');
}

function sqliteSettings(filename: string, driver: 'better-sqlite3' | 'sqlite3'): Knex.Config {
  if (driver === 'sqlite3') requireOptionalDriver();
  return {
    client: driver,
    connection: { filename },
    useNullAsDefault: true,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS.sqlite,
    pool: {
      min: 1,
      max: 1,
      // A closed :memory: connection would take the database with it.
      idleTimeoutMillis: 2_147_483_647,
      afterCreate: (connection: SqliteConnection, done: (error: unknown, connection: unknown) => void) => {
        preparePragmas(connection).then(
          () => done(null, connection),
          (error: unknown) => done(error, connection),
        );
      },
    },
  };
}

/**
 * synchronous=FULL: in WAL, NORMAL may lose the last commits when the machine loses power, and an acknowledged
 * registration or revocation must not come undone (F-01, F-04). Measured on two busy cores, 16 sign-ins at once, each an event
 * and an audit entry: 1200 to 1550 commits/s with FULL, 2350 to 2950 with NORMAL; a city's peak is far below both.
 */
export const pragmas = [
  `busy_timeout = ${BUSY_TIMEOUT_MS}`,
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'cache_size = -65536',
  'temp_store = MEMORY',
  // Pages: 64 MiB. The thread of sqlite-thread.ts copies the log much sooner; this is for when there is none.
  'wal_autocheckpoint = 16000',
];

interface SqliteConnection {
  /** better-sqlite3 only. */
  pragma?: (text: string) => unknown;
  /** sqlite3: answers through a callback. */
  exec: (sql: string, done: (error: Error | null) => void) => unknown;
}

async function preparePragmas(connection: SqliteConnection): Promise<void> {
  if (connection.pragma) {
    for (const pragma of pragmas) connection.pragma(pragma);
    return;
  }
  const sql = pragmas.map((pragma) => `pragma ${pragma};`).join('\n');
  await new Promise<void>((resolve, reject) => {
    connection.exec(sql, (error) => (error ? reject(error) : resolve()));
  });
}

function requireOptionalDriver(): void {
  try {
    createRequire(import.meta.url).resolve('sqlite3');
  } catch (cause) {
    const message = 'the sqlite3 driver was asked for but is not installed: npm install sqlite3';
    throw new ShiminError('config_invalid', { status: 500, message, cause });
  }
}

function postgresSettings(connectionString: string, options: SettingsOptions): Knex.Config {
  return {
    client: 'pg',
    connection: {
      connectionString,
      application_name: 'shimin',
      connectionTimeoutMillis: 2_000,
      keepAlive: true,
      statement_timeout: options.statementTimeoutMs ?? 10_000,
      // Statements are prepared while a new installation's tables are small and reading them whole looks cheap; that plan is
      // kept while they grow, until statistics are taken (measured: 1,600 rows read per sign-in instead of a dozen). Every
      // query of the hot paths has its index, so reading a table whole is the last resort.
      options: '-c enable_seqscan=off',
      // A node that hangs inside a transaction must not hold the audit chain's lock for ever.
      idle_in_transaction_session_timeout: 10_000,
      types: { getTypeParser: numberForInt8 },
    } as Knex.PgConnectionConfig,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS.postgres,
    pool: { min: 0, max: options.poolMax ?? 10 },
  };
}

/** bigint columns hold epoch milliseconds and counters, all far below 2^53: numbers, as SQLite answers them. */
function numberForInt8(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === PG_INT8 && format !== 'binary') return Number;
  return pg().types.getTypeParser(oid, format);
}

interface PgModule {
  types: { getTypeParser: (oid: number, format?: string) => (value: string) => unknown };
}

let loaded: PgModule | undefined;

/** Loaded at first use, once: the driver asks for a parser per column, and SQLite installations never need it. */
function pg(): PgModule {
  loaded ??= createRequire(import.meta.url)('pg') as PgModule;
  return loaded;
}
