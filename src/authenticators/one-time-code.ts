import { createHmac } from 'node:crypto';
import { foldTyped } from '../identity/typed.ts';
import { randomDigits, randomToken, timingSafeEqualStrings } from '../lib/crypto.ts';

/** SP 800-63B-4 3.1.3.2: ten minutes (N-23). */
export const ONE_TIME_CODE_MINUTES = 10;
const DIGITS = 6;

/** What a code is for. A code answers only the question it was sent for (B03). */
export interface CodeBinding {
  readonly pepper: Buffer;
  /** `register`, `sign-in`, `recover`, ... */
  readonly purpose: string;
  /** The address it was sent to, in E.164. */
  readonly target: string;
  /** The interaction or pending id it belongs to. */
  readonly ceremony: string;
  readonly now: Date;
}

/**
 * A fresh code, and `hash` to keep until it comes back: a keyed digest with its own end and salt inside, which without the
 * pepper does not give the code away. A new code does not reset the count of failures: the area counts per target (N-27).
 */
export function makeOneTimeCode(binding: CodeBinding): { code: string; hash: string; expiresAt: number } {
  const code = randomDigits(DIGITS);
  const expiresAt = binding.now.getTime() + ONE_TIME_CODE_MINUTES * 60_000;
  return { code, hash: keyed(binding, String(expiresAt), randomToken(16), code), expiresAt };
}

/** True for the right code in time. Single use is the area's: it takes the kept row by a conditional update (N-24). */
export function checkOneTimeCode(binding: CodeBinding & { readonly code: string; readonly hash: string }): boolean {
  const [expiresAt = '', salt = ''] = binding.hash.split('.');
  const code = foldTyped(binding.code);
  const right = timingSafeEqualStrings(keyed(binding, expiresAt, salt, code), binding.hash);
  return right && binding.now.getTime() < Number(expiresAt);
}

/** JSON as framing: no choice of purpose, target and ceremony can be shifted into one another. */
function keyed(binding: CodeBinding, expiresAt: string, salt: string, code: string): string {
  const framed = JSON.stringify([binding.purpose, binding.target, binding.ceremony, expiresAt, salt, code]);
  const mac = createHmac('sha256', binding.pepper).update('shimin/one-time-code\0').update(framed).digest('base64url');
  return `${expiresAt}.${salt}.${mac}`;
}
