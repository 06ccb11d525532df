import type { Knex } from 'knex';
import type { DecisionRow } from './decision-row.ts';
import { postgresRows } from './postgres-rows.ts';
import type { EngineRow } from './record.ts';
import { sqliteRows } from './sqlite-rows.ts';

/** The part of a `Database` this port needs. */
export interface EngineDatabase {
  knex: Knex;
  kind: 'sqlite' | 'postgres';
}

/** Writes that belong together: all of them happen or none. */
export interface Batch {
  /** What must be used for the first time for any of this to happen, and when. */
  consume: { key: string; at: number } | null;
  /** Rows this request made; an existing row is replaced. */
  puts: EngineRow[];
  /** Rows this request had read: changed only where they are still at the version that was read. */
  changes: EngineRow[];
  deletes: string[];
  /** Records of what was decided on the way; written whatever becomes of the rest. */
  decisions: DecisionRow[];
}

export function emptyBatch(): Batch {
  return { consume: null, puts: [], changes: [], deletes: [], decisions: [] };
}

/**
 * `lost`: keys of `changes` that were not applied because the row is gone or at another version. `replayed`: what was to be
 * consumed was not there to consume, and nothing was written.
 */
export interface Written {
  lost: string[];
  replayed: boolean;
}

/**
 * The statements of the hot path. They bypass knex's query builder, which costs more processor time than the databases
 * need for the work itself, but use its pool, so that they never land inside somebody else's transaction.
 */
export interface Rows {
  /** The live row, and in the same round trip the live grant and session that it refers to, which the engine asks for next. */
  find(key: string, now: number, withRelated: boolean): Promise<EngineRow[]>;
  findSession(uid: string, now: number): Promise<EngineRow | undefined>;
  findUserCode(userCodeKey: string, now: number): Promise<EngineRow | undefined>;
  /** Atomic. */
  write(batch: Batch): Promise<Written>;
  /** True for exactly one caller, over all processes. */
  consume(key: string, now: number): Promise<boolean>;
  /** Deletes the grant that the row belongs to, and all that hangs on it. */
  revokeFamilyOf(key: string): Promise<void>;
  /** Deletes what hangs on the grant; the grant itself is destroyed apart, as the engine's policy decides. */
  revokeTokens(grantKey: string): Promise<void>;
  /** True for exactly one caller until the entry expires. */
  insertReplay(key: string, expiresAt: number, now: number): Promise<boolean>;
}

/** `onStatement` sees every statement, for the statement counts of the bench and the metrics. */
export type OnStatement = (kind: 'read' | 'write', name: string) => void;

export function openRows(database: EngineDatabase, onStatement?: OnStatement): Rows {
  return database.kind === 'postgres'
    ? postgresRows(database.knex, onStatement)
    : sqliteRows(database.knex, onStatement);
}
