import { Agent, type Dispatcher, request } from 'undici';
import { ShiminError } from './errors.ts';
import { AddressRefused, guardedLookup, isPublicAddress, literalAddress } from './outbound-address.ts';

const DEFAULT_TIMEOUT_MS = 3000;
const DEFAULT_MAX_BYTES = 256 * 1024;

/** One request to somebody else, as the guards see it. */
export interface Exchange {
  readonly url: string | URL;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes as they go out; `json` instead serialises and sets the content type. */
  readonly body?: string | Uint8Array;
  readonly json?: unknown;
  /** For the whole exchange, first byte to last: a server that drips one byte a second is late too. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Development only; configuration refuses it in production. */
  readonly allowLoopback?: boolean;
  /** As errors and logs call it; default: the host. */
  readonly name?: string | undefined;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The guarded exchange itself, without a circuit; areas and ports use `call`. */
export async function exchange(outbound: Exchange): Promise<OutboundAnswer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, allowLoopback = false } = outbound;
  const url = checkedUrl(outbound.url, allowLoopback);
  const name = outbound.name ?? url.host;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, { ...parts(outbound), signal, dispatcher: agent(allowLoopback) });
    const body = await readBounded(answer, maxBytes);
    if (answer.statusCode >= 300 && answer.statusCode < 400 && answer.statusCode !== 304) {
      throw malformed('redirected; redirects are not followed', name);
    }
    const headers: Record<string, string> = {};
    for (const [key, value] of Object.entries(answer.headers)) {
      if (value !== undefined) headers[key] = Array.isArray(value) ? value.join(', ') : value;
    }
    // We ask for identity; anything else is either a mistake or a decompression bomb, and is not unpacked to find out.
    if ((headers['content-encoding'] ?? 'identity') !== 'identity')
      throw malformed('compressed though not asked for', name);
    return { status: answer.statusCode, headers, body };
  } catch (cause) {
    if (cause instanceof ShiminError) throw cause;
    if (cause instanceof TooLarge) throw malformed(`longer than ${maxBytes} bytes`, name);
    const refused =
      cause instanceof AddressRefused || (cause instanceof Error && cause.cause instanceof AddressRefused);
    throw unavailable(refused ? 'address refused' : signal.aborted ? 'timed out' : 'connection failed', {
      upstream: name,
      cause,
    });
  }
}

function parts(outbound: Exchange) {
  const isJson = outbound.json !== undefined;
  const body = isJson ? JSON.stringify(outbound.json) : outbound.body;
  return {
    method: outbound.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      'user-agent': 'shimin',
      'accept-encoding': 'identity',
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...outbound.headers,
    },
    ...(body === undefined ? {} : { body }),
  } as const;
}

/** Plain http only to loopback in development; user info in a URL is never ours to send. */
function checkedUrl(input: string | URL, allowLoopback: boolean): URL {
  const url = URL.canParse(String(input)) ? new URL(String(input)) : null;
  if (url === null || url.username !== '' || url.password !== '') throw unavailable('not a usable URL', {});
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowLoopback))
    throw unavailable('scheme refused', { upstream: url.host });
  const literal = literalAddress(url.hostname);
  if (literal !== null && !isPublicAddress(literal, allowLoopback))
    throw unavailable('address refused', { upstream: url.host });
  return url;
}

class TooLarge extends Error {}

async function readBounded(answer: Dispatcher.ResponseData, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop by an exception destroys the stream, and with it the connection.
  for await (const chunk of answer.body) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) throw new TooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

export function unavailable(
  why: string,
  detail: { upstream?: string | undefined; status?: number; cause?: unknown; retryAfter?: number },
): ShiminError {
  const { cause, retryAfter = 5, ...rest } = detail;
  return new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream ${why}`,
    detail: { why, ...rest },
    retryAfter,
    cause,
  });
}

export function malformed(why: string, upstream?: string): ShiminError {
  return new ShiminError('upstream_malformed', {
    status: 502,
    message: `upstream answer ${why}`,
    detail: { why, upstream },
    retryAfter: 5,
  });
}

const agents = new Map<boolean, Agent>();

/** One pool for each rule set; made on first use, shared because sockets are the scarce thing. */
function agent(allowLoopback: boolean): Agent {
  const known = agents.get(allowLoopback);
  if (known) return known;
  const made = new Agent({
    connections: 64,
    pipelining: 1,
    connect: { timeout: 3000, lookup: guardedLookup(allowLoopback) },
    maxHeaderSize: 16 * 1024,
    keepAliveTimeout: 4000,
  });
  agents.set(allowLoopback, made);
  return made;
}
