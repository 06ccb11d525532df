import { createHmac, randomBytes } from 'node:crypto';
import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import { newId, timingSafeEqualStrings } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { hostCookieName, readCookie, setCookie } from './cookies.ts';
import { fieldsOf } from './form-fields.ts';

/**
 * The policy of a page. `formTargets`: origins a form may lead to besides ourselves. Chrome holds `form-action` against
 * every redirect after a form, so a journey page must name the app's redirect origin or its last step is blocked.
 */
export function contentSecurityPolicy(formTargets: readonly string[] = []): string {
  const targets = formTargets.filter((source) => /^(https?:\/\/[^\s;,'"]+|[a-z][a-z0-9+.-]*:)$/i.test(source));
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    ["form-action 'self'", ...targets].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** CSP source for a redirect target: its origin, or the scheme of an app's own (RFC 8252 section 7.1). */
export function formTarget(uri: string): string | null {
  if (!URL.canParse(uri)) return null;
  const url = new URL(uri);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin;
  return /^(javascript|data|blob|file|vbscript|about):$/.test(url.protocol) ? null : url.protocol;
}

/** Headers of every answer, errors included; pages only narrow or widen the policy's form targets. */
export function headerValues(options: { https: boolean }): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Permissions-Policy':
      'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()',
    ...(options.https ? { 'Strict-Transport-Security': 'max-age=63072000; includeSubDomains' } : undefined),
  };
}

export function securityHeaders(options: { https: boolean }): Middleware {
  const values = { ...headerValues(options) };
  return async (ctx, next) => {
    ctx.set(values);
    await next();
  };
}

/** A caller's own id is taken only if it is a plain word; one of ours tells its time, so that what it did is found by it. */
export function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9-]{8,64}$/.test(given) ? given : newId();
}

/** Names the request in logs, audit and error pages. */
export function requestId(): Middleware {
  return async (ctx, next) => {
    const id = requestIdOf(ctx.req.headers['x-request-id']);
    ctx.state.requestId = id;
    ctx.set('X-Request-Id', id);
    await next();
  };
}

export function noStore(): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store');
    await next();
  };
}

/**
 * Reads a form of at most `bytes`; anything larger is refused before it is read, where its length is told. The one reader
 * of forms: names are names (`fieldsOf`), so the body is taken as text and not by the parser that reads nesting into them.
 */
export function bodyLimit(options: { bytes?: number } = {}): Middleware {
  const bytes = options.bytes ?? 64 * 1024;
  const parse = bodyParser({
    enableTypes: ['text'],
    extendTypes: { text: ['application/x-www-form-urlencoded'] },
    textLimit: bytes,
    onError(cause) {
      throw 'status' in cause && cause.status === 413
        ? tooLarge(cause)
        : new ShiminError('bad_request', { status: 400, cause });
    },
  });
  return async (ctx, next) => {
    if (Number(ctx.get('Content-Length') || 0) > bytes) throw tooLarge();
    await parse(ctx, async () => {
      const text: unknown = ctx.request.body;
      ctx.request.body = fieldsOf(typeof text === 'string' ? text : '');
      await next();
    });
  };
}

function tooLarge(cause?: unknown): ShiminError {
  return new ShiminError('body_too_large', { status: 413, cause });
}

export interface CsrfOptions {
  readonly secret: string;
  /** Our own origin; also decides whether cookies are Secure. */
  readonly origin: string;
  /** Which unsafe requests are forms of ours; default: all. Protocol endpoints have their own protection. */
  readonly protects?: (ctx: Context) => boolean;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Token of this browser, bound by HMAC to its cookie (a signed double submit); makes the cookie where there is none.
 * The engine's own pages take it from here, since no middleware of ours runs before them.
 */
export function csrfToken(ctx: Context, options: Pick<CsrfOptions, 'secret' | 'origin'>): string {
  const secure = options.origin.startsWith('https:');
  const cookie = hostCookieName('shimin_csrf', secure);
  let browser = readCookie(ctx, cookie);
  if (browser === null) {
    browser = randomBytes(32).toString('base64url');
    setCookie(ctx, cookie, browser, { secure });
  }
  return tokenFor(options.secret, browser);
}

const tokenFor = (secret: string, browser: string) =>
  createHmac('sha256', secret).update(`csrf\0${browser}`).digest('base64url');

/**
 * Three checks, each enough against a plain cross-site form: Fetch Metadata, Origin, and the token of this browser.
 * `ctx.state.csrf` makes cookie and token when a page first asks.
 */
export function csrf(options: CsrfOptions): Middleware {
  const cookie = hostCookieName('shimin_csrf', options.origin.startsWith('https:'));
  return async (ctx, next) => {
    let token: string | undefined;
    Object.defineProperty(ctx.state, 'csrf', {
      configurable: true,
      enumerable: true,
      get() {
        token ??= csrfToken(ctx, options);
        return token;
      },
    });
    if (!safeMethods.has(ctx.method) && (options.protects?.(ctx) ?? true)) {
      const browser = readCookie(ctx, cookie);
      const right = browser !== null && sent(ctx, tokenFor(options.secret, browser));
      const reason = refusal(ctx, options.origin) ?? (right ? null : 'token');
      if (reason !== null) throw new ShiminError('csrf_rejected', { status: 403, detail: { reason } });
    }
    await next();
  };
}

function refusal(ctx: Context, own: string): string | null {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '' && site !== 'same-origin' && site !== 'none') return 'fetch_site';
  const origin = ctx.get('Origin');
  // Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms (Fetch, "append a request
  // Origin header"); then Fetch Metadata, or the token alone in browsers without it, must speak.
  if (origin === '' || origin === own || (origin === 'null' && site !== 'none')) return null;
  return 'origin';
}

function sent(ctx: Context, expected: string): boolean {
  const body: unknown = ctx.request.body;
  if (typeof body !== 'object' || body === null || !('_csrf' in body)) return false;
  return typeof body._csrf === 'string' && timingSafeEqualStrings(body._csrf, expected);
}
