import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { type Db, transaction } from '../db.ts';
import { sqliteReader } from '../sqlite-reader.ts';
import { decisionValues, insertDecision } from './decision-row.ts';
import type { EngineRow } from './record.ts';
import type { Batch, OnStatement, Rows, Written } from './rows.ts';
import { type Durability, sharedCommits } from './shared-commits.ts';
import { fromRaw, fromValues, prefixed, type RawRow, type RawValues, replaced } from './sql.ts';

const live = (alias: string) => `(${alias}.expires_at is null or ${alias}.expires_at > ?)`;
/** Values go by place and rows come as arrays: by name, the driver looks every one of them up (measured: a third of a statement). */
const sql = {
  find: `select ${prefixed('t')} from oidc_models t where t.key = ? and ${live('t')}`,
  session: `select ${prefixed('t')} from oidc_models t where t.model = 'Session' and t.session_uid = ? and ${live('t')}`,
  userCode: `select ${prefixed('t')} from oidc_models t where t.user_code_key = ? and ${live('t')}`,
  put: `insert into oidc_models (key, ${replaced.join(', ')}, model, version, consumed_at) values (?, ?, ?, ?, ?, ?, ?, ?, 0, null)
    on conflict (key) do update set ${replaced.map((c) => `${c} = excluded.${c}`).join(', ')}, version = version + 1`,
  change: `update oidc_models set ${replaced.map((c) => `${c} = ?`).join(', ')}, version = version + 1 where key = ? and version = ?`,
  delete: 'delete from oidc_models where key = ?',
  consume: `update oidc_models set consumed_at = ? where key = ? and consumed_at is null and (expires_at is null or expires_at > ?)`,
  decision: insertDecision,
  revokeTokens: 'delete from oidc_models where grant_key = ?',
  replay: `insert into oidc_replays (key, expires_at) values (?, ?)
    on conflict (key) do update set expires_at = excluded.expires_at where oidc_replays.expires_at <= ?`,
};
type Value = string | number | null;

/** In the order of `replaced`. */
const replacing = (row: EngineRow): Value[] => [
  row.grantKey,
  row.sessionUid,
  row.accountId,
  row.userCodeKey,
  row.payload,
  row.expiresAt,
];

const prepared = new WeakMap<object, Map<string, BetterSqlite3.Statement>>();

function statement(connection: BetterSqlite3.Database, text: string): BetterSqlite3.Statement {
  const known = prepared.get(connection) ?? new Map<string, BetterSqlite3.Statement>();
  prepared.set(connection, known);
  const found = known.get(text) ?? made(connection, text);
  known.set(text, found);
  return found;
}

function made(connection: BetterSqlite3.Database, text: string): BetterSqlite3.Statement {
  const statement = connection.prepare(text);
  return statement.reader ? statement.raw() : statement;
}

type Step = [name: keyof typeof sql, values: readonly Value[]];
/** A job names its statements one by one and is told after each how many rows it changed. */
type Job<T> = Generator<Step, T, number>;

