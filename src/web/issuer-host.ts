import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { ShiminError } from '../lib/errors.ts';

/**
 * Answers only under the issuer's own host. The engine builds addresses from the request; with this no forged Host or
 * X-Forwarded-Host ends up in a link (security.md B12).
 */
export function issuerHost(issuer: string): Middleware {
  const { host } = new URL(issuer);
  return async (ctx, next) => {
    if (ctx.req.headers.host !== host)
      throw new ShiminError('bad_request', { status: 421, detail: { reason: 'host' } });
    trustIssuer(ctx.req, issuer);
    await next();
  };
}

/** What a proxy says of scheme and host is settled by the issuer. */
export function trustIssuer(req: IncomingMessage, issuer: string): void {
  req.headers['x-forwarded-proto'] = issuer.slice(0, issuer.indexOf(':'));
  delete req.headers['x-forwarded-host'];
  delete req.headers.forwarded;
}
