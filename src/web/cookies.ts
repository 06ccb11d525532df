import type { Context } from 'koa';

export interface CookieOptions {
  readonly secure: boolean;
  readonly maxAgeSec?: number;
  readonly path?: string;
}

/** `__Host-` ties a cookie to this host and to TLS (RFC 6265bis 4.1.3.2); plain http on localhost can't carry it. */
export function hostCookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

/**
 * Adds a Set-Cookie. Not by `ctx.cookies.set`, which refuses Secure when TLS ends at a proxy in front: here the
 * issuer's own scheme decides.
 */
export function setCookie(ctx: Context, name: string, value: string, options: CookieOptions): void {
  const parts = [`${name}=${value}`, `Path=${options.path ?? '/'}`, 'HttpOnly', 'SameSite=Lax'];
  if (options.maxAgeSec !== undefined) parts.push(`Max-Age=${options.maxAgeSec}`);
  if (options.secure) parts.push('Secure');
  ctx.append('Set-Cookie', parts.join('; '));
}

export function clearCookie(ctx: Context, name: string, options: CookieOptions): void {
  setCookie(ctx, name, '', { ...options, maxAgeSec: 0 });
}

/** Null when absent, doubled or longer than any cookie of ours (security.md B08). */
export function readCookie(ctx: Context, name: string): string | null {
  const header = ctx.get('Cookie');
  if (header.length > 16_384) return null;
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  const [value] = values;
  return values.length === 1 && value !== undefined && /^[A-Za-z0-9_.~-]{1,512}$/.test(value) ? value : null;
}
