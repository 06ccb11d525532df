import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';
import type { Context } from 'koa';
import type { Engine } from './engine.ts';
import { ShiminError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import type { Metrics } from './ops/metrics.ts';
import { headerValues, requestIdOf } from './web/guards.ts';
import { trustIssuer } from './web/issuer-host.ts';

/** Paths that are ours; all others are the engine's, which reads bodies and protects its endpoints itself. */
const ourPaths = /^\/(interaction|account|admin|preferences)(\/|$)/;
/** The engine's endpoint for signing out, and the answer to its question. */
export const isSignOut = (ctx: Context) => /^\/session\/end(\/|$)/.test(ctx.path);
const isOurs = (ctx: Context) => ourPaths.test(ctx.path);
// A logout token is a signed request of a server, not a form of a browser.
const logoutTokens = new Set(['/account/backchannel-logout', '/admin/backchannel-logout']);
export const isForm = (ctx: Context) => !logoutTokens.has(ctx.path);

export function onOurPaths(guard: Koa.Middleware): Koa.Middleware {
  return (ctx, next) => (isOurs(ctx) ? guard(ctx, next) : next());
}

/** The front door is the citizen's own page. */
export function home(): Koa.Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return next();
    ctx.status = 303;
    ctx.redirect('/account');
  };
}

/** The engine's endpoints, as discovery names them, and the pages between them. */
const enginePaths = /^\/(auth|token|me|jwks|request|session\/end|\.well-known\/(?!ssf-configuration)[a-z-]+)(\/|$)/;

export type Handle = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * Hands the engine's endpoints to the engine, everything else to our own application. The engine is a Koa application
 * itself: running it inside another one would build two contexts for each token. What must stand before it, headers and
 * the host check, is done here by the same functions that guard our pages.
 */
export function dispatch(deps: { engine: Engine; ours: Handle; metrics: Metrics; log: Log; issuer: string }): Handle {
  const values = headerValues({ https: deps.issuer.startsWith('https:') });
  // The engine's self-submitting pages (form_post, logout without a session) lead to apps; our own pages set a policy anew.
  const policy = (values['Content-Security-Policy'] ?? '').replace("form-action 'self'; ", '');
  const headers = Object.entries({ ...values, 'Content-Security-Policy': policy });
  const { host } = new URL(deps.issuer);
  return (req, res) => {
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    if (!enginePaths.test(path) || req.headers.host !== host) return deps.ours(req, res);
    const id = requestIdOf(req.headers['x-request-id']);
    res.setHeader('X-Request-Id', id);
    for (const [name, value] of headers) res.setHeader(name, value);
    const refused = refusedLength(req, path);
    if (refused !== null) {
      observe(deps, id, req.method ?? '', path, res);
      res.writeHead(refused.status, { 'Content-Type': 'application/json', Connection: 'close' });
      res.end(JSON.stringify({ error: 'invalid_request', error_description: refused.why }));
      return;
    }
    trustIssuer(req, deps.issuer);
    observe(deps, id, req.method ?? '', path, res);
    deps.engine.handle(req, res).catch((error: unknown) => {
      deps.log.error({ err: error, requestId: id }, 'engine failed');
      if (!res.headersSent) res.writeHead(500);
      res.end();
    });
  };
}

/** What is kept until somebody goes on with it: a request object and everything an app may ask fit well. */
const maxRequestBytes = 16 * 1024;

/** Of requests that leave a row behind; their length must be told, so that it is judged before anything is read. */
function refusedLength(req: IncomingMessage, path: string): { status: number; why: string } | null {
  if (req.method !== 'POST' || (path !== '/request' && path !== '/auth')) return null;
  const length = req.headers['content-length'];
  if (length === undefined) return { status: 411, why: 'the length of the request must be told' };
  if (Number(length) <= maxRequestBytes) return null;
  return { status: 413, why: `the request is larger than ${maxRequestBytes} bytes` };
}

export function observeRequest(metrics: Metrics, log: Log): Koa.Middleware {
  return async (ctx, next) => {
    observe({ metrics, log }, ctx.state.requestId, ctx.method, ctx.path, ctx.res);
    await next();
  };
}

function observe(
  deps: { metrics: Metrics; log: Log },
  requestId: string,
  method: string,
  path: string,
  res: ServerResponse,
): void {
  const started = performance.now();
  res.once('close', () => {
    const seconds = (performance.now() - started) / 1000;
    const route = routeOf(path);
    deps.metrics.request(route, method, res.statusCode, seconds);
    deps.log.info({ requestId, method, route, status: res.statusCode, ms: Math.round(seconds * 1000) }, 'request');
  });
}

/** The kind of route for logs and metrics: a path itself may hold ids of interactions. */
function routeOf(path: string): string {
  const [, first = '', , third = ''] = path.split('/');
  if (first === 'interaction')
    return third === '' ? 'interaction' : `interaction/${/^[a-z-]{1,30}$/.test(third) ? third : 'other'}`;
  if (first === 'auth' && path.length > 5) return 'auth/resume';
  return /^[a-z.-]{0,30}$/.test(first) ? first || 'home' : 'other';
}

export function engineError(error: string, cause: unknown): ShiminError {
  if (cause instanceof ShiminError) return cause;
  const status =
    typeof cause === 'object' && cause !== null && 'statusCode' in cause && typeof cause.statusCode === 'number'
      ? cause.statusCode
      : 500;
  // The engine's word for an interaction or session that is over or of another browser.
  const expired = cause instanceof Error && cause.name === 'SessionNotFound';
  if (expired) return new ShiminError('interaction_expired', { status: 400, cause });
  return new ShiminError(status >= 500 ? 'internal' : 'client_invalid', { status, cause, detail: { error } });
}