/** SQLite: one writer, no network. A statement takes microseconds of the event loop; what costs is that a commit waits for the disk. */
export function sqliteRows(knex: Knex, onStatement?: OnStatement, driver: string = knex.client.driverName): Rows {
  const synchronous = driver === 'better-sqlite3';
  const write = synchronous ? viaSharedCommits(knex) : viaKnex(knex);

  async function one(name: 'find' | 'session' | 'userCode', values: readonly Value[]): Promise<EngineRow[]> {
    onStatement?.('read', name);
    if (!synchronous) return rawRows(knex, sql[name], values);
    return withConnection((connection) => {
      const row = rowOf(connection, sql[name], values);
      return row ? [row] : [];
    });
  }

  // A connection of its own reads what is committed; without one, waiting for the pool matters: a statement of ours would else run inside another request's transaction.
  async function withConnection<T>(work: (connection: BetterSqlite3.Database) => T): Promise<T> {
    const reader = sqliteReader(knex);
    if (reader) return work(reader);
    const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
    try {
      return work(connection);
    } finally {
      await knex.client.releaseConnection(connection);
    }
  }

  /** Three look-ups by key, in one wait for the connection: here a join of the same costs five times as much (measured). */
  async function related(key: string, now: number): Promise<EngineRow[]> {
    if (!synchronous) return one('find', [key, now]);
    onStatement?.('read', 'related');
    return withConnection((connection) => {
      const row = rowOf(connection, sql.find, [key, now]);
      if (!row) return [];
      const grant = row.grantKey ? rowOf(connection, sql.find, [row.grantKey, now]) : undefined;
      const session = row.sessionUid ? rowOf(connection, sql.session, [row.sessionUid, now]) : undefined;
      return [row, grant, session].filter((each) => each !== undefined);
    });
  }

  function run(name: keyof typeof sql, values: readonly Value[], durability: Durability = 'disk'): Promise<number> {
    onStatement?.('write', name);
    return write(durability, function* (): Job<number> {
      return yield [name, values];
    });
  }

  return {
    find: (key, now, withRelated) => (withRelated ? related(key, now) : one('find', [key, now])),
    findSession: async (uid, now) => (await one('session', [uid, now]))[0],
    findUserCode: async (userCodeKey, now) => (await one('userCode', [userCodeKey, now]))[0],
    consume: async (key, now) =>
      // Not waiting for the disk is safe here: the tokens that come of it are committed after it and waited for, and the log is
      // written in order. So whoever has been answered finds the consumption on disk too.
      (await run('consume', [now, key, now], 'order')) === 1,
    revokeTokens: async (grantKey) => {
      await run('revokeTokens', [grantKey]);
    },
    insertReplay: async (key, expiresAt, now) => (await run('replay', [key, expiresAt, now])) === 1,
    write(batch) {
      onStatement?.('write', 'batch');
      return write('disk', () => batchJob(batch));
    },
    async revokeFamilyOf(key) {
      const grantKey = (await one('find', [key, 0]))[0]?.grantKey;
      if (!grantKey) return;
      onStatement?.('write', 'revokeFamily');
      await write('disk', function* (): Job<void> {
        yield ['revokeTokens', [grantKey]];
        yield ['delete', [grantKey]];
      });
    },
  };
}

function* batchJob(batch: Batch): Job<Written> {
  const lost: string[] = [];
  const { consume } = batch;
  for (const decision of batch.decisions) yield ['decision', decisionValues(decision)];
  // First, so that a replay has nothing to take back.
  if (consume && (yield ['consume', [consume.at, consume.key, consume.at]]) !== 1) return { lost, replayed: true };
  for (const key of batch.deletes) yield ['delete', [key]];
  for (const row of batch.changes)
    if ((yield ['change', [...replacing(row), row.key, row.version]]) !== 1) lost.push(row.key);
  for (const row of batch.puts) yield ['put', [row.key, ...replacing(row), row.model]];
  return { lost, replayed: false };
}

/** A job is begun anew where its transaction has to be tried again. */
type Write = <T>(durability: Durability, job: () => Job<T>) => Promise<T>;

function viaSharedCommits(knex: Knex): Write {
  const share = sharedCommits(knex);
  return (durability, job) => share(durability, (connection) => perform(connection, job()));
}

function rowOf(connection: BetterSqlite3.Database, text: string, values: readonly Value[]): EngineRow | undefined {
  const raw = statement(connection, text).get(...values) as RawValues | undefined;
  return raw && fromValues(raw);
}

function perform<T>(connection: BetterSqlite3.Database, job: Job<T>): T {
  let changes = 0;
  for (;;) {
    const step = job.next(changes);
    if (step.done) return step.value;
    changes = statement(connection, sql[step.value[0]]).run(...step.value[1]).changes;
  }
}

/** The slow road, for the callback driver `sqlite3` (chosen where better-sqlite3 has no build): same statements through knex. */
function viaKnex(knex: Knex): Write {
  return (_durability, begin) =>
    transaction(knex, async (tx) => {
      const job = begin();
      let changes = 0;
      for (;;) {
        const step = job.next(changes);
        if (step.done) return step.value;
        // This driver tells no count of changed rows through knex; the rows themselves are the count.
        changes = (await rawRows(tx, `${sql[step.value[0]]} returning *`, step.value[1])).length;
      }
    });
}

async function rawRows(db: Db, text: string, values: readonly Value[]): Promise<EngineRow[]> {
  const rows: RawRow[] = await db.raw(text, [...values]);
  return rows.map(fromRaw);
}
