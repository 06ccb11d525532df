import { AsyncLocalStorage } from 'node:async_hooks';
import { Worker } from 'node:worker_threads';
import type { Knex } from 'knex';
import type { RawValues } from './oidc-models/sql.ts';
import type { Changes, Steps, Value } from './oidc-models/sqlite-statements.ts';

export type Raw = readonly (string | number | null)[];
export type Outcome = { readonly changes: Changes } | { readonly fault: Fault };
interface Fault {
  readonly message: string;
  readonly code: string | null;
}

export type Ask =
  | {
      readonly id: number;
      readonly read: 'find' | 'session' | 'userCode' | 'related' | 'standing';
      readonly values: readonly Value[];
    }
  | { readonly id: number; readonly write: readonly Steps[] }
  | { readonly id: number; readonly sync: true }
  | { readonly close: true };
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly fault: Fault };

/** A standing as the thread reads it, in one turn, so nothing is written between its parts. Columns as in `sqlite-statements.ts`. */
export interface RawStanding {
  readonly account: Raw | null;
  readonly evidence: readonly Raw[];
  readonly events: readonly Raw[];
  readonly interventions: readonly Raw[];
}

/**
 * SQLite in a thread of its own, for the statements of the hot paths. The event loop hands over what a turn of it asks for in
 * one message and goes on serving; statements, commits, checkpoints and the wait for the disk are the thread's. Measured with
 * 16 refreshes at once: the event loop spends less on handing over than on running the statements, whose pages and ours
 * drive each other out of the processor's caches.
 */
export interface SqliteThread {
  rows(read: 'find' | 'session' | 'userCode' | 'related', values: readonly Value[]): Promise<readonly RawValues[]>;
  standing(accountId: string, sessionUid: string | null): Promise<RawStanding>;
  /** Resolves when committed, before the disk has it. Call it with the write lock of this process, the pool's one connection. */
  write(jobs: readonly Steps[]): Promise<readonly Outcome[]>;
  /** Resolves when everything committed before the call is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

const threads = new WeakMap<object, SqliteThread>();

/** Null for a database in memory, which only its own connection can see, and for the other driver. */
export function sqliteThread(knex: Knex): SqliteThread | null {
  const { filename }: { filename?: unknown } = knex.client.connectionSettings ?? {};
  if (knex.client.driverName !== 'better-sqlite3' || typeof filename !== 'string' || filename.startsWith(':'))
    return null;
  const made = threads.get(knex.client) ?? start(filename);
  threads.set(knex.client, made);
  return made;
}

export async function closeSqliteThread(knex: Knex): Promise<void> {
  await threads.get(knex.client)?.close();
  threads.delete(knex.client);
}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

function start(filename: string): SqliteThread {
  // Messages belong to many requests, so they travel in the context of none.
  const outside = AsyncLocalStorage.snapshot();
  const waiting = new Map<number, Waiting>();
  let asks: Ask[] = [];
  let lastId = 0;
  let worker: Worker | null = null;

  function open(): Worker {
    const made = new Worker(new URL('./sqlite-thread-worker.ts', import.meta.url), { workerData: { filename } });
    made.unref();
    made.on('message', (answers: Answer[]) => {
      for (const answer of answers) settle(answer);
      if (waiting.size === 0) made.unref();
    });
    made.on('error', (error) => end(made, error));
    made.on('exit', () => end(made, new Error('the thread of the database ended')));
    return made;
  }

  /** A thread that ends takes its unanswered asks with it; the next ask starts another. */
  function end(ended: Worker, cause: Error): void {
    if (worker !== ended) return;
    worker = null;
    const lost = [...waiting.values()];
    waiting.clear();
    // Nor may what was not handed over yet be done by another thread, after its caller was told that it failed.
    asks = [];
    for (const each of lost) each.reject(Object.assign(new Error(cause.message, { cause }), { code: 'SQLITE_IOERR' }));
  }

  function settle(answer: Answer): void {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('value' in answer) asked?.resolve(answer.value as never);
    else asked?.reject(toError(answer.fault));
  }

  function flush(): void {
    const batch = asks;
    asks = [];
    worker ??= open();
    worker.ref();
    worker.postMessage(batch);
  }

  function ask<T>(make: (id: number) => Ask): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      if (asks.push(make(lastId)) === 1) setImmediate(() => outside(flush));
    });
  }

  return {
    rows: (read, values) => ask((id) => ({ id, read, values })),
    standing: (accountId, sessionUid) => ask((id) => ({ id, read: 'standing', values: [accountId, sessionUid] })),
    write: (jobs) => ask((id) => ({ id, write: jobs })),
    sync: () => ask((id) => ({ id, sync: true })),
    async close() {
      const closing = worker;
      if (closing === null) return;
      const ended = new Promise((resolve) => closing.once('exit', resolve));
      closing.ref();
      closing.postMessage([...asks, { close: true }] satisfies Ask[]);
      asks = [];
      await ended;
    },
  };
}

export function toError({ message, code }: Fault): Error {
  return Object.assign(new Error(message), code === null ? {} : { code });
}
