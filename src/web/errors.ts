import type { Context, Middleware } from 'koa';
import { ShiminError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { localeOf } from './preferences.ts';
import type { Renderer } from './render.ts';

export interface ErrorPagesOptions {
  readonly renderer: Renderer;
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** A local path on which the person can go on after an error; null when there is none. */
  readonly wayOn?: (ctx: Context) => string | null;
  /** Instead of the general page. */
  readonly view?: string;
}

/** One translation from any error to a page or JSON. Stands right after the headers, so that nothing escapes it. */
export function errorPages(options: ErrorPagesOptions): Middleware {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && ctx.body == null) throw new ShiminError('not_found', { status: 404 });
      if (ctx.status === 405 && ctx.body == null) throw new ShiminError('method_not_allowed', { status: 405 });
    } catch (thrown) {
      answerError(options, ctx, asShiminError(thrown));
    }
  };
}

/** Writes the answer for one error; also for the engine's `renderError`. */
export function answerError(options: ErrorPagesOptions, ctx: Context, error: ShiminError): void {
  note(options, ctx, error);
  if (error.retryAfter !== undefined) ctx.set('Retry-After', String(Math.max(1, Math.ceil(error.retryAfter))));
  ctx.set('Cache-Control', 'no-store');
  const { i18n } = options.renderer;
  const requestId: unknown = ctx.state.requestId;
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.status = error.status;
    const title = i18n.t(localeOf(ctx, i18n), `errors.${error.code}.title`);
    ctx.body = { error: error.code, error_description: title, request_id: requestId };
    return;
  }
  const expired = error.code === 'interaction_expired' || error.code === 'interaction_foreign';
  const view = options.view ?? (expired ? 'journey/expired' : 'error');
  const wayOn = (options.wayOn ?? wayOnFrom)(ctx);
  const minutes = error.retryAfter === undefined ? null : Math.max(1, Math.ceil(error.retryAfter / 60));
  options.renderer.render(ctx, view, { code: error.code, wayOn, minutes, base: wayOn }, { status: error.status });
}

/** Who asked too much or sent nonsense is a warning; a fault of ours is an error. Detail goes nowhere else. */
function note({ log }: ErrorPagesOptions, ctx: Context, error: ShiminError): void {
  const fields = {
    code: error.code,
    status: error.status,
    requestId: ctx.state.requestId,
    method: ctx.method,
    detail: error.detail,
  };
  if (error.status >= 500) log.error({ ...fields, err: error }, 'request failed');
  else log.warn(fields, 'request refused');
}

function asShiminError(thrown: unknown): ShiminError {
  if (thrown instanceof ShiminError) return thrown;
  const status = typeof thrown === 'object' && thrown !== null && 'status' in thrown ? thrown.status : undefined;
  if (status === 404) return new ShiminError('not_found', { status: 404, cause: thrown });
  if (status === 405) return new ShiminError('method_not_allowed', { status: 405, cause: thrown });
  if (status === 413) return new ShiminError('body_too_large', { status: 413, cause: thrown });
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new ShiminError('bad_request', { status, cause: thrown });
  return new ShiminError('internal', { status: 500, cause: thrown });
}

/** Back into the sign-in that is under way, or to the start of the console for whoever was in it. */
function wayOnFrom(ctx: Context): string | null {
  if (ctx.path.startsWith('/admin/')) return '/admin';
  return /^\/interaction\/[A-Za-z0-9_-]{8,64}(?=\/|$)/.exec(ctx.path)?.[0] ?? null;
}
