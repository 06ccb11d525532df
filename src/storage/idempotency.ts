import { z } from 'zod';
import { type Keyring, open, seal } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { rowsOf, toMs } from './rows.ts';

/** A request of a program under a key of its own choice. */
export interface KeyedRequest {
  readonly clientId: string;
  readonly key: string;
  /** Of everything that says what is asked for. */
  readonly requestHash: string;
}

/**
 * Takes the key for the transaction that does what is asked. False: it was taken before. Of several at once one takes it;
 * on PostgreSQL the others wait here until it is done, on SQLite at the beginning of their transaction. What is too old
 * counts as never asked.
 */
export async function claimKey(tx: Db, request: KeyedRequest, times: { now: Date; expiresAt: Date }): Promise<boolean> {
  const result: unknown = await tx.raw(
    `insert into idempotency (client_id, key, request_hash, answer, expires_at) values (?, ?, ?, null, ?)
     on conflict (client_id, key) do update
       set request_hash = excluded.request_hash, answer = null, expires_at = excluded.expires_at
       where idempotency.expires_at <= ?
     returning key`,
    [request.clientId, request.key, request.requestHash, toMs(times.expiresAt), toMs(times.now)],
  );
  return rowsOf(result).length === 1;
}

/** Keeps what was answered, with what was done. */
export async function keepAnswer(tx: Db, keyring: Keyring, request: KeyedRequest, answer: unknown): Promise<void> {
  const { clientId: client_id, key } = request;
  await tx('idempotency')
    .where({ client_id, key })
    .update({ answer: seal(keyring, JSON.stringify(answer), contextOf(request)) });
}

const keptRow = z.object({ request_hash: z.string(), answer: z.string() });

/** What was answered under the key, and whether the same was asked; null: nothing is kept. */
export async function keptAnswer(
  db: Db,
  keyring: Keyring,
  request: KeyedRequest,
): Promise<{ same: boolean; answer: unknown } | null> {
  const { clientId: client_id, key } = request;
  const found = await db('idempotency').where({ client_id, key }).first('request_hash', 'answer');
  if (found === undefined) return null;
  const { request_hash, answer } = keptRow.parse(found);
  return { same: request_hash === request.requestHash, answer: JSON.parse(open(keyring, answer, contextOf(request))) };
}

const contextOf = ({ clientId, key }: KeyedRequest) => `idempotency:${clientId}:${key}`;

/** Deletes what is past its time, `limit` rows at a go. */
export async function pruneIdempotency(db: Db, before: Date, limit = 1_000): Promise<number> {
  const old = await db('idempotency')
    .where('expires_at', '<=', toMs(before))
    .orderBy('expires_at')
    .limit(limit)
    .select('client_id', 'key');
  const rows = old.map((raw) => z.object({ client_id: z.string(), key: z.string() }).parse(raw));
  if (rows.length === 0) return 0;
  return db('idempotency')
    .whereIn(
      ['client_id', 'key'],
      rows.map((row) => [row.client_id, row.key]),
    )
    .where('expires_at', '<=', toMs(before))
    .delete();
}
