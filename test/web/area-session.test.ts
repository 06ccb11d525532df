import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import Koa from 'koa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyLogoutToken } from '../../src/web/area-login.ts';
import { type AreaStore, areaSession } from '../../src/web/area-session.ts';
import { browserMarks } from '../../src/web/browser-mark.ts';
import { errorPages } from '../../src/web/errors.ts';
import { bodyLimit } from '../../src/web/guards.ts';
import { renderer } from './site.ts';

const { privateKey, publicKey } = await generateKeyPair('ES256');
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] };
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

const listen = (server: Server) =>
  new Promise<string>((done) =>
    server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );
const bodyOf = async (req: IncomingMessage) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  return new URLSearchParams(text);
};

/** Issuer and area share one origin, as in Shimin: the issuer's endpoints are answered first. */
const server = createServer();
let origin = '';
let now = new Date();
let answer: { acr: string; sid: string; authAgo: number; nonce?: string };
/** What the token endpoint does instead of answering; null: it answers. */
let broken: 'gone' | 502 | null = null;
const asked = new Map<string, URLSearchParams>();
const rows = new Map<string, { data: unknown; expiresAt: Date }>();
const store: AreaStore = {
  get: async (id, at) => {
    const row = rows.get(id);
    return row && row.expiresAt > at ? structuredClone(row.data) : null;
  },
  set: async (id, data, expiresAt) => void rows.set(id, { data: structuredClone(data), expiresAt }),
  destroy: async (id) => void rows.delete(id),
};

const sign = (claims: JWTPayload, typ = 'JWT') =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ })
    .setIssuer(origin)
    .setAudience('account')
    .setIssuedAt(Math.floor(now.getTime() / 1000))
    .setExpirationTime(Math.floor(now.getTime() / 1000) + 300)
    .sign(privateKey);

beforeAll(async () => {
  origin = await listen(server);
  const account = areaSession({
    issuer: origin,
    clientId: 'account',
    clientSecret: 'secret',
    basePath: '/account',
    store,
    clock: () => now,
    renderer,
    browsers: browserMarks({ secure: false, key: 'k' }),
    dominates: (held, needed) => held > needed,
    postLogoutRedirectUri: `${origin}/bye`,
  });
  const app = new Koa();
  app.use((ctx, next) => {
    ctx.state.csrf = 'token';
    return next();
  });
  app.use(errorPages({ renderer, log: { warn: () => undefined, error: () => undefined } }));
  app.use(async (ctx, next) => {
    if (ctx.path === '/.well-known/openid-configuration') {
      ctx.body = {
        issuer: origin,
        authorization_endpoint: `${origin}/auth`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        end_session_endpoint: `${origin}/end`,
        id_token_signing_alg_values_supported: ['ES256'],
      };
    } else if (ctx.path === '/jwks') ctx.body = jwks;
    else if (ctx.path === '/token' && broken === 'gone') ctx.req.socket.destroy();
    else if (ctx.path === '/token' && typeof broken === 'number') ctx.status = broken;
    else if (ctx.path === '/token') {
      const code = (await bodyOf(ctx.req)).get('code') ?? '';
      const time = Math.floor(now.getTime() / 1000);
      const { sid, acr, authAgo } = answer;
      const nonce = answer.nonce ?? asked.get(code)?.get('nonce');
      const idToken = await sign({ sub: 'chen', sid, acr, amr: ['pop'], auth_time: time - authAgo, nonce });
      ctx.body = { access_token: 'at', token_type: 'Bearer', id_token: idToken };
    } else await next();
  });
  app.use(bodyLimit());
  app.use(account.middleware);
  app.use(async (ctx, next) => {
    if (ctx.path === '/account/raise') return account.requireAcr('3', { maxAge: 300 })(ctx, next);
    return next();
  });
  app.use(async (ctx) => {
    ctx.body = ctx.state.area ?? 'open';
  });
  server.on('request', app.callback());
});
afterAll(() => void server.close());
beforeEach(() => {
  now = new Date();
  broken = null;
  answer = { acr: '2', sid: 'sid-1', authAgo: 0 };
  rows.clear();
});

class Browser {
  readonly jar = new Map<string, string>();
  async go(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, origin), {
      redirect: 'manual',
      ...init,
      headers: { cookie, accept: 'application/json' },
    });
    for (const one of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      if (value === '') this.jar.delete(name);
      else this.jar.set(name, value);
    }
    return response;
  }
  /** Opens a page and comes back from the issuer with a code; the issuer's answer is `answer`. */
  async callbackFor(path: string): Promise<string> {
    const url = new URL((await this.go(path)).headers.get('location') ?? '');
    expect(url.pathname).toBe('/auth');
    const code = `code-${asked.size}`;
    asked.set(code, url.searchParams);
    return `/account/callback?code=${code}&state=${url.searchParams.get('state')}`;
  }
  async signIn(path = '/account'): Promise<Response> {
    return this.go(await this.callbackFor(path));
  }
  async who(path = '/account'): Promise<number> {
    return (await this.go(path)).status;
  }
}

