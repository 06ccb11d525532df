import { createHash, createHmac } from 'node:crypto';
import { timingSafeEqualStrings } from '../lib/crypto.ts';

/** A request that a source makes to us, signed as ours to it are (`signed-call.ts`). */
export interface SignedNotice {
  readonly path: string;
  readonly body: string;
  readonly header: (name: string) => string;
}

export type NoticeVerdict =
  | { readonly ok: true; readonly nonce: string; readonly goodUntil: Date }
  | { readonly ok: false; readonly reason: 'client_unknown' | 'timestamp_invalid' | 'signature_invalid' };

const skewSeconds = 300;

/**
 * Checks who sent it, when, and that nothing of it was altered. Whether it was sent before is for the caller to remember,
 * by `nonce`, until `goodUntil`.
 */
export function checkNotice(
  source: { readonly clientId: string; readonly secret: string },
  notice: SignedNotice,
  now: Date,
): NoticeVerdict {
  const { header, path, body } = notice;
  if (header('x-client-id') !== source.clientId) return { ok: false, reason: 'client_unknown' };
  const timestamp = header('x-timestamp');
  const seconds = Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now.getTime() / 1000 - seconds) > skewSeconds)
    return { ok: false, reason: 'timestamp_invalid' };
  const nonce = header('x-nonce');
  const digest = createHash('sha256').update(body).digest('hex');
  const canonical = ['POST', path, timestamp, nonce, digest].join('\n');
  const expected = createHmac('sha256', source.secret).update(canonical).digest('hex');
  if (!/^[\x21-\x7e]{16,200}$/.test(nonce) || !timingSafeEqualStrings(header('x-signature'), expected))
    return { ok: false, reason: 'signature_invalid' };
  return { ok: true, nonce, goodUntil: new Date((seconds + skewSeconds) * 1000) };
}
