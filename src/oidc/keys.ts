import type { JWK } from 'jose';
import type { Keyring } from '../lib/crypto.ts';
import { open } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from '../storage/db.ts';
import { keyEpoch, signingKeys } from '../storage/signing-keys.ts';

export interface KeySet {
  /** Private keys; the engine signs with the first of an algorithm and publishes the public half of all. */
  readonly jwks: { keys: JWK[] };
  /** Grows by one with each rotation. */
  readonly epoch: number;
}

// The key to sign with comes first; `next` is published before it signs and `previous` until its last token is over
// (OpenID Connect Core 10.1.1).
const order = { current: 0, next: 1, previous: 2 } as const;

/** @throws ShiminError `key_missing` when no key was ever made */
export async function loadKeySet(db: Db, keyring: Keyring): Promise<KeySet> {
  const epoch = await keyEpoch(db);
  const rows = (await signingKeys(db)).filter((row) => row.retiredAt === null);
  if (!rows.some((row) => row.status === 'current')) {
    throw new ShiminError('key_missing', {
      status: 500,
      message: 'no signing keys: run `shimin migrate` and `shimin seed`',
    });
  }
  const keys = rows
    .toSorted((a, b) => order[a.status] - order[b.status])
    .map((row): JWK => JSON.parse(open(keyring, row.sealedPrivateJwk, `signing-key:${row.kid}`)));
  return { jwks: { keys }, epoch };
}