describe('an area of our own', () => {
  it('sends people to the issuer with PKCE, state and nonce, and back to where they were', async () => {
    const chen = new Browser();
    const back = await chen.signIn('/account/apps?page=2');
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toBe('/account/apps?page=2');
    const params = [...asked.values()].at(-1);
    expect(params?.get('code_challenge_method')).toBe('S256');
    expect(params?.get('redirect_uri')).toBe(`${origin}/account/callback`);
    expect(await (await chen.go('/account')).json()).toMatchObject({
      sub: 'chen',
      accountId: 'chen',
      sid: 'sid-1',
      acr: '2',
    });
    expect(await chen.who('/accounting')).toBe(200);
  });

  it.each(['gone', 502] as const)(
    'answers 503, and to try again, when the issuer is %s in the middle of it',
    async (how) => {
      const chen = new Browser();
      const back = await chen.callbackFor('/account');
      broken = how;
      const response = await chen.go(back);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toMatchObject({ error: 'upstream_unavailable' });
    },
  );

  it('shows no code and no state on the page of an answer that failed', async () => {
    const back = await new Browser().callbackFor('/account');
    const html = await (await fetch(new URL(back, origin), { headers: { accept: 'text/html' } })).text();
    const query = new URL(back, origin).searchParams;
    expect(html).toContain('name="returnTo" value="/account"');
    for (const name of ['code', 'state']) expect(html).not.toContain(`${name}=${query.get(name)}`);
  });

  it('answers 503 with a page, and to try again, when its issuer can not be reached at all', async () => {
    const closed = createServer();
    const nowhere = await listen(closed);
    await new Promise((done) => closed.close(done));
    const area = areaSession({
      issuer: nowhere,
      clientId: 'account',
      clientSecret: 'secret',
      basePath: '/account',
      store,
      clock: () => now,
      renderer,
      browsers: browserMarks({ secure: false, key: 'k' }),
    });
    const app = new Koa();
    app.use(errorPages({ renderer, log: { warn: () => undefined, error: () => undefined } })).use(area.middleware);
    const alone = createServer(app.callback());
    const response = await fetch(`${await listen(alone)}/account`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.text()).toContain('<h1');
    alone.close();
  });

  it('keeps no secret of the browser in the store', async () => {
    const chen = new Browser();
    await chen.signIn();
    for (const value of chen.jar.values()) expect([...rows.keys()].some((key) => key.includes(value))).toBe(false);
  });

  it('takes the answer only in the browser that asked, once, and with its own nonce', async () => {
    const [chen, mallory] = [new Browser(), new Browser()];
    const callback = await chen.callbackFor('/account');
    await mallory.go('/account');
    expect(await mallory.who(callback)).toBe(400);
    expect(await chen.who(callback)).toBe(303);
    expect(await chen.who(callback)).toBe(400);
    answer.nonce = 'of-another-login';
    expect((await new Browser().signIn()).status).toBe(400);
    expect(await chen.who('/account/callback?state=x&state=y&code=z')).toBe(400);
  });

  it('makes a new session id at each login, and the old one is worth nothing', async () => {
    const chen = new Browser();
    await chen.signIn();
    const before = chen.jar.get('shimin_account') ?? '';
    answer = { acr: '3', sid: 'sid-1', authAgo: 0 };
    await chen.signIn('/account/raise');
    expect(chen.jar.get('shimin_account')).not.toBe(before);
    const thief = new Browser();
    thief.jar.set('shimin_account', before);
    expect(await thief.who()).toBe(303);
    thief.jar.set('shimin_account', 'chosen-by-the-attacker');
    await thief.signIn();
    expect(thief.jar.get('shimin_account')).not.toBe('chosen-by-the-attacker');
  });

  it('raises the level for single pages, asks essentially, and refuses an answer below', async () => {
    const chen = new Browser();
    await chen.signIn();
    const callback = await chen.callbackFor('/account/raise');
    const params = [...asked.values()].at(-1);
    expect(params?.get('acr_values')).toBe('3');
    expect(params?.get('max_age')).toBe('300');
    expect(JSON.parse(params?.get('claims') ?? '{}')).toEqual({
      id_token: { acr: { essential: true, values: ['3'] } },
    });
    expect(await chen.who(callback)).toBe(403);
    answer.acr = '4';
    expect((await chen.signIn('/account/raise')).headers.get('location')).toBe('/account/raise');
    expect(await chen.who('/account/raise')).toBe(200);
    now = new Date(now.getTime() + 301_000);
    expect(await chen.who('/account/raise')).toBe(303);
    expect(await chen.who('/account')).toBe(200);
  });

  it('refuses an authentication older than max_age', async () => {
    const chen = new Browser();
    answer = { acr: '3', sid: 'sid-1', authAgo: 3600 };
    expect((await chen.signIn('/account')).status).toBe(303);
    expect((await chen.signIn('/account/raise')).status).toBe(400);
  });

  it('ends after an hour without use, and after twelve hours in any case', async () => {
    const chen = new Browser();
    await chen.signIn();
    const start = now.getTime();
    now = new Date(start + 3_601_000);
    expect(await chen.who()).toBe(303);
    now = new Date(start);
    chen.jar.clear();
    await chen.signIn();
    for (let minutes = 50; minutes < 12 * 60; minutes += 50) {
      now = new Date(start + minutes * 60_000);
      expect(await chen.who(), `${minutes} minutes`).toBe(200);
    }
    now = new Date(start + 12 * 3600_000 + 1000);
    expect(await chen.who()).toBe(303);
  });

  it('says what happened when the issuer answers with an error', async () => {
    for (const [error, status] of [
      ['access_denied', 200],
      ['unmet_authentication_requirements', 403],
      ['server_error', 503],
    ] as const) {
      const chen = new Browser();
      const state = new URL(await chen.callbackFor('/account'), origin).searchParams.get('state');
      expect(await chen.who(`/account/callback?error=${error}&state=${state}`), error).toBe(status);
      expect(await chen.who()).toBe(303);
    }
  });

  it('signs out here and at the issuer', async () => {
    const chen = new Browser();
    await chen.signIn();
    const kept = chen.jar.get('shimin_account') ?? '';
    const out = new URL((await chen.go('/account/logout', { method: 'POST' })).headers.get('location') ?? '');
    expect(out.pathname).toBe('/end');
    expect(out.searchParams.get('post_logout_redirect_uri')).toBe(`${origin}/bye`);
    expect(chen.jar.has('shimin_account')).toBe(false);
    chen.jar.set('shimin_account', kept);
    expect(await chen.who()).toBe(303);
  });
});

