import BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';

const readers = new WeakMap<object, BetterSqlite3.Database | null>();

/**
 * A second, read-only connection to the same SQLite file, for look-ups that every request needs. In WAL mode it sees what
 * is committed and waits for nobody; without it each such look-up queues for the one writing connection (measured: most
 * of the time of a userinfo request). Null for a database in memory, which only its own connection can see, and for the
 * other driver.
 */
export function sqliteReader(knex: Knex): BetterSqlite3.Database | null {
  const known = readers.get(knex);
  if (known !== undefined) return known;
  const made = open(knex);
  readers.set(knex, made);
  return made;
}

function open(knex: Knex): BetterSqlite3.Database | null {
  const { filename }: { filename?: unknown } = knex.client.connectionSettings;
  if (knex.client.driverName !== 'better-sqlite3' || typeof filename !== 'string' || filename.startsWith(':'))
    return null;
  const reader = new BetterSqlite3(filename, { readonly: true, fileMustExist: true });
  reader.pragma('busy_timeout = 5000');
  return reader;
}

export function closeSqliteReader(knex: Knex): void {
  readers.get(knex)?.close();
  readers.delete(knex);
}
