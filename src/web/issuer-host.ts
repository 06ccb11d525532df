import type { Middleware } from 'koa';
import { ShiminError } from '../lib/errors.ts';

/**
 * Answers only under the issuer's own host. The engine builds addresses from the request; with this no forged Host or
 * X-Forwarded-Host ends up in a link (security.md B12).
 */
export function issuerHost(issuer: string): Middleware {
  const { host, protocol } = new URL(issuer);
  return async (ctx, next) => {
    if (ctx.req.headers.host !== host)
      throw new ShiminError('bad_request', { status: 421, detail: { reason: 'host' } });
    // What a proxy says of scheme and host is settled by the issuer.
    ctx.req.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    delete ctx.req.headers['x-forwarded-host'];
    delete ctx.req.headers.forwarded;
    await next();
  };
}
