import { parentPort, workerData } from 'node:worker_threads';
import BetterSqlite3 from 'better-sqlite3';
import { storageFault } from './faults.ts';
import { reads, type Steps, standing, writes } from './oidc-models/sqlite-statements.ts';
import { walSync } from './oidc-models/wal-sync.ts';
import { pragmas } from './settings.ts';
import type { Answer, Ask, Outcome, Raw } from './sqlite-thread.ts';

// The thread of sqlite-thread.ts: a connection of its own, asked in batches and answering in batches.
const { filename }: { filename: string } = workerData;
const connection = new BetterSqlite3(filename);
for (const pragma of pragmas) connection.pragma(pragma);
// A commit is written here and waited for in `disk.sync`: the lock is free meanwhile, and one wait serves many commits.
connection.pragma('synchronous = NORMAL');
connection.pragma('wal_autocheckpoint = 4000');
/** Waits for the disk under way, which the end of the thread waits for too. */
let syncing = 0;
let closing = false;
const disk = walSync(filename);

const prepare = (text: string) => {
  const statement = connection.prepare(text);
  return statement.reader ? statement.raw() : statement;
};
// At first use, since some databases have only the engine's tables.
const statements = new Map<string, BetterSqlite3.Statement>();
function statement(text: string): BetterSqlite3.Statement {
  const made = statements.get(text) ?? prepare(text);
  statements.set(text, made);
  return made;
}
const one = (text: string, ...values: unknown[]) => statement(text).get(...values) as Raw | undefined;
const all = (text: string, ...values: unknown[]) => statement(text).all(...values) as Raw[];
const GRANT_KEY = 2;
const SESSION_UID = 3;

function read(ask: Extract<Ask, { read: unknown }>): unknown {
  switch (ask.read) {
    case 'related': {
      const [key, now] = ask.values;
      const row = one(reads.find, key, now);
      if (!row) return [];
      const grant = row[GRANT_KEY] ? one(reads.find, row[GRANT_KEY], now) : undefined;
      const session = row[SESSION_UID] ? one(reads.session, row[SESSION_UID], now) : undefined;
      return [row, grant, session].filter((each) => each !== undefined);
    }
    case 'standing': {
      const [accountId, sessionUid] = ask.values;
      return {
        account: one(standing.account, accountId) ?? null,
        evidence: all(standing.evidence, accountId),
        events: sessionUid === null ? [] : all(standing.events, sessionUid),
        interventions: all(standing.interventions, accountId),
      };
    }
    default:
      return [one(reads[ask.read], ...ask.values)].filter((each) => each !== undefined);
  }
}

function perform({ steps, first }: Steps): number[] {
  const changes: number[] = [];
  for (const [name, values] of steps) {
    changes.push(statement(writes[name]).run(...values).changes);
    if (changes.length - 1 === first && changes[first] === 0) break;
  }
  return changes;
}

/** A job that fails takes back its own steps only. */
function performApart(job: Steps): Outcome {
  try {
    // Nested, so a savepoint.
    return { changes: connection.transaction(() => perform(job))() };
  } catch (error) {
    // The whole transaction is gone (disk full): the others must not be told that theirs was kept.
    if (!connection.inTransaction) throw error;
    return { fault: faultOf(error) };
  }
}

/** The write lock is taken first, so that it cannot turn out busy half-way. Almost never does a job fail, so savepoints are only paid for when one has: all is begun anew, each apart. */
const together = connection.transaction((jobs: readonly Steps[]): Outcome[] =>
  jobs.map((job) => ({ changes: perform(job) })),
);
const apart = connection.transaction((jobs: readonly Steps[]): Outcome[] => jobs.map(performApart));
function write(jobs: readonly Steps[]): Outcome[] {
  try {
    return together.immediate(jobs);
  } catch (error) {
    // Busy, full or broken is nobody's own fault, and trying again would only wait again.
    if (jobs.length === 1 || storageFault(error) !== null) throw error;
    return apart.immediate(jobs);
  }
}

function faultOf(error: unknown): { message: string; code: string | null } {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  return { message: error instanceof Error ? error.message : String(error), code };
}

function waitForDisk(id: number): void {
  syncing += 1;
  disk
    .sync()
    .then(
      () => parentPort?.postMessage([{ id, value: null }]),
      (error: unknown) => parentPort?.postMessage([{ id, fault: faultOf(error) }]),
    )
    .finally(() => {
      syncing -= 1;
      closeIfDone();
    });
}

function closeIfDone(): void {
  if (!closing || syncing > 0) return;
  disk.close();
  connection.close();
  parentPort?.close();
}

parentPort?.on('message', (asks: Ask[]) => {
  const answers: Answer[] = [];
  for (const ask of asks) {
    try {
      if ('close' in ask) closing = true;
      if ('read' in ask) answers.push({ id: ask.id, value: read(ask) });
      else if ('write' in ask) answers.push({ id: ask.id, value: write(ask.write) });
      else if ('sync' in ask) waitForDisk(ask.id);
    } catch (error) {
      if ('id' in ask) answers.push({ id: ask.id, fault: faultOf(error) });
    }
  }
  if (answers.length > 0) parentPort?.postMessage(answers);
  closeIfDone();
});
