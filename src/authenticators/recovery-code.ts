import { createHmac, randomInt, scrypt } from 'node:crypto';
import { foldTyped } from '../identity/typed.ts';
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
  const bare = foldTyped(input).replace(/O/g, '0').replace(/[IL]/g, '1');
  if (bare.length !== LENGTH || [...bare].some((character) => !ALPHABET.includes(character))) return null;
  return grouped(bare);
}

/**
 * The value to store and to look up; null if `code` cannot be one. 80 bits are under the 112 that would allow a plain hash
 * (N-19), so this is scrypt over a keyed digest, salted with the account: the same code always gives the same value there,
 * which lets one conditional update use it up exactly once (N-18). Runs in the hash queue like passwords do.
 */
export async function hashRecoveryCode(input: {
  queue: HashQueue;
  pepper: Buffer;
  accountId: string;
  code: string;
}): Promise<string | null> {
  const code = normaliseRecoveryCode(input.code);
  if (code === null) return null;
  const digest = (use: string, value: string) =>
    createHmac('sha256', input.pepper)
      .update(JSON.stringify([use, input.accountId, value]))
      .digest();
  const [keyed, salt] = [digest('shimin/recovery-code', code), digest('shimin/recovery-salt', '')];
  return input.queue.run(
    () =>
      new Promise<string>((resolve, reject) => {
        scrypt(keyed, salt, 32, { N: 16_384, r: 8, p: 1 }, (error, hash) => {
          if (error) reject(error);
          else resolve(hash.toString('base64url'));
        });
      }),
  );
}

/** The set to store for fresh codes. */
export async function hashRecoveryCodes(input: {
  queue: HashQueue;
  pepper: Buffer;
  accountId: string;
  codes: readonly string[];
}): Promise<string[]> {
  const hashes = await Promise.all(input.codes.map((code) => hashRecoveryCode({ ...input, code })));
  return hashes.filter((hash) => hash !== null);
}
