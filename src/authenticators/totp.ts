import { Secret, TOTP } from 'otpauth';
import { foldTyped } from '../identity/typed.ts';

const PERIOD_SEC = 30;

/** 160 bits, base32: what authenticator apps take (RFC 4226 section 4 R6). Stored sealed by the caller (N-32). */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** The otpauth: address behind the QR code. SHA-1 and 6 digits because many apps silently ignore anything else. */
export function totpUri(options: { secret: string; issuer: string; label: string }): string {
  return totp(options.secret, options.issuer, options.label).toString();
}

export type TotpVerdict =
  | { readonly ok: true; readonly step: number }
  | { readonly ok: false; readonly reason: 'code_wrong' | 'code_replayed' };

/**
 * Accepts the current step and one on either side: 90 seconds in all, under the two minutes of N-30. A step counts once
 * (N-31): the caller stores `step` by a conditional update, so that two parallel uses cannot both pass.
 */
export function verifyTotp(options: { secret: string; code: string; now: Date; lastStep: number | null }): TotpVerdict {
  const code = foldTyped(options.code);
  if (!/^\d{6}$/.test(code)) return { ok: false, reason: 'code_wrong' };
  const timestamp = options.now.getTime();
  const delta = totp(options.secret).validate({ token: code, timestamp, window: 1 });
  if (delta === null) return { ok: false, reason: 'code_wrong' };
  const step = Math.floor(timestamp / 1000 / PERIOD_SEC) + delta;
  if (options.lastStep !== null && step <= options.lastStep) return { ok: false, reason: 'code_replayed' };
  return { ok: true, step };
}

function totp(secret: string, issuer = '', label = ''): TOTP {
  return new TOTP({
    secret: Secret.fromBase32(secret),
    issuer,
    label,
    algorithm: 'SHA1',
    digits: 6,
    period: PERIOD_SEC,
  });
}
