import type { Knex } from 'knex';
import { type Db, transaction } from '../db.ts';
import { type SqliteThread, sqliteThread } from '../sqlite-thread.ts';
import { decisionValues } from './decision-row.ts';
import type { EngineRow } from './record.ts';
import type { Batch, OnStatement, Rows, Written } from './rows.ts';
import { type Durability, sharedCommits } from './shared-commits.ts';
import { fromRaw, fromValues, type RawRow } from './sql.ts';
import { type Changes, reads, type Step, type Steps, type Value, writes } from './sqlite-statements.ts';

/** In the order of `replaced`. */
const replacing = (row: EngineRow): Value[] => [
  row.grantKey,
  row.sessionUid,
  row.accountId,
  row.userCodeKey,
  row.payload,
  row.expiresAt,
];

type Read = (name: 'find' | 'session' | 'userCode' | 'related', values: readonly Value[]) => Promise<EngineRow[]>;
type Write = (durability: Durability, job: Steps) => Promise<Changes>;

/** SQLite: one writer, no network. `thread` is null where the statements have to go through knex. */
export function sqliteRows(
  knex: Knex,
  onStatement?: OnStatement,
  thread: SqliteThread | null = sqliteThread(knex),
): Rows {
  const read = thread ? viaThread(thread) : readViaKnex(knex);
  const write = thread ? sharedCommits(knex, thread) : writeViaKnex(knex);

  function look(name: Parameters<Read>[0], values: readonly Value[]): Promise<EngineRow[]> {
    onStatement?.('read', name);
    return read(name, values);
  }

  function perform(name: string, steps: readonly Step[], durability: Durability = 'disk'): Promise<Changes> {
    onStatement?.('write', name);
    return write(durability, { steps, first: null });
  }

  return {
    find: (key, now, withRelated) => look(withRelated ? 'related' : 'find', [key, now]),
    findSession: async (uid, now) => (await look('session', [uid, now]))[0],
    findUserCode: async (userCodeKey, now) => (await look('userCode', [userCodeKey, now]))[0],
    consume: async (key, now) =>
      // Not waiting for the disk is safe here: the tokens that come of it are committed after it and waited for, and the log is
      // written in order. So whoever has been answered finds the consumption on disk too.
      (await perform('consume', [['consume', [now, key, now]]], 'order'))[0] === 1,
    revokeTokens: async (grantKey) => {
      await perform('revokeTokens', [['revokeTokens', [grantKey]]]);
    },
    insertReplay: async (key, expiresAt, now) =>
      (await perform('replay', [['replay', [key, expiresAt, now]]]))[0] === 1,
    async write(batch) {
      onStatement?.('write', 'batch');
      const job = stepsOf(batch);
      return writtenOf(batch, job, await write('disk', job));
    },
    async revokeFamilyOf(key) {
      const grantKey = (await look('find', [key, 0]))[0]?.grantKey;
      if (!grantKey) return;
      await perform('revokeFamily', [
        ['revokeTokens', [grantKey]],
        ['delete', [grantKey]],
      ]);
    },
  };
}

function stepsOf({ decisions, consume, deletes, changes, puts }: Batch): Steps {
  return {
    steps: [
      ...decisions.map((decision): Step => ['decision', decisionValues(decision)]),
      // First of what hangs on it, so that a replay has nothing to take back.
      ...(consume ? [['consume', [consume.at, consume.key, consume.at]] satisfies Step] : []),
      ...changes.map((row): Step => ['change', [...replacing(row), row.key, row.version]]),
      ...deletes.map((key): Step => ['delete', [key]]),
      ...puts.map((row): Step => ['put', [row.key, ...replacing(row), row.model]]),
    ],
    first: consume ? decisions.length : null,
  };
}

function writtenOf(batch: Batch, { first }: Steps, changed: Changes): Written {
  if (first !== null && changed[first] !== 1) return { lost: [], replayed: true };
  const before = batch.decisions.length + (batch.consume ? 1 : 0);
  const lost = batch.changes.filter((_row, i) => changed[before + i] !== 1).map(({ key }) => key);
  return { lost, replayed: false };
}

function viaThread(thread: SqliteThread): Read {
  return async (name, values) => (await thread.rows(name, values)).map(fromValues);
}

/** The slow road, for a database in memory and for the callback driver `sqlite3`: same statements through knex. */
function readViaKnex(knex: Knex): Read {
  const one = (name: keyof typeof reads, values: readonly Value[]) => rawRows(knex, reads[name], values);
  return async (name, values) => {
    if (name !== 'related') return one(name, values);
    const [row] = await one('find', values);
    if (!row) return [];
    const now = values[1] ?? 0;
    const grant = row.grantKey ? await one('find', [row.grantKey, now]) : [];
    const session = row.sessionUid ? await one('session', [row.sessionUid, now]) : [];
    return [row, ...grant, ...session];
  };
}

function writeViaKnex(knex: Knex): Write {
  return (_durability, { steps, first }) =>
    transaction(knex, async (tx) => {
      const changes: number[] = [];
      for (const [name, values] of steps) {
        // `sqlite3` tells no count of changed rows through knex; the rows themselves are the count.
        changes.push((await tx.raw(`${writes[name]} returning 1`, [...values])).length);
        if (changes.length - 1 === first && changes[first] === 0) break;
      }
      return changes;
    });
}

async function rawRows(db: Db, text: string, values: readonly Value[]): Promise<EngineRow[]> {
  const rows: RawRow[] = await db.raw(text, [...values]);
  return rows.map(fromRaw);
}
