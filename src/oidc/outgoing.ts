import { LRUCache } from 'lru-cache';
import type { Configuration } from 'oidc-provider';

type EngineFetch = NonNullable<Configuration['fetch']>;

const TIMEOUT_MS = 2500;
const FORGET_MS = 10_000;
const MOST_BYTES = 64 * 1024;

/**
 * What the engine fetches with. Documents of apps (`jwks_uri`, `sector_identifier_uri`) that can't be had or read are not asked
 * for again for a while: the engine asks anew for each request of that app, and every such request would wait for the time-out.
 * The engine's own guard against inner addresses comes with `options`; `allowLoopback`, for development, takes it off.
 */
export function engineFetch({
  allowLoopback,
  forgetMs = FORGET_MS,
}: {
  allowLoopback: boolean;
  forgetMs?: number;
}): EngineFetch {
  const failed = new LRUCache<string, Error>({ max: 1_000, ttl: forgetMs });
  const send: EngineFetch = (url, options) => {
    const guard = allowLoopback ? { dispatcher: undefined } : {};
    return globalThis.fetch(url, { ...options, ...guard, signal: AbortSignal.timeout(TIMEOUT_MS) } as RequestInit);
  };
  return async (url, options) => {
    if ((options?.method ?? 'GET') !== 'GET') return send(url, options);
    const address = String(url);
    const known = failed.get(address);
    if (known) throw known;
    try {
      const response = await send(url, options);
      const body = await documentOf(response);
      return new Response(body, { status: response.status, headers: response.headers });
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error('fetch failed', { cause });
      failed.set(address, error);
      throw error;
    }
  };
}

/** @throws Error when it isn't a JSON document of a size that such documents have */
async function documentOf(response: Response): Promise<string> {
  if (response.status !== 200) throw new Error(`answered ${response.status}, expected 200`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Error('response too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  JSON.parse(text);
  return text;
}
