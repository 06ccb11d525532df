import BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';

const readers = new WeakMap<object, BetterSqlite3.Database | null>();

const writers = new WeakMap<object, BetterSqlite3.Database>();

/** The one writing connection, known from its first use; look-ups may borrow it between two transactions. */
export function lendWriter(knex: Knex, connection: BetterSqlite3.Database): void {
  writers.set(knex, connection);
}

/**
 * A connection for look-ups that every request needs, for the present turn of the event loop only: nothing else runs in it.
 * Outside transactions that is the writing connection itself, whose page cache its own commits leave valid (measured: 16 µs
 * for three look-ups, 25 on a connection of its own). While it is inside one, a second, read-only connection to the same
 * file: in WAL mode it sees what is committed and waits for nobody. Null for a database in memory, which only its own
 * connection can see, and for the other driver.
 */
export function sqliteReader(knex: Knex): BetterSqlite3.Database | null {
  const writer = writers.get(knex);
  if (writer?.open && !writer.inTransaction) return writer;
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
