import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { randomDigits, randomToken, timingSafeEqualStrings } from '../lib/crypto.ts';
import type { EventTemplate } from './authenticator.ts';

/** SP 800-63B-4 3.1.3.2: ten minutes (N-23). */
const LIFETIME_MS = 10 * 60 * 1000;
const DIGITS = 6;

/** What a code is for. A code answers only the question it was sent for (B03). */
export interface CodeBinding {
  /** `sign-in`, `confirm-phone`, `recover`, ... */
  readonly purpose: string;
  /** The address it was sent to, in E.164. */
  readonly target: string;
  /** The interaction or pending id it belongs to. */
  readonly ceremony: string;
}

/** Stored by the area until the code comes back. Without the key it does not give the code away. */
export const codeKeepSchema = z.object({ salt: z.string(), hash: z.string(), expiresAt: z.number() });
export type CodeKeep = z.infer<typeof codeKeepSchema>;

/** A fresh code and what to keep of it. A new code does not reset the count of failures: the area counts per target (N-27). */
export function makeOneTimeCode(key: Buffer, binding: CodeBinding, now: Date): { code: string; keep: CodeKeep } {
  const code = randomDigits(DIGITS);
  const salt = randomToken(16);
  return { code, keep: { salt, hash: keyed(key, binding, salt, code), expiresAt: now.getTime() + LIFETIME_MS } };
}

export type CodeVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'code_wrong' | 'code_expired' };

/** Compares in constant time. Single use is the area's: it takes the pending row by a conditional update (N-24). */
export function checkOneTimeCode(
  key: Buffer,
  binding: CodeBinding,
  keep: CodeKeep,
  input: string,
  now: Date,
): CodeVerdict {
  // Elderly hands and Chinese keyboards give full-width digits, spaces and dashes.
  const code = input.normalize('NFKC').replace(/[\s\p{Pd}]/gu, '');
  const same = timingSafeEqualStrings(keyed(key, binding, keep.salt, code), keep.hash);
  if (!same) return { ok: false, reason: 'code_wrong' };
  return now.getTime() < keep.expiresAt ? { ok: true } : { ok: false, reason: 'code_expired' };
}

/** JSON as framing: no choice of purpose, target and ceremony can be shifted into one another. */
function keyed(key: Buffer, binding: CodeBinding, salt: string, code: string): string {
  const framed = JSON.stringify([binding.purpose, binding.target, binding.ceremony, salt, code]);
  return createHmac('sha256', key).update('shimin/one-time-code\0').update(framed).digest('base64url');
}

/** For codes by SMS. E-mail is never an authenticator (N-21), so there is no event for it. */
export const smsCodeEvent: EventTemplate = {
  method: 'sms_code',
  credentialId: null,
  factors: ['possession'],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
};
