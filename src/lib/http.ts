import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  wrap,
} from 'cockatiel';
import { Agent, type Dispatcher, request } from 'undici';
import type { z } from 'zod';
import { ShiminError } from './errors.ts';
import { AddressRefused, guardedLookup, isPublicAddress, literalAddress } from './outbound-address.ts';
import { startProbe } from './probe.ts';
import { parseStrictJson } from './strict-json.ts';

const DEFAULT_TIMEOUT_MS = 3000;
const DEFAULT_MAX_BYTES = 256 * 1024;

/** One upstream's share of our patience: how many calls at a time, and when to stop asking for a while. */
export interface Upstream {
  readonly name: string;
  /** False while the circuit is open and it does not answer our own probes either: nobody asks it just now. */
  healthy(): boolean;
  /** `target`: what is asked there, so that it can be probed when it stops answering. */
  run<T>(work: () => Promise<T>, target?: { readonly url: string | URL; readonly allowLoopback?: boolean }): Promise<T>;
  /** Stops probing. */
  close(): void;
}

export interface UpstreamOptions {
  readonly maxConcurrent?: number;
  readonly maxQueued?: number;
  readonly breakAfter?: number;
  readonly halfOpenAfterMs?: number;
  /** Hears of every call whether the upstream answered, whatever it said. */
  readonly observe?: (name: string, answered: boolean) => void;
}

/**
 * Keeps one slow or broken upstream from taking the others down with it: beyond `maxConcurrent` and `maxQueued` calls are
 * refused at once, and after `breakAfter` failures in a row nobody is made to wait for it. A way that is withdrawn is not
 * tried by anybody, so we look ourselves: as soon as the upstream answers a bare request it is offered again, and the first
 * real call after `halfOpenAfterMs` decides.
 */
export function createUpstream(name: string, options: UpstreamOptions = {}): Upstream {
  const { maxConcurrent = 20, maxQueued = 20, breakAfter = 5, halfOpenAfterMs = 2000, observe } = options;
  const breaker = circuitBreaker(handleWhen(isFaultOfUpstream), {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(breakAfter),
  });
  const policy = wrap(bulkhead(maxConcurrent, maxQueued), breaker);
  let last: Pick<OutboundRequest, 'url' | 'allowLoopback'> | null = null;
  const probe = startProbe(async () => last === null || answers(last));
  breaker.onBreak(() => probe.begin());
  breaker.onReset(() => probe.recovered());
  const withdrawn = () => breaker.state === CircuitState.Open && !probe.answered();
  return {
    name,
    healthy: () => !withdrawn(),
    close: () => probe.stop(),
    async run(work, target) {
      last = target ?? last;
      try {
        if (withdrawn()) throw new BrokenCircuitError();
        const result = await policy.execute(work);
        observe?.(name, true);
        return result;
      } catch (cause) {
        observe?.(name, !isFaultOfUpstream(cause) && cause instanceof ShiminError);
        if (cause instanceof BulkheadRejectedError)
          throw unavailable('too many calls under way', { upstream: name, cause, retryAfter: 1 });
        if (cause instanceof BrokenCircuitError) {
          throw unavailable('circuit open', { upstream: name, cause, retryAfter: Math.ceil(halfOpenAfterMs / 1000) });
        }
        throw cause;
      }
    },
  };
}

/**
 * A 4xx is mostly about the one request: people who mistype codes at an upstream must not be able to open the circuit for
 * everybody. Too many requests and request time-out are about the upstream.
 */
function isFaultOfUpstream(error: unknown): boolean {
  if (!(error instanceof ShiminError) || !error.code.startsWith('upstream_')) return false;
  const { status } = error.detail;
  return typeof status !== 'number' || status >= 500 || status === 429 || status === 408;
}

/** Whether it says anything at all to a request without credentials or content, but that it is not well. */
async function answers({
  url,
  allowLoopback = false,
}: Pick<OutboundRequest, 'url' | 'allowLoopback'>): Promise<boolean> {
  const { origin, pathname } = new URL(url);
  try {
    const { status } = await exchange({ url: origin + pathname, method: 'GET', allowLoopback, timeoutMs: 2000 });
    return status < 500 && status !== 429 && status !== 408;
  } catch (error) {
    // Too long, compressed or a redirect: odd, and an answer.
    return error instanceof ShiminError && error.code === 'upstream_malformed';
  }
}

export interface OutboundRequest {
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
  readonly upstream?: Upstream;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * One guarded exchange. Any status is an answer here except a redirect, which is never followed: a moved upstream is a
 * configuration change, and following would let it choose an address for us (SSRF). Throws `upstream_unavailable` or `upstream_malformed`.
 */
export async function call(outbound: OutboundRequest): Promise<OutboundAnswer> {
  const { upstream } = outbound;
  return upstream ? upstream.run(() => exchange(outbound), outbound) : exchange(outbound);
}

/** `call`, then JSON by the book and through a schema. Statuses outside 2xx and `alsoStatus` count as unavailable. */
export async function callJson<T extends z.ZodType>(
  outbound: OutboundRequest & { readonly schema: T; readonly alsoStatus?: readonly number[] },
): Promise<z.output<T>> {
  const work = async () => {
    const answer = await exchange({ ...outbound, headers: { accept: 'application/json', ...outbound.headers } });
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

async function exchange(outbound: OutboundRequest): Promise<OutboundAnswer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, allowLoopback = false } = outbound;
  const url = checkedUrl(outbound.url, allowLoopback);
  const name = outbound.upstream?.name ?? url.host;
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

function parts(outbound: OutboundRequest) {
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

function unavailable(
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

function malformed(why: string, upstream?: string): ShiminError {
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
