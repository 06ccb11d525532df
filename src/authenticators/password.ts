import { createHmac } from 'node:crypto';
import argon2 from 'argon2';
import { isCommonPassword } from './common-passwords.ts';
import type { HashQueue } from './hash-queue.ts';

export { createHashQueue, type HashQueue } from './hash-queue.ts';

/** Argon2id cost; the default is the OWASP minimum, raised by configuration and reached by rehashing at sign-in. */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}
export const defaultPasswordCost: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 };

/** 8 suffices because a password is never taken without a second factor; at least 64 at the other end (SP 800-63B-4 3.1.1.2). */
export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 256;
const MAX_BYTES = 1024;

export type PasswordFlaw = 'too_short' | 'too_long' | 'common' | 'guessable';

/**
 * Whether a new password may be used; no rules of composition (N-05), the whole value is compared (N-09).
 * `context` holds words that an attacker of this very person tries first: phone, e-mail, name.
 */
export function checkPasswordRules(
  password: string,
  { context = [] }: { context?: readonly string[] } = {},
): { ok: true } | { ok: false; reason: PasswordFlaw } {
  const flaw = flawOf(password, context);
  return flaw === null ? { ok: true } : { ok: false, reason: flaw };
}

function flawOf(password: string, context: readonly string[]): PasswordFlaw | null {
  if (Buffer.byteLength(password) > MAX_BYTES) return 'too_long';
  // One code point is one character (N-03).
  const length = [...password.normalize('NFC')].length;
  if (length < PASSWORD_MIN) return 'too_short';
  if (length > PASSWORD_MAX) return 'too_long';
  const folded = password.normalize('NFKC').toLowerCase();
  if (isCommonPassword(folded) || isRun(folded)) return 'common';
  return isGuessable(folded, context) ? 'guessable' : null;
}

/** `aaaaaaaa`, `abcdefgh`, `98765432`: one step repeated from end to end. */
function isRun(text: string): boolean {
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  const steps = new Set(points.slice(1).map((point, i) => point - (points[i] ?? 0)));
  const [step] = steps;
  return steps.size === 1 && step !== undefined && Math.abs(step) <= 1;
}

const houseWords = ['shimin', '市民', 'citizen', 'password', '密码', '密碼', 'mima'];

/** Made of known words with little else: what remains after taking them out must carry at least four characters. */
function isGuessable(folded: string, context: readonly string[]): boolean {
  const words = [...houseWords, ...context.flatMap(contextParts)].sort((a, b) => b.length - a.length);
  let rest = folded;
  let found = false;
  for (const word of words) {
    if (!rest.includes(word)) continue;
    found = true;
    rest = rest.replaceAll(word, '');
  }
  // A year or a running number appended is no secret either.
  return found && [...rest.replace(/^[\d\W_]+|[\d\W_]+$/gu, '')].length < 4;
}

/** A phone number is tried with and without country code, and by its tail; an address by its parts. */
function contextParts(value: string): string[] {
  const folded = value.normalize('NFKC').toLowerCase().trim();
  const digits = folded.replace(/\D/g, '');
  const numbers = digits.length >= 6 ? [digits, digits.slice(-11), digits.slice(-8), digits.slice(-6)] : [];
  const words = folded.split(/[\s@.,·-]+/u).filter((word) => [...word].length >= 2 && !/^\+?\d+$/.test(word));
  return [...numbers, folded.replace(/\s+/gu, ''), ...words].filter((part) => [...part].length >= 2);
}

/**
 * NFC first, so that one password typed on two keyboards is one value (N-04); then keyed with the pepper, which the database
 * does not hold (N-14). The HMAC also takes NUL bytes and any length whole: nothing is cut off (N-08, B21).
 */
function peppered(pepper: Buffer, input: string): string {
  return createHmac('sha256', pepper)
    .update('shimin/password\0')
    .update(input.normalize('NFC'), 'utf8')
    .digest('base64');
}

function argonOptions(cost: PasswordCost) {
  return { memoryCost: cost.memoryKib, timeCost: cost.passes, parallelism: cost.lanes };
}

/** What hashing needs besides the password. */
interface Hashing {
  readonly queue: HashQueue;
  readonly pepper: Buffer;
  readonly password: string;
  readonly cost?: PasswordCost;
}

/** Hash of a password that the rules let through, as a PHC string that carries its own salt and cost (N-13). */
export async function hashPassword({ queue, pepper, password, cost = defaultPasswordCost }: Hashing): Promise<string> {
  return queue.run(() => argon2.hash(peppered(pepper, password), { ...argonOptions(cost), type: argon2.argon2id }));
}

/**
 * Compares; `stored: null` (no such account, or no password) costs the same as a wrong password (B05).
 * Over-long input is refused without hashing: that depends on the input only, so it tells nothing about accounts.
 */
export async function verifyPassword(input: Hashing & { readonly stored: string | null }): Promise<boolean> {
  const { queue, pepper, password, stored, cost = defaultPasswordCost } = input;
  if (Buffer.byteLength(password) > MAX_BYTES) return false;
  const matches = await queue.run(() => argon2.verify(stored ?? decoy(cost), peppered(pepper, password)));
  return matches && stored !== null;
}

/** True when a stored hash was made at another cost: after a good sign-in the area stores a new one. */
export function needsRehash(stored: string, cost = defaultPasswordCost): boolean {
  return argon2.needsRehash(stored, argonOptions(cost));
}

/** A well-formed hash of nothing: verifying against it costs a full run and cannot succeed but by 2^-256. */
function decoy(cost: PasswordCost): string {
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${cost.lanes}$c2hpbWluLWRlY295LXNhbHQ$${'A'.repeat(43)}`;
}
