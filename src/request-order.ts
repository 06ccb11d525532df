import type Koa from 'koa';
import type { Context } from 'koa';
import type { Engine } from './engine.ts';
import { ShiminError } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import type { Metrics } from './ops/metrics.ts';

/** Paths that are ours; all others are the engine's, which reads bodies and protects its endpoints itself. */
const ourPaths = /^\/(interaction|account|preferences)(\/|$)/;
const isOurs = (ctx: Context) => ourPaths.test(ctx.path);
// A logout token is a signed request of a server, not a form of a browser.
export const isForm = (ctx: Context) => !ctx.path.endsWith('/backchannel-logout');

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
const enginePaths = /^\/(auth|token|me|jwks|request|session\/end|\.well-known\/[a-z-]+)(\/|$)/;

export function handToEngine(engine: Engine): Koa.Middleware {
  return async (ctx, next) => {
    if (!enginePaths.test(ctx.path)) return next();
    // The engine is a Koa application of its own on the same response; headers set so far stay.
    ctx.respond = false;
    ctx.res.statusCode = 404;
    await engine.handle(ctx.req, ctx.res);
  };
}

export function observeRequest(metrics: Metrics, log: Log): Koa.Middleware {
  return async (ctx, next) => {
    const started = performance.now();
    ctx.res.once('close', () => {
      const seconds = (performance.now() - started) / 1000;
      const route = routeOf(ctx.path);
      metrics.request(route, ctx.method, ctx.res.statusCode, seconds);
      log.info(
        {
          requestId: ctx.state.requestId,
          method: ctx.method,
          route,
          status: ctx.res.statusCode,
          ms: Math.round(seconds * 1000),
        },
        'request',
      );
    });
    await next();
  };
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
