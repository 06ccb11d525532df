import { AsyncLocalStorage } from 'node:async_hooks';
import type { Knex } from 'knex';
import { storageFault } from '../faults.ts';
import { type Outcome, type SqliteThread, toError } from '../sqlite-thread.ts';
import type { Changes, Steps } from './sqlite-statements.ts';

/**
 * `disk`: answered when it is on disk. `order`: answered when it is committed, before the disk has it; a crash of the machine,
 * not of the process, may take it back, but never while keeping anything committed later.
 */
export type Durability = 'disk' | 'order';

interface Waiting {
  durability: Durability;
  job: Steps;
  resolve(changes: Changes): void;
  reject(error: unknown): void;
}

/**
 * Writes of all requests that are ready at the same time share one commit, and nobody is answered before it is on disk. What
 * comes while the disk is waited for would have to wait for the next time anyway, so it shares the next commit.
 */
export function sharedCommits(
  knex: Knex,
  thread: SqliteThread,
): (durability: Durability, job: Steps) => Promise<Changes> {
  // The commit belongs to many requests, so it runs in the context of none.
  const outside = AsyncLocalStorage.snapshot();
  let waiting: Waiting[] = [];
  let running = false;

  function take(): Waiting[] {
    const jobs = waiting;
    waiting = [];
    return jobs;
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) await commit();
    running = false;
  }

  async function commit(): Promise<void> {
    let jobs: Waiting[] = [];
    try {
      // SQLite has one writer at a time. The pool's one connection stands for that right in this process, so that the thread
      // and the commands wait for each other here, and not by trying again and again inside SQLite.
      const right: unknown = await knex.client.acquireConnection();
      // Taken after the wait, so that what arrived meanwhile comes along.
      jobs = take();
      const outcomes = await thread
        .write(jobs.map(({ job }) => job))
        .finally(() => knex.client.releaseConnection(right));
      const onDisk = jobs.some(({ durability }, i) => durability === 'disk' && isKept(outcomes[i]))
        ? thread.sync()
        : null;
      settle(jobs, outcomes, 'order');
      await onDisk;
      settle(jobs, outcomes, 'disk');
    } catch (error) {
      for (const { reject } of jobs.length > 0 ? jobs : take()) reject(storageFault(error) ?? error);
    }
  }

  return (durability, job) =>
    new Promise((resolve, reject) => {
      waiting.push({ durability, job, resolve, reject });
      if (!running && waiting.length === 1) setImmediate(() => outside(run));
    });
}

const isKept = (outcome: Outcome | undefined) => outcome !== undefined && 'changes' in outcome;

function settle(jobs: readonly Waiting[], outcomes: readonly Outcome[], durability: Durability): void {
  jobs.forEach((each, i) => {
    if (each.durability !== durability) return;
    const outcome = outcomes[i];
    if (outcome === undefined) each.reject(new Error('a write was not answered'));
    else if ('changes' in outcome) each.resolve(outcome.changes);
    else {
      const error = toError(outcome.fault);
      each.reject(storageFault(error) ?? error);
    }
  });
}
