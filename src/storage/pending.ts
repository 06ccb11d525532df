import { z } from 'zod';
import { type Keyring, open, seal, sha256b64u } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { rowsOf, toMs } from './rows.ts';

/** A ceremony under way: a challenge, a code sent, the `keep` of a bridge. */
export interface Pending {
  /** Known to the browser; only its hash is stored. */
  readonly id: string;
  readonly kind: string;
  readonly interactionUid: string | null;
  readonly accountId: string | null;
  /** JSON; sealed at rest under the id, so that a row opens only for who knows it. */
  readonly payload: unknown;
  readonly expiresAt: Date;
}

const storedPayload = z.object({ payload: z.string() });

/** Stores it; one with the same id is replaced (two tabs that write the same state: the last one stays). */
export async function put(db: Db, pending: Pending, keyring: Keyring): Promise<void> {
  await db('pending').insert(rowOf(pending, keyring)).onConflict('id_hash').merge();
}

/** Stores it only where nothing has its id; false: something has. */
export async function putNew(db: Db, pending: Pending, keyring: Keyring): Promise<boolean> {
  const stored = await db('pending')
    .insert(rowOf(pending, keyring))
    .onConflict('id_hash')
    .ignore()
    .returning('id_hash');
  return stored.length === 1;
}

/** Takes it away: of any number of callers exactly one gets the payload. Null: unknown, of another kind, taken or too old. */
export async function take(db: Db, id: string, kind: string, now: Date, keyring: Keyring): Promise<unknown> {
  const result: unknown = await db.raw(
    'delete from pending where id_hash = ? and kind = ? and expires_at > ? returning payload',
    [sha256b64u(id), kind, toMs(now)],
  );
  const [taken] = rowsOf(result);
  return taken === undefined ? null : read(id, taken, keyring);
}

/** Looks without taking; for showing a page again. */
export async function peek(db: Db, id: string, kind: string, now: Date, keyring: Keyring): Promise<unknown> {
  const found = await live(db, id, kind, now).first('payload');
  return found === undefined ? null : read(id, found, keyring);
}

/** Replaces the payload; false if it has been taken meanwhile. */
export async function update(db: Db, id: string, payload: unknown, keyring: Keyring): Promise<boolean> {
  const changed = await db('pending')
    .where({ id_hash: sha256b64u(id) })
    .update({ payload: write(id, payload, keyring) });
  return changed === 1;
}

/** Deletes what is past its time, `limit` rows at a go so that no lock is long (F-52). */
export async function prune(db: Db, now: Date, limit = 1_000): Promise<number> {
  const old = db('pending').where('expires_at', '<=', toMs(now)).limit(limit).select('id_hash');
  return db('pending').whereIn('id_hash', old).delete();
}

const rowOf = (pending: Pending, keyring: Keyring) => ({
  id_hash: sha256b64u(pending.id),
  kind: pending.kind,
  interaction_uid: pending.interactionUid,
  account_id: pending.accountId,
  payload: write(pending.id, pending.payload, keyring),
  expires_at: toMs(pending.expiresAt),
});

function live(db: Db, id: string, kind: string, now: Date) {
  return db('pending')
    .where({ id_hash: sha256b64u(id), kind })
    .where('expires_at', '>', toMs(now));
}

function write(id: string, payload: unknown, keyring: Keyring): string {
  return seal(keyring, JSON.stringify(payload), `pending:${id}`);
}

function read(id: string, raw: unknown, keyring: Keyring): unknown {
  return JSON.parse(open(keyring, storedPayload.parse(raw).payload, `pending:${id}`));
}
