import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { call, type OutboundRequest } from '../lib/http.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import type { Upstream } from '../lib/upstream.ts';

/** An answer as it was sent, and read. `fields` is null when a name stands in it twice: nobody can say which of both counts. */
export interface LenientAnswer {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

const object = z.record(z.string(), z.unknown());

/**
 * For upstreams that answer everything with 200 and call their JSON `text/html` or `text/plain`: the content type is not
 * looked at, all else is as in `callJson`. What is no JSON object in UTF-8 is a page of something in between.
 */
export async function callLeniently(
  outbound: OutboundRequest & { readonly upstream: Upstream },
): Promise<LenientAnswer> {
  const { upstream, ...rest } = outbound;
  const detail = { upstream: upstream.name };
  return upstream.run(async () => {
    const { status, body } = await call(rest);
    if (status !== 200)
      throw new ShiminError('upstream_unavailable', {
        status: 503,
        detail: { ...detail, why: `answered ${status}`, status },
        retryAfter: 5,
      });
    const text = utf8(body);
    const json = text === null ? null : parseStrictJson(text);
    if (text !== null && json && !json.ok && json.reason === 'duplicate_key') return { text, fields: null };
    const fields = json?.ok ? object.safeParse(json.value) : null;
    if (text === null || !fields?.success)
      throw new ShiminError('upstream_malformed', {
        status: 502,
        detail: { ...detail, why: 'not a JSON object in UTF-8' },
        retryAfter: 5,
      });
    return { text, fields: fields.data };
  });
}

function utf8(body: Buffer): string | null {
  try {
    // A byte order mark stays, and then it is no JSON: where a signature is over the bytes, the text must be the bytes.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}
