import type { Context, Middleware, Next } from 'koa';
import * as oidc from 'openid-client';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { randomToken, sha256b64u } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type AreaClient, areaClient, type LoginWish } from './area-login.ts';
import type { BrowserMarks } from './browser-mark.ts';
import { clearCookie, hostCookieName, readCookie, setCookie } from './cookies.ts';
import { seeOther } from './forms.ts';
import { localPath } from './local-path.ts';
import type { Renderer } from './render.ts';

/** Where sessions and logins in progress are kept; ids handed in are already hashes. */
export interface AreaStore {
  get(id: string, now: Date): Promise<unknown>;
  set(id: string, data: unknown, expiresAt: Date): Promise<void>;
  destroy(id: string, now: Date): Promise<void>;
}

const sessionSchema = z.object({
  sub: z.string(),
  accountId: z.string(),
  sid: z.string().nullable(),
  acr: z.string().nullable(),
  amr: z.array(z.string()),
  /** Seconds, as in the ID token. */
  authTime: z.number(),
  idToken: z.string(),
  createdAt: z.number(),
  seenAt: z.number(),
  /** Each time, of the last minutes, from when the person was sent to sign in for it until they came back. */
  signIns: z.array(z.object({ since: z.number(), until: z.number() })).default([]),
});
/** `ctx.state.area`: who is signed in to this area. */
export type AreaSession = z.infer<typeof sessionSchema>;

const loginSchema = z.object({
  browser: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  newcomer: z.boolean().default(false),
  acr: z.string().optional(),
  maxAge: z.number().optional(),
  at: z.number().nullable().default(null),
});

export interface AreaSessionOptions extends AreaClient {
  /** `/account` or `/admin`; the area's pages lie below it. */
  readonly basePath: string;
  /** Level that every page of the area needs; single pages ask for more by `requireAcr`. */
  readonly requiredAcr?: string;
  readonly maxAge?: number;
  readonly scope?: string;
  readonly store: AreaStore;
  readonly clock: Clock;
  readonly renderer: Renderer;
  /** Our account of a subject; null: nobody here. Default: the subject itself. */
  readonly accountOf?: (sub: string, claims: Readonly<Record<string, unknown>>) => Promise<string | null>;
  /** Whether a held level is as good as a needed one; default: the same. */
  readonly dominates?: (held: string, needed: string) => boolean | Promise<boolean>;
  readonly postLogoutRedirectUri?: string;
  /** Paths below `basePath` that need nobody signed in. */
  readonly publicPaths?: readonly string[];
  /** Whose answer it is that comes back from the issuer. */
  readonly browsers: BrowserMarks;
  /** Bounds the logins that nobody finishes: `begin` answers the seconds to wait where there are too many. */
  readonly openWork?: {
    begin(ctx: Context, begun: { clientId: string; newcomer: boolean }): Promise<number | null>;
    end(ctx: Context, begun: { clientId: string; newcomer: boolean }): Promise<void>;
  };
  readonly idleSec?: number;
  readonly absoluteSec?: number;
}

export interface AreaSessions {
  /** Signs people in to everything below `basePath`; answers `/callback`, `/logout` (POST), `/backchannel-logout`. */
  readonly middleware: Middleware;
  /** Sends the person through a fresh login unless the level is held, and not longer ago than `maxAge` seconds. */
  requireAcr(acr: string, options?: { maxAge?: number; returnTo?: string }): Middleware;
}

const carriedMs = 15 * 60_000;

