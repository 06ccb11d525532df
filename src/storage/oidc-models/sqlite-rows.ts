import { AsyncLocalStorage } from 'node:async_hooks';
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { type Db, transaction } from '../db.ts';
import { storageFault } from '../faults.ts';
import type { EngineRow } from './record.ts';
import type { Batch, OnStatement, Rows } from './rows.ts';
import { columns, fromRaw, prefixed, type RawRow, replaced } from './sql.ts';

const live = (alias: string) => `(${alias}.expires_at is null or ${alias}.expires_at > @now)`;
const sql = {
  find: `select ${prefixed('t')} from oidc_models t where t.key = @key and ${live('t')}`,
  related: `select ${prefixed('t')} from oidc_models t where t.key = @key and ${live('t')}
    union all select ${prefixed('g')} from oidc_models t join oidc_models g on g.key = t.grant_key
      where t.key = @key and ${live('g')}
    union all select ${prefixed('s')} from oidc_models t join oidc_models s on s.session_uid = t.session_uid and s.model = 'Session'
      where t.key = @key and ${live('s')}`,
  session: `select ${prefixed('t')} from oidc_models t where t.model = 'Session' and t.session_uid = @uid and ${live('t')}`,
  userCode: `select ${prefixed('t')} from oidc_models t where t.user_code_key = @userCodeKey and ${live('t')}`,
  put: `insert into oidc_models (${columns}) values (@key, @model, @grantKey, @sessionUid, @accountId, @userCodeKey, @payload, 0,
    @expiresAt, null) on conflict (key) do update set ${replaced.map((c) => `${c} = excluded.${c}`).join(', ')}, version = version + 1`,
  change: `update oidc_models set grant_key = @grantKey, session_uid = @sessionUid, account_id = @accountId,
    user_code_key = @userCodeKey, payload = @payload, expires_at = @expiresAt, version = version + 1
    where key = @key and version = @version`,
  delete: 'delete from oidc_models where key = @key',
  consume: `update oidc_models set consumed_at = @now where key = @key and consumed_at is null and (expires_at is null or expires_at > @now)`,
  grantOf: 'select grant_key from oidc_models where key = @key',
  revokeTokens: 'delete from oidc_models where grant_key = @grantKey',
  replay: `insert into oidc_replays (key, expires_at) values (@key, @expiresAt)
    on conflict (key) do update set expires_at = excluded.expires_at where oidc_replays.expires_at <= @now`,
};

const prepared = new WeakMap<object, Map<string, BetterSqlite3.Statement>>();

function statement(connection: BetterSqlite3.Database, text: string): BetterSqlite3.Statement {
  const known = prepared.get(connection) ?? new Map<string, BetterSqlite3.Statement>();
  prepared.set(connection, known);
  const found = known.get(text) ?? connection.prepare(text);
  known.set(text, found);
  return found;
}

type Step = [name: keyof typeof sql, values: object];
/** A job names its statements one by one and is told after each how many rows it changed. */
type Job<T> = Generator<Step, T, number>;

/**
 * SQLite: one writer, no network. With better-sqlite3 a statement takes microseconds of the event loop, but each commit waits
 * for the disk (synchronous=FULL). So writes of all requests that are ready in the same turn share one commit: nobody is
 * answered before it is on disk, and the disk is asked once.
 */
