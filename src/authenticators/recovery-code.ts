import { createHmac, randomInt, scrypt } from 'node:crypto';
import type { EventTemplate } from './authenticator.ts';
import type { HashQueue } from './hash-queue.ts';

/** Crockford's base32: no I, L, O, U, so nothing is misread from paper. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 16;

/** Ten codes of 80 bits, above the 64 a saved recovery code needs (N-53), shown once as XXXX-XXXX-XXXX-XXXX. */
export function makeRecoveryCodes(count = 10): string[] {
  return Array.from({ length: count }, () => grouped(Array.from({ length: LENGTH }, randomCharacter).join('')));
}

function randomCharacter(): string {
  return ALPHABET.charAt(randomInt(ALPHABET.length));
}

function grouped(code: string): string {
  return code.match(/.{4}/g)?.join('-') ?? code;
}

/** What was typed, as it was printed; null if it cannot be a code at all. */
export function normaliseRecoveryCode(input: string): string | null {
  if (input.length > 100) return null;
  const bare = input
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Pd}_]/gu, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  if (bare.length !== LENGTH || [...bare].some((character) => !ALPHABET.includes(character))) return null;
  return grouped(bare);
}

/**
 * The value to store and to look up. 80 bits are under the 112 that would allow a plain hash (N-19), so this is scrypt over
 * a keyed digest, salted with the account: the same code always gives the same value there, which lets one conditional
 * update use it up exactly once (N-18). Runs in the hash queue like passwords do.
 */
export async function hashRecoveryCode(
  queue: HashQueue,
  key: Buffer,
  accountId: string,
  code: string,
): Promise<string> {
  const keyed = createHmac('sha256', key)
    .update(JSON.stringify(['shimin/recovery-code', accountId, code]))
    .digest();
  const salt = createHmac('sha256', key)
    .update(JSON.stringify(['shimin/recovery-salt', accountId]))
    .digest();
  return queue.run(
    () =>
      new Promise<string>((resolve, reject) => {
        scrypt(keyed, salt, 32, { N: 16_384, r: 8, p: 1 }, (error, hash) => {
          if (error) reject(error);
          else resolve(hash.toString('base64url'));
        });
      }),
  );
}

export const recoveryCodeEvent: EventTemplate = {
  method: 'recovery_code',
  credentialId: null,
  factors: ['possession'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
};