/** Makes an area an ordinary relying party of our own issuer: one sign-in code, one kill switch, one logout. */
export function areaSession(options: AreaSessionOptions): AreaSessions {
  const { basePath, store, clock } = options;
  const { origin } = new URL(options.issuer);
  const secure = origin.startsWith('https:');
  const area = basePath.slice(1);
  const sessionCookie = hostCookieName(`shimin_${area}`, secure);
  const client = areaClient(options, `${origin}${basePath}/callback`, options.scope ?? 'openid');
  // SP 800-63B-4 2.2.3: at AAL2, sign in again after at most 24 hours, or 1 hour without activity.
  const idle = (options.idleSec ?? 3600) * 1000;
  const absolute = (options.absoluteSec ?? 12 * 3600) * 1000;
  const key = (kind: string, id: string) => `${area}:${kind}:${sha256b64u(id)}`;
  const endOf = (session: AreaSession) => new Date(Math.min(session.seenAt + idle, session.createdAt + absolute));

  async function current(ctx: Context): Promise<AreaSession | null> {
    const id = readCookie(ctx, sessionCookie);
    if (id === null) return null;
    const now = clock();
    const parsed = sessionSchema.safeParse(await store.get(key('session', id), now));
    if (!parsed.success || endOf(parsed.data) <= now) return null;
    const session = parsed.data;
    if (await wasEnded(session, now)) {
      await store.destroy(key('session', id), now);
      return null;
    }
    if (now.getTime() - session.seenAt > 60_000) {
      session.seenAt = now.getTime();
      await store.set(key('session', id), session, endOf(session));
    }
    return session;
  }

  /** Back-channel logout leaves a mark by sid or sub, since sessions are found by their secret id only. */
  async function wasEnded(session: AreaSession, now: Date): Promise<boolean> {
    const bySid = session.sid === null ? null : store.get(key('ended-sid', session.sid), now);
    const mark = z.object({ at: z.number() }).safeParse(await store.get(key('ended-sub', session.sub), now));
    return (await bySid) != null || (mark.success && mark.data.at >= session.createdAt);
  }

  async function login(ctx: Context, returnTo: string, wish: LoginWish): Promise<void> {
    const newcomer = options.browsers.of(ctx) === null;
    const wait = await options.openWork?.begin(ctx, { clientId: options.clientId, newcomer });
    if (typeof wait === 'number') throw new ShiminError('too_many_requests', { status: 429, retryAfter: wait });
    const locale = typeof ctx.state.locale === 'string' ? ctx.state.locale : undefined;
    const { url, keep } = await client.begin({ ...wish, locale });
    const at = clock().getTime();
    const data = {
      ...keep,
      browser: options.browsers.make(ctx),
      newcomer,
      returnTo,
      acr: wish.acr,
      maxAge: wish.maxAge,
      at,
    };
    await store.set(key('login', keep.state), data, new Date(at + 3_600_000));
    seeOther(ctx, url);
  }

  async function callback(ctx: Context): Promise<void> {
    const now = clock();
    const state = typeof ctx.query.state === 'string' ? ctx.query.state : '';
    const login = loginSchema.safeParse(await store.get(key('login', state), now));
    if (!login.success) throw new ShiminError('interaction_expired', { status: 400, detail: { area } });
    // Login CSRF: the answer must come to the browser that asked (RFC 9700 section 4.7).
    if (login.data.browser !== options.browsers.of(ctx))
      throw new ShiminError('interaction_foreign', { status: 400, detail: { area } });
    await store.destroy(key('login', state), now);
    await options.openWork?.end(ctx, { clientId: options.clientId, newcomer: login.data.newcomer });
    const answer = await exchange(ctx, login.data);
    if (answer === null) return options.renderer.render(ctx, 'journey/logged-out', { area: basePath, still: false });
    const made = await sessionOf(answer.claims, answer.idToken, now);
    const session = { ...made, signIns: await signInsOf(ctx, made, login.data.at, now) };
    // An answer below what was asked would send the person round in a circle.
    if (!(await holds(session, login.data.acr, undefined))) throw new ShiminError('level_unreachable', { status: 403 });
    const before = readCookie(ctx, sessionCookie);
    if (before !== null) await store.destroy(key('session', before), now);
    // A new id at each login and step-up: an id known before is worth nothing after (security.md B09).
    const id = randomToken();
    await store.set(key('session', id), session, endOf(session));
    setCookie(ctx, sessionCookie, id, { secure });
    seeOther(ctx, localPath(login.data.returnTo, basePath));
  }

  /** Null: the person went back instead of signing in. */
  async function exchange(ctx: Context, login: z.infer<typeof loginSchema>) {
    try {
      return await client.finish(new URL(`${basePath}/callback${ctx.search}`, origin), login);
    } catch (error) {
      if (error instanceof ShiminError) throw error;
      if (!(error instanceof oidc.AuthorizationResponseError)) {
        throw new ShiminError('interaction_expired', { status: 400, cause: error, detail: { area } });
      }
      if (error.error === 'access_denied') return null;
      if (error.error === 'unmet_authentication_requirements')
        throw new ShiminError('level_unreachable', { status: 403 });
      throw new ShiminError('upstream_unavailable', { status: 503, cause: error, detail: { error: error.error } });
    }
  }

  async function sessionOf(
    claims: Readonly<Record<string, unknown>>,
    idToken: string,
    now: Date,
  ): Promise<Omit<AreaSession, 'signIns'>> {
    const { sub, sid, acr, amr, auth_time } = claims;
    const subject = String(sub);
    const accountId = options.accountOf ? await options.accountOf(subject, claims) : subject;
    if (accountId === null) throw new ShiminError('account_suspended', { status: 403 });
    return {
      sub: subject,
      accountId,
      sid: typeof sid === 'string' ? sid : null,
      acr: typeof acr === 'string' ? acr : null,
      amr: Array.isArray(amr) ? amr.map(String) : [],
      authTime: typeof auth_time === 'number' ? auth_time : Math.floor(now.getTime() / 1000),
      idToken,
      createdAt: now.getTime(),
      seenAt: now.getTime(),
    };
  }

  /** A step-up goes on with the sign-in of a moment ago: nobody signs in twice for one page. */
  async function signInsOf(ctx: Context, made: Omit<AreaSession, 'signIns'>, since: number | null, now: Date) {
    const before = await current(ctx);
    const same = before !== null && before.accountId === made.accountId && before.sid === made.sid;
    const lately = same ? before.signIns.filter(({ until }) => now.getTime() - until < carriedMs) : [];
    return since === null ? lately : [...lately.slice(-4), { since, until: now.getTime() }];
  }

  async function logout(ctx: Context): Promise<void> {
    const id = readCookie(ctx, sessionCookie);
    const session = await current(ctx);
    if (id !== null) await store.destroy(key('session', id), clock());
    clearCookie(ctx, sessionCookie, { secure });
    seeOther(
      ctx,
      session ? await client.endSessionUrl(session.idToken, options.postLogoutRedirectUri, area) : basePath,
    );
  }

  async function backchannel(ctx: Context): Promise<void> {
    const now = clock();
    const form = z.object({ logout_token: z.string().max(20_000) }).safeParse(ctx.request.body);
    ctx.set('Cache-Control', 'no-store');
    try {
      const claims = await client.logoutToken(form.data?.logout_token ?? '', now);
      const until = new Date(now.getTime() + absolute);
      if (claims.sid !== undefined) await store.set(key('ended-sid', claims.sid), { at: claims.iat * 1000 }, until);
      else if (claims.sub !== undefined) {
        // `iat` has whole seconds: a session of the same second counts as earlier.
        await store.set(key('ended-sub', claims.sub), { at: claims.iat * 1000 + 999 }, until);
      }
      ctx.status = 200;
      ctx.body = '';
    } catch (cause) {
      if (cause instanceof ShiminError) throw cause;
      ctx.status = 400; // Section 2.8: any other answer than 200 is a failure; why is nobody's business.
      ctx.body = { error: 'invalid_request' };
    }
  }

  async function holds(session: AreaSession, acr: string | undefined, maxAge: number | undefined): Promise<boolean> {
    const level =
      acr === undefined ||
      (session.acr !== null && (session.acr === acr || (await options.dominates?.(session.acr, acr)) === true));
    return level && (maxAge === undefined || clock().getTime() / 1000 - session.authTime <= maxAge);
  }

  async function require(
    ctx: Context,
    next: Next,
    acr: string | undefined,
    maxAge: number | undefined,
    returnTo?: string,
  ) {
    const session = await current(ctx);
    if (session !== null && (await holds(session, acr, maxAge))) {
      ctx.state.area = session;
      return next();
    }
    const here = ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.originalUrl : (returnTo ?? basePath);
    return login(ctx, localPath(here, basePath), { acr, maxAge });
  }

  return {
    async middleware(ctx, next) {
      if (ctx.path !== basePath && !ctx.path.startsWith(`${basePath}/`)) return next();
      const [path, method] = [ctx.path.slice(basePath.length), ctx.method];
      if (options.publicPaths?.includes(path) && method === 'GET') return next();
      if (path === '/callback' && method === 'GET') return callback(ctx);
      if (path === '/logout' && method === 'POST') return logout(ctx);
      if (path === '/backchannel-logout' && method === 'POST') return backchannel(ctx);
      return require(ctx, next, options.requiredAcr, options.maxAge);
    },
    requireAcr:
      (acr, { maxAge, returnTo } = {}) =>
      (ctx, next) =>
        require(ctx, next, acr, maxAge, returnTo),
  };
}
