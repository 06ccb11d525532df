import { z } from 'zod';
import { type Keyring, open, seal, sha256b64u } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';
import { toMs } from './rows.ts';

/** A ceremony under way: a challenge, a code sent, the `keep` of a bridge. */
export interface Pending {
  /** Known to the browser; only its hash is stored. */
  readonly id: string;
  readonly kind: string;
  readonly interactionUid: string | null;
  readonly accountId: string | null;
  /** JSON. Sealed at rest when a keyring is given, which anything personal needs. */
  readonly payload: unknown;
  readonly expiresAt: Date;
}

const storedPayload = z.object({ payload: z.string() });

export async function put(db: Db, pending: Pending, keyring?: Keyring): Promise<void> {
  await db('pending').insert({
    id_hash: sha256b64u(pending.id),
    kind: pending.kind,
    interaction_uid: pending.interactionUid,
    account_id: pending.accountId,
    payload: write(pending.id, pending.payload, keyring),
    expires_at: toMs(pending.expiresAt),
  });
}

/** Takes it away: of any number of callers exactly one gets the payload. Null: unknown, of another kind, taken or too old. */
export async function take(db: Db, id: string, kind: string, now: Date, keyring?: Keyring): Promise<unknown> {
  const taken = await live(db, id, kind, now).delete().returning('payload');
  return taken.length === 0 ? null : read(id, taken[0], keyring);
}

/** Looks without taking; for showing a page again. */
export async function peek(db: Db, id: string, kind: string, now: Date, keyring?: Keyring): Promise<unknown> {
  const found = await live(db, id, kind, now).first('payload');
  return found === undefined ? null : read(id, found, keyring);
}

/** Replaces the payload; false if it has been taken meanwhile. */
export async function update(db: Db, id: string, payload: unknown, keyring?: Keyring): Promise<boolean> {
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

function live(db: Db, id: string, kind: string, now: Date) {
  return db('pending')
    .where({ id_hash: sha256b64u(id), kind })
    .where('expires_at', '>', toMs(now));
}

function write(id: string, payload: unknown, keyring: Keyring | undefined): string {
  const text = JSON.stringify(payload);
  return keyring === undefined ? text : seal(keyring, text, `pending:${id}`);
}

function read(id: string, raw: unknown, keyring: Keyring | undefined): unknown {
  const { payload } = storedPayload.parse(raw);
  if (!payload.startsWith('v1.')) return JSON.parse(payload);
  if (keyring === undefined)
    throw new ShiminError('key_missing', { status: 500, message: 'a sealed payload needs the keyring' });
  return JSON.parse(open(keyring, payload, `pending:${id}`));
}
