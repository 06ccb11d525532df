import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import { randomToken, sha256b64u, timingSafeEqualStrings } from '../lib/crypto.ts';
import { hostCookieName, readCookie, setCookie } from './cookies.ts';

const year = 365 * 24 * 3600;

export interface BrowserMarks {
  /** Hash of this browser's secret; null: it has none, or somebody planted a second one beside it. */
  of(ctx: Context): string | null;
  /** The same, made at first contact where there is none. */
  make(ctx: Context): string;
}

/**
 * A secret that each browser is given at first contact and that whatever it begins is tied to: an authorization request, the
 * login of an area, a departure to another service. It signs nobody in and names nobody; it says that two requests
 * come from one browser. Under TLS its name carries `__Host-`, so that no sibling host can plant it (RFC 6265bis
 * 4.1.3.2); the engine's own cookies of a request can't, because they are tied to its path. It is signed, so that nobody makes
 * himself a thousand browsers.
 */
export function browserMarks({ secure, key }: { secure: boolean; key: string }): BrowserMarks {
  const name = hostCookieName('shimin_browser', secure);
  const of = (ctx: Context) => {
    const [secret = '', signature = ''] = readCookie(ctx, name)?.split('.') ?? [];
    return secret !== '' && timingSafeEqualStrings(signature, sign(secret)) ? sha256b64u(secret) : null;
  };
  const sign = (secret: string) => createHmac('sha256', key).update(`browser\0${secret}`).digest('base64url');
  return {
    of,
    make(ctx) {
      const known = of(ctx);
      if (known !== null) return known;
      const secret = randomToken();
      setCookie(ctx, name, `${secret}.${sign(secret)}`, { secure, maxAgeSec: year });
      return sha256b64u(secret);
    },
  };
}
