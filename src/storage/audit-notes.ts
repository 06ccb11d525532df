import type { AuditEvent } from '../audit/events.ts';
import { type Keyring, openFor, sealFor } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { personKeyOf, sealedKeyOf } from './person-key.ts';

type Where = Pick<AuditEvent, 'type' | 'at'> & { readonly accountId: string };

/** Bound to its line: moved to another one, or to another person's, it does not open. */
const contextOf = ({ type, at }: Where) => `audit:${type}:${at.getTime()}:note`;

/**
 * What staff wrote in their own words about a person, as the audit keeps it: sealed under that person's key. The chain
 * holds the sealed text for ever, so nobody rewrites it; once the key is destroyed nobody reads it either.
 */
export async function sealNote(tx: Db, keyring: Keyring, where: Where, text: string | null): Promise<string | null> {
  if (text === null) return null;
  return sealFor(keyring, await sealedKeyOf(tx, where.accountId), text, contextOf(where));
}

/** Null: the person's key is gone, and the note with it. */
export async function openNote(db: Db, keyring: Keyring, where: Where, sealed: string): Promise<string | null> {
  const key = await personKeyOf(db, where.accountId);
  return key === null ? null : openFor(keyring, key, sealed, contextOf(where));
}
