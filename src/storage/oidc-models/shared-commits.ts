import { AsyncLocalStorage } from 'node:async_hooks';
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { storageFault } from '../faults.ts';
import { lendWriter } from '../sqlite-reader.ts';
import { type Sync, walSync } from './wal-sync.ts';

/**
 * `disk`: answered when it is on disk. `order`: answered when it is committed, before the disk has it; a crash of the machine,
 * not of the process, may take it back, but never while keeping anything committed later.
 */
export type Durability = 'disk' | 'order';

interface Waiting {
  durability: Durability;
  run(connection: BetterSqlite3.Database): void;
  /** Takes back its own steps only, if it fails. */
  runApart(connection: BetterSqlite3.Database): void;
  settle(commitError: unknown): void;
}

/**
 * Writes of all requests that are ready in the same turn share one commit, and nobody is answered before it is on disk. A
 * write that fails takes back its own steps only.
 */
export function sharedCommits(
  knex: Knex,
): <T>(durability: Durability, work: (connection: BetterSqlite3.Database) => T) => Promise<T> {
  // The commit belongs to many requests, so it runs in the context of none.
  const outside = AsyncLocalStorage.snapshot();
  const sync = syncOf(knex);
  let waiting: Waiting[] = [];

  function take(): Waiting[] {
    const jobs = waiting;
    waiting = [];
    return jobs;
  }

  /** Whoever comes during a wait for the disk has to wait for the next one anyway: they may as well share its commit. */
  async function begin(): Promise<void> {
    await sync?.underWay();
    await drain();
  }

  async function drain(): Promise<void> {
    let connection: BetterSqlite3.Database;
    try {
      connection = await knex.client.acquireConnection();
    } catch (error) {
      for (const job of take()) job.settle(error);
      return;
    }
    lendWriter(knex, connection);
    // Taken after the wait, so that what arrived meanwhile comes along.
    const jobs = take();
    let failure: unknown;
    try {
      commit(connection, jobs, sync);
    } catch (error) {
      failure = error ?? new Error('the commit failed');
    } finally {
      await knex.client.releaseConnection(connection);
    }
    if (failure !== undefined || sync === null) for (const job of jobs) job.settle(failure);
    else settleOnDisk(jobs, sync);
  }

  return <T>(durability: Durability, work: (connection: BetterSqlite3.Database) => T) =>
    new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { error: unknown };
      const first = waiting.length === 0;
      waiting.push({
        durability,
        run(connection) {
          outcome = { value: work(connection) };
        },
        runApart(connection) {
          try {
            // Nested, so a savepoint.
            outcome = { value: connection.transaction(() => work(connection))() };
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
      if (first) setImmediate(() => outside(begin));
    });
}

function settleOnDisk(jobs: Waiting[], sync: Sync): void {
  const onDisk: Waiting[] = [];
  for (const job of jobs) {
    if (job.durability === 'disk') onDisk.push(job);
    else job.settle(undefined);
  }
  const settle = (error?: unknown) => {
    for (const job of onDisk) job.settle(error);
  };
  if (onDisk.length > 0) sync().then(() => settle(), settle);
}

/** With `NORMAL` a commit is written and not waited for; in memory, or without a log, the disk is SQLite's own business. */
function commit(connection: BetterSqlite3.Database, jobs: Waiting[], sync: Sync | null): void {
  if (sync === null) {
    commitTogether(connection, jobs);
    return;
  }
  const usual = connection.pragma('synchronous', { simple: true });
  connection.pragma('synchronous = NORMAL');
  try {
    commitTogether(connection, jobs);
  } finally {
    connection.pragma(`synchronous = ${usual}`);
  }
}

function syncOf(knex: Knex): Sync | null {
  const { filename }: { filename?: unknown } = knex.client.connectionSettings;
  return typeof filename === 'string' && !filename.startsWith(':') ? walSync(knex, filename) : null;
}

/** The write lock is taken first, so that it cannot turn out busy half-way. Almost never does a job fail, so savepoints are only paid for when one has: all is begun anew, each apart. */
function commitTogether(connection: BetterSqlite3.Database, jobs: Waiting[]): void {
  try {
    transactionOf(connection).immediate(jobs, 'run');
  } catch (error) {
    if (jobs.length === 1) throw error;
    transactionOf(connection).immediate(jobs, 'runApart');
  }
}

type Together = BetterSqlite3.Transaction<(jobs: Waiting[], how: 'run' | 'runApart') => void>;
const transactions = new WeakMap<BetterSqlite3.Database, Together>();

function transactionOf(connection: BetterSqlite3.Database): Together {
  const known = transactions.get(connection);
  if (known) return known;
  const made: Together = connection.transaction((jobs, how) => {
    for (const job of jobs) job[how](connection);
  });
  transactions.set(connection, made);
  return made;
}
