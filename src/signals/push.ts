import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import type { OutboundAnswer } from '../lib/exchange.ts';
import { call } from '../lib/http.ts';
import type { SignalEventRow } from '../storage/signal-events.ts';
import type { SignalStream } from '../storage/signal-streams.ts';
import type { SignalDeps } from './deps.ts';

type Result =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'later'; readonly error: string };

const TIMEOUT_MS = 3_000;

/** RFC 8935 2.4: what a receiver says of the token itself. Keys and access can be mended, so they are tried again. */
const forGood = new Set(['invalid_request', 'invalid_issuer', 'invalid_audience', 'invalid_state']);
const refusal = z.object({ err: z.string().max(100) });

/** Push delivery of one event (RFC 8935 section 2), by the guarded client: no redirects, no inner addresses. */
export function pushEvent(deps: Pick<SignalDeps, 'engine' | 'allowLoopback'>) {
  return async (stream: SignalStream, event: SignalEventRow): Promise<Result> => {
    if (stream.endpointUrl === null) return { kind: 'refused', error: 'no endpoint' };
    const body = await deps.engine.sign(event.claims, event.algorithm);
    try {
      const answer = await call({
        url: stream.endpointUrl,
        method: 'POST',
        headers: {
          'content-type': 'application/secevent+jwt',
          accept: 'application/json',
          ...(stream.authorization === null ? undefined : { authorization: stream.authorization }),
        },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: 16 * 1024,
        allowLoopback: deps.allowLoopback,
      });
      return judge(answer);
    } catch (error) {
      if (error instanceof ShiminError && error.code.startsWith('upstream_'))
        return { kind: 'later', error: error.message };
      throw error;
    }
  };
}

/** 202 by the book (2.2); receivers that say 200 or 204 have it too. */
function judge(answer: OutboundAnswer): Result {
  if (answer.status === 202 || answer.status === 200 || answer.status === 204) return { kind: 'delivered' };
  const code = answer.status === 400 ? errorCode(answer.body) : null;
  if (code !== null && forGood.has(code)) return { kind: 'refused', error: code };
  return { kind: 'later', error: `answered ${answer.status}${code === null ? '' : ` ${code.replace(/[^\w-]/g, '')}`}` };
}

function errorCode(body: Buffer): string | null {
  try {
    const parsed = refusal.safeParse(JSON.parse(body.toString('utf8')));
    return parsed.success ? parsed.data.err : null;
  } catch {
    return null;
  }
}
