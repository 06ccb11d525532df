import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The text both sides sign: method, path, seconds, nonce, digest of the body as sent. */
export function canonical(method: string, path: string, timestamp: string, nonce: string, body: string): string {
  return [method, path, timestamp, nonce, createHash('sha256').update(body).digest('hex')].join('\n');
}

export function sign(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Headers of a signed call; what a caller of these services has to send. */
export function signRequest(call: {
  clientId: string;
  secret: string;
  method: string;
  path: string;
  body: string;
  now: Date;
  nonce: string;
}): Record<string, string> {
  const timestamp = String(Math.floor(call.now.getTime() / 1000));
  return {
    'content-type': 'application/json',
    'x-client-id': call.clientId,
    'x-timestamp': timestamp,
    'x-nonce': call.nonce,
    'x-signature': sign(call.secret, canonical(call.method, call.path, timestamp, call.nonce, call.body)),
  };
}

export type Refusal = 'client_unknown' | 'timestamp_invalid' | 'signature_invalid' | 'nonce_replayed' | 'rate_limited';

export interface Caller {
  /** Null when the call may pass. */
  refusal(call: { method: string; path: string; body: string; header(name: string): string }): Refusal | null;
}

const skewSeconds = 300;

/** Authenticates and limits callers: one signature, one use, `perMinute` calls. */
export function callers(
  clients: Readonly<Record<string, string>>,
  perMinute: number,
  now: () => Date = () => new Date(),
): Caller {
  const nonces = new Map<string, number>();
  const windows = new Map<string, { since: number; calls: number }>();
  return {
    refusal({ method, path, body, header }) {
      const client = header('x-client-id');
      const secret = Object.hasOwn(clients, client) ? clients[client] : undefined;
      if (secret === undefined) return 'client_unknown';
      const seconds = now().getTime() / 1000;
      const timestamp = header('x-timestamp');
      if (!/^\d{1,12}$/.test(timestamp) || Math.abs(seconds - Number(timestamp)) > skewSeconds)
        return 'timestamp_invalid';
      const nonce = header('x-nonce');
      const expected = Buffer.from(sign(secret, canonical(method, path, timestamp, nonce, body)));
      const given = Buffer.from(header('x-signature'));
      if (
        nonce.length < 16 ||
        nonce.length > 200 ||
        expected.length !== given.length ||
        !timingSafeEqual(expected, given)
      )
        return 'signature_invalid';
      for (const [old, until] of nonces) if (until < seconds) nonces.delete(old);
      if (nonces.has(`${client}\n${nonce}`)) return 'nonce_replayed';
      nonces.set(`${client}\n${nonce}`, Number(timestamp) + 2 * skewSeconds);
      const window = windows.get(client);
      if (window === undefined || seconds - window.since >= 60) windows.set(client, { since: seconds, calls: 1 });
      else if (window.calls >= perMinute) return 'rate_limited';
      else window.calls += 1;
      return null;
    },
  };
}
