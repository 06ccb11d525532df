import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import type { SignalDeps } from './deps.ts';

/** An answer to a program: never a page. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Receiver {
  readonly clientId: string;
  readonly requestId: string | null;
}

export function refusal(status: number, error: string, description: string): Answer {
  return { status, body: { error, error_description: description } };
}

export const unknownStream = refusal(404, 'not_found', 'no such stream');

export function invalid(description: string): Answer {
  return refusal(400, 'invalid_request', description);
}

const MAX_BYTES = 64 * 1024;

/** Scopes of which one is enough: who may manage may look. */
const enough = { manage: ['ssf.manage'], read: ['ssf.read', 'ssf.manage'] } as const;

/**
 * Lets an app in by a bearer token of its own in the header (RFC 6750 section 2.1, nowhere else), and answers what its
 * handler says, faults included, as JSON.
 */
export function receiver(
  deps: SignalDeps,
  need: keyof typeof enough,
  handler: (receiver: Receiver, ctx: Context) => Promise<Answer>,
): Middleware {
  return json(deps, async (ctx) => {
    const token = /^Bearer ([A-Za-z0-9._~+/-]{1,4096}=*)$/i.exec(ctx.get('Authorization'))?.[1];
    if (token === undefined) return challenge(401, null, null);
    const app = await deps.engine.appOfToken(token);
    if (!app) return challenge(401, 'invalid_token', null);
    if (!enough[need].some((scope) => app.scopes.has(scope)))
      return challenge(403, 'insufficient_scope', enough[need][0]);
    return handler({ clientId: app.clientId, requestId: requestIdOf(ctx) }, ctx);
  });
}

/** RFC 6750 section 3: without a token there is nothing wrong to name. */
function challenge(status: number, error: string | null, scope: string | null): Answer {
  const parts = ['realm="ssf"'];
  if (error !== null) parts.push(`error="${error}"`);
  if (scope !== null) parts.push(`scope="${scope}"`);
  return {
    status,
    body: { error: error ?? 'invalid_token', error_description: 'a token of the app with an ssf scope is needed' },
    headers: { 'WWW-Authenticate': `Bearer ${parts.join(', ')}` },
  };
}

export function requestIdOf(ctx: Context): string | null {
  const id: unknown = ctx.state.requestId;
  return typeof id === 'string' ? id : null;
}

/** Writes an answer; a fault becomes one without detail. */
export function json(deps: Pick<SignalDeps, 'log'>, handler: (ctx: Context) => Promise<Answer>): Middleware {
  return async (ctx) => {
    const answer = await handler(ctx).catch((error: unknown): Answer => {
      const fault = error instanceof ShiminError ? error : new ShiminError('internal', { status: 500, cause: error });
      const level = fault.status >= 500 ? 'error' : 'warn';
      deps.log[level]({ err: fault, code: fault.code, requestId: requestIdOf(ctx) }, 'signal request failed');
      const retry = fault.retryAfter === undefined ? {} : { headers: { 'Retry-After': `${fault.retryAfter}` } };
      return { ...refusal(fault.status, fault.code, 'the request could not be served'), ...retry };
    });
    ctx.set('Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(answer.headers ?? {})) ctx.set(name, value);
    ctx.body = answer.body === undefined ? null : answer.body;
    ctx.status = answer.status;
  };
}

/** The body as text; null when it is too large or not UTF-8. */
export async function readText(ctx: Context): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BYTES) return null;
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    return null;
  }
}

/** The body by schema, or the refusal to answer; an absent body counts as `{}` where `empty` says so. */
export async function readBody<T extends z.ZodType>(
  ctx: Context,
  schema: T,
  options: { empty?: boolean } = {},
): Promise<{ ok: true; value: z.output<T> } | { ok: false; answer: Answer }> {
  const text = await readText(ctx);
  if (text === null) return { ok: false, answer: refusal(413, 'invalid_request', 'too large, or not UTF-8') };
  const parsed = text.trim() === '' && options.empty ? { ok: true as const, value: {} } : parseStrictJson(text);
  if (!parsed.ok) return { ok: false, answer: invalid(`not acceptable JSON: ${parsed.reason}`) };
  const checked = schema.safeParse(parsed.value);
  if (checked.success) return { ok: true, value: checked.data };
  const faults = checked.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  return { ok: false, answer: invalid(faults.slice(0, 5).join('; ')) };
}
