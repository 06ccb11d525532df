import { createHash, createHmac } from 'node:crypto';
import type { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { randomToken } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { callJson } from '../lib/http.ts';
import type { Upstream } from '../lib/upstream.ts';

/** How to reach a source: settings, never constants. */
export interface SourceSettings {
  /** With or without a trailing slash; `http://localhost:4000/population`. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly secret: string;
  readonly timeoutMs?: number;
  readonly allowLoopback?: boolean;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

/**
 * A JSON POST signed with the shared secret over method, path, time, nonce and body digest: nothing of it can be altered or
 * sent again. The answer goes through `schema`; faults throw `upstream_*`.
 */
export async function signedCall<T extends z.ZodType>(
  source: SourceSettings,
  path: string,
  payload: unknown,
  schema: T,
  alsoStatus: readonly number[] = [],
): Promise<z.output<T>> {
  const url = new URL(`${source.baseUrl.replace(/\/$/, '')}${path}`);
  const body = JSON.stringify(payload);
  const timestamp = String(Math.floor(source.clock().getTime() / 1000));
  const nonce = randomToken(16);
  const digest = createHash('sha256').update(body).digest('hex');
  const canonical = ['POST', url.pathname, timestamp, nonce, digest].join('\n');
  const signature = createHmac('sha256', source.secret).update(canonical).digest('hex');
  return callJson({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-client-id': source.clientId,
      'x-timestamp': timestamp,
      'x-nonce': nonce,
      'x-signature': signature,
    },
    body,
    schema,
    alsoStatus,
    upstream: source.upstream,
    ...(source.timeoutMs === undefined ? {} : { timeoutMs: source.timeoutMs }),
    ...(source.allowLoopback === undefined ? {} : { allowLoopback: source.allowLoopback }),
  });
}

/** Any fault of a source is one outcome to the person: not now. Faults of our own pass through. */
export function unavailableFor(error: unknown): { outcome: 'unavailable'; retryAfter: number } {
  if (error instanceof ShiminError && error.code.startsWith('upstream_')) {
    return { outcome: 'unavailable', retryAfter: error.retryAfter ?? 30 };
  }
  throw error;
}