export function sqliteRows(knex: Knex, onStatement?: OnStatement): Rows {
  const write = knex.client.driverName === 'better-sqlite3' ? sharedCommits(knex) : singleCommits(knex);

  async function all(name: keyof typeof sql, values: object): Promise<EngineRow[]> {
    onStatement?.('read', name);
    if (knex.client.driverName !== 'better-sqlite3') return (await rawRows(knex, sql[name], values)).map(fromRaw);
    // Waiting for the pool matters: with one connection, a statement of ours would else run inside another request's transaction.
    const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
    try {
      return (statement(connection, sql[name]).all(values) as RawRow[]).map(fromRaw);
    } finally {
      await knex.client.releaseConnection(connection);
    }
  }

  function run(name: keyof typeof sql, values: object): Promise<number> {
    onStatement?.('write', name);
    return write(
      (function* (): Job<number> {
        return yield [name, values];
      })(),
    );
  }

  return {
    find: (key, now, withRelated) => all(withRelated ? 'related' : 'find', { key, now }),
    findSession: async (uid, now) => (await all('session', { uid, now }))[0],
    findUserCode: async (userCodeKey, now) => (await all('userCode', { userCodeKey, now }))[0],
    consume: async (key, now) => (await run('consume', { key, now })) === 1,
    revokeTokens: async (grantKey) => {
      await run('revokeTokens', { grantKey });
    },
    insertReplay: async (key, expiresAt, now) => (await run('replay', { key, expiresAt, now })) === 1,
    write(batch) {
      onStatement?.('write', 'batch');
      return write(batchJob(batch));
    },
    async revokeFamilyOf(key) {
      const grantKey = (await all('find', { key, now: 0 }))[0]?.grantKey;
      if (!grantKey) return;
      onStatement?.('write', 'revokeFamily');
      await write(
        (function* (): Job<void> {
          yield ['revokeTokens', { grantKey }];
          yield ['delete', { key: grantKey }];
        })(),
      );
    },
  };
}

function* batchJob(batch: Batch): Job<string[]> {
  const lost: string[] = [];
  for (const key of batch.deletes) yield ['delete', { key }];
  for (const row of batch.changes) if ((yield ['change', row]) !== 1) lost.push(row.key);
  for (const row of batch.puts) yield ['put', row];
  return lost;
}

interface Waiting {
  run(connection: BetterSqlite3.Database): void;
  settle(commitError: unknown): void;
}

function sharedCommits(knex: Knex): <T>(job: Job<T>) => Promise<T> {
  // The commit belongs to many requests, so it runs in the context of none.
  const outside = AsyncLocalStorage.snapshot();
  let waiting: Waiting[] = [];
  let scheduled = false;

  async function drain(): Promise<void> {
    let jobs: Waiting[] = [];
    try {
      const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
      try {
        // Taken after the wait, so that what arrived meanwhile comes along.
        jobs = waiting;
        waiting = [];
        scheduled = false;
        connection
          .transaction(() => {
            for (const job of jobs) job.run(connection);
          })
          .immediate();
      } finally {
        await knex.client.releaseConnection(connection);
      }
      for (const job of jobs) job.settle(undefined);
    } catch (error) {
      if (scheduled) {
        jobs = waiting;
        waiting = [];
        scheduled = false;
      }
      for (const job of jobs) job.settle(error ?? new Error('commit failed'));
    }
  }

  return <T>(job: Job<T>) =>
    new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { error: unknown };
      waiting.push({
        run(connection) {
          try {
            // Nested, so a savepoint: a job that fails takes back its own steps and nobody else's.
            outcome = { value: connection.transaction(() => perform(connection, job))() };
          } catch (error) {
            // The whole transaction is gone (disk full): the others must not be told that theirs was kept.
            if (!connection.inTransaction) throw error;
            outcome = { error };
          }
        },
        settle(commitError) {
          if (commitError !== undefined) reject(storageFault(commitError) ?? commitError);
          else if ('error' in outcome) reject(outcome.error);
          else resolve(outcome.value);
        },
      });
      if (scheduled) return;
      scheduled = true;
      setImmediate(() => outside(drain));
    });
}

function perform<T>(connection: BetterSqlite3.Database, job: Job<T>): T {
  let changes = 0;
  for (;;) {
    const step = job.next(changes);
    if (step.done) return step.value;
    changes = statement(connection, sql[step.value[0]]).run(step.value[1]).changes;
  }
}

/** The slow road, for the callback driver `sqlite3` (chosen where better-sqlite3 has no build): same statements through knex. */
function singleCommits(knex: Knex): <T>(job: Job<T>) => Promise<T> {
  return (job) =>
    transaction(knex, async (tx) => {
      let changes = 0;
      for (;;) {
        const step = job.next(changes);
        if (step.done) return step.value;
        // This driver tells no count of changed rows through knex; the rows themselves are the count.
        changes = (await rawRows(tx, `${sql[step.value[0]]} returning key`, step.value[1])).length;
      }
    });
}

async function rawRows(db: Db, text: string, values: object): Promise<RawRow[]> {
  const rows: RawRow[] = await db.raw(text.replace(/@(\w+)/g, ':$1'), { ...values });
  return rows;
}