describe('back-channel logout', () => {
  const claims = (more: object = {}) => ({ jti: 'j', sid: 'sid-1', events: { [logoutEvent]: {} }, ...more });
  const send = async (token: string) =>
    (
      await new Browser().go('/account/backchannel-logout', {
        method: 'POST',
        body: new URLSearchParams({ logout_token: token }),
      })
    ).status;

  it('ends the session of that sid, and no other', async () => {
    const [chen, other] = [new Browser(), new Browser()];
    await chen.signIn();
    answer.sid = 'sid-2';
    await other.signIn();
    expect(await send(await sign(claims(), 'logout+jwt'))).toBe(200);
    expect(await chen.who()).toBe(303);
    expect(await other.who()).toBe(200);
  });

  it('by subject ends every session that was there, and none made later', async () => {
    const chen = new Browser();
    await chen.signIn();
    expect(await send(await sign(claims({ sid: undefined, sub: 'chen' }), 'logout+jwt'))).toBe(200);
    expect(await chen.who()).toBe(303);
    now = new Date(now.getTime() + 2000);
    await chen.signIn();
    expect(await chen.who()).toBe(200);
  });

  it('refuses every token that is not a logout token for us', async () => {
    const chen = new Browser();
    await chen.signIn();
    const stranger = await generateKeyPair('ES256');
    const table: [string, string][] = [
      ['nothing', ''],
      ['an ID token', await sign({ sub: 'chen', sid: 'sid-1', nonce: 'n' })],
      ['without typ', await sign(claims())],
      ['with a nonce', await sign(claims({ nonce: 'n' }), 'logout+jwt')],
      ['without the event', await sign(claims({ events: {} }), 'logout+jwt')],
      ['without jti', await sign(claims({ jti: undefined }), 'logout+jwt')],
      ['of nobody', await sign(claims({ sid: undefined }), 'logout+jwt')],
      [
        'by another key',
        await new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'logout+jwt' })
          .setIssuer(origin)
          .setAudience('account')
          .setIssuedAt()
          .sign(stranger.privateKey),
      ],
      [
        'for another app',
        await new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'logout+jwt' })
          .setIssuer(origin)
          .setAudience('library')
          .setIssuedAt()
          .sign(privateKey),
      ],
    ];
    for (const [name, token] of table) expect(await send(token), name).toBe(400);
    expect(await chen.who()).toBe(200);
  });

  it('refuses an old token', async () => {
    const token = await sign(claims(), 'logout+jwt');
    const expected = { keys: createLocalJWKSet(jwks), issuer: origin, clientId: 'account' };
    await expect(verifyLogoutToken(token, { ...expected, now })).resolves.toMatchObject({ sid: 'sid-1' });
    await expect(verifyLogoutToken(token, { ...expected, now: new Date(now.getTime() + 600_000) })).rejects.toThrow();
  });
});
