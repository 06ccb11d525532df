import type { z } from 'zod';
import { type Exchange, exchange, malformed, type OutboundAnswer, unavailable } from './exchange.ts';
import { parseStrictJson } from './strict-json.ts';
import type { Upstream } from './upstream.ts';

export interface OutboundRequest extends Omit<Exchange, 'name'> {
  readonly upstream?: Upstream;
}

/**
 * One guarded exchange. Any status is an answer here except a redirect, which is never followed: a moved upstream is a
 * configuration change, and following would let it choose an address for us (SSRF). Throws `upstream_unavailable` or `upstream_malformed`.
 */
export async function call(outbound: OutboundRequest): Promise<OutboundAnswer> {
  const { upstream } = outbound;
  return upstream ? upstream.run(() => exchange({ ...outbound, name: upstream.name }), outbound) : exchange(outbound);
}

/** `call`, then JSON by the book and through a schema. Statuses outside 2xx and `alsoStatus` count as unavailable. */
export async function callJson<T extends z.ZodType>(
  outbound: OutboundRequest & { readonly schema: T; readonly alsoStatus?: readonly number[] },
): Promise<z.output<T>> {
  const work = async () => {
    const answer = await exchange({
      ...outbound,
      name: outbound.upstream?.name,
      headers: { accept: 'application/json', ...outbound.headers },
    });
    const welcome = (answer.status >= 200 && answer.status < 300) || outbound.alsoStatus?.includes(answer.status);
    if (!welcome)
      throw unavailable(`answered ${answer.status}`, { upstream: outbound.upstream?.name, status: answer.status });
    return parseAnswer(answer, outbound.schema);
  };
  // Parsing happens inside: an upstream that answers garbage is as broken as one that does not answer.
  return outbound.upstream ? outbound.upstream.run(work, outbound) : work();
}

/** The same guards behind the shape of `fetch`, for libraries that bring their own protocol (openid-client, jose). */
export function guardedFetch(options: Pick<OutboundRequest, 'timeoutMs' | 'maxBytes' | 'allowLoopback' | 'upstream'>) {
  return async (
    url: string | URL,
    init: {
      method?: string | undefined;
      headers?: Iterable<[string, string]> | Record<string, string> | undefined;
      body?: unknown;
    } = {},
  ): Promise<Response> => {
    const headers = Object.fromEntries(init.headers === undefined ? [] : new Headers(toPairs(init.headers)));
    const body = init.body instanceof URLSearchParams ? init.body.toString() : init.body;
    const sendable = typeof body === 'string' || body instanceof Uint8Array ? { body } : {};
    const answer = await call({ ...options, url, method: methodOf(init.method), headers, ...sendable });
    const empty = answer.status === 204 || answer.status === 304;
    return new Response(empty ? null : new Uint8Array(answer.body), { status: answer.status, headers: answer.headers });
  };
}

function toPairs(headers: Iterable<[string, string]> | Record<string, string>): [string, string][] {
  return Symbol.iterator in headers ? [...headers] : Object.entries(headers);
}

function methodOf(method: string | undefined): 'GET' | 'POST' | 'PUT' | 'DELETE' {
  const upper = (method ?? 'GET').toUpperCase();
  if (upper === 'GET' || upper === 'POST' || upper === 'PUT' || upper === 'DELETE') return upper;
  throw unavailable(`method ${upper} is not spoken`, {});
}

function parseAnswer<T extends z.ZodType>(answer: OutboundAnswer, schema: T): z.output<T> {
  const type = answer.headers['content-type'] ?? '';
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type))
    throw malformed('not JSON by its content type');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(answer.body);
  } catch {
    throw malformed('not UTF-8');
  }
  const json = parseStrictJson(text);
  if (!json.ok) throw malformed(`not acceptable JSON: ${json.reason}`);
  const parsed = schema.safeParse(json.value);
  // Only paths and codes: values of an identity register do not belong in a log.
  if (!parsed.success)
    throw malformed(`unexpected shape: ${parsed.error.issues.map((i) => `${i.path.join('.')} ${i.code}`).join('; ')}`);
  return parsed.data;
}
