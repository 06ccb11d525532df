import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApp, startApp } from '../../simulators/apps/app.ts';
import { KINDS, type Kind } from '../../simulators/apps/config.ts';
import { openBrowser } from './browser.ts';
import { freePort } from './free-port.ts';
import { startTestProvider, type TestProvider } from './test-provider.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const apps = new Map<Kind, RunningApp>();
let provider: TestProvider;

function app(kind: Kind): RunningApp {
  const running = apps.get(kind);
  if (running === undefined) throw new Error(`${kind} is not running`);
  return running;
}

beforeAll(async () => {
  // The apps start first: discovery is lazy.
  const port = await freePort();
  for (const kind of KINDS) {
    apps.set(kind, await startApp({ kind, port: 0, issuer: `http://localhost:${port}`, log: () => undefined }));
  }
  const ports = Object.fromEntries([...apps].map(([kind, running]) => [kind, Number(new URL(running.url).port)]));
  provider = await startTestProvider(ports, port);
});

afterAll(async () => {
  await Promise.all([...apps.values()].map((each) => each.close()));
  await provider.close();
});

beforeEach(() => {
  Object.assign(provider.will, { acr: 'urn:shimin:loa:2', stepUp: 'meets', deny: false });
  provider.seen.authorizations.length = 0;
});

async function signIn(kind: Kind) {
  const browser = openBrowser();
  const page = await browser.get(`${app(kind).url}/sign-in`);
  return { browser, page };
}

describe('signing in', () => {
  it.each(KINDS)('%s shows who the person is and the level', async (kind) => {
    const { page } = await signIn(kind);
    expect(page.text('error-code')).toBeUndefined();
    expect(page.text('signed-in')).toContain('id="acr"');
    expect(page.text('acr')).toBe('urn:shimin:loa:2');
    expect(page.text('amr')).toBe('swk user');
    expect(page.body).toContain(`data-sub="${kind}-citizen-0123456789"`);
    expect(page.text('auth-time')).toMatch(/\b20\d\d\b/);
    expect(page.text('name')).toBe('陈&lt;小&gt;明');
  });

  it('sends PKCE, state, nonce and the page language, and pushes the request where the app says so', async () => {
    const { browser } = await signIn('housing-fund');
    const [request] = provider.seen.authorizations.slice(-1);
    expect(request?.get('code_challenge_method')).toBe('S256');
    expect(request?.get('ui_locales')).toBe('en');
    expect(request?.get('acr_values')).toBe('urn:shimin:loa:2');
    for (const name of ['state', 'nonce', 'code_challenge']) expect(request?.get(name)?.length).toBeGreaterThan(20);
    expect(browser.trail).toContain('GET /auth');
  });

  it('refuses an answer below the level the app needs', async () => {
    provider.will.acr = 'urn:shimin:loa:1';
    const { browser, page } = await signIn('housing-fund');
    expect(page.status).toBe(403);
    expect(page.text('error-code')).toBe('acr_not_met');
    expect((await browser.get(app('housing-fund').url)).text('sign-in')).toBe('Sign in with Shimin');
  });

  it('explains a refusal of the person and offers the way on', async () => {
    provider.will.deny = true;
    const { page } = await signIn('library');
    expect(page.text('error-code')).toBe('access_denied');
    expect(page.body).toContain('cancelled');
    expect(page.text('retry')).toBe('Sign in with Shimin');
  });

  it('explains login_required after a silent attempt', async () => {
    const page = await openBrowser().get(`${app('library').url}/sign-in?prompt=none`);
    expect(page.text('error-code')).toBe('login_required');
  });

  it('refuses a callback that this browser did not begin, and a replayed one', async () => {
    const { browser } = await signIn('library');
    const used = browser.visited.find((url) => url.pathname === '/callback')?.href ?? '';
    expect(used).toContain('code=');
    for (const each of [openBrowser(), browser]) {
      const page = await each.get(used);
      expect([page.status, page.text('error-code')]).toEqual([400, 'state_unknown']);
    }
    // The session of the one who signed in is none the worse for it.
    expect((await browser.get(app('library').url)).text('signed-in')).toContain('id="acr"');
  });

  it('refuses an answer mixed up with that of another provider or with another code', async () => {
    for (const spoil of [
      (url: URL) => url.searchParams.set('iss', 'http://localhost:1'),
      (url: URL) => url.searchParams.set('code', 'made-up'),
    ]) {
      const browser = openBrowser();
      const away = await fetch(`${app('library').url}/sign-in`, { redirect: 'manual' });
      const state = new URL(away.headers.get('location') ?? '').searchParams.get('state') ?? '';
      const cookie = away.headers.getSetCookie().map((line) => line.split(';')[0]);
      const answer = new URL(
        `${app('library').url}/callback?${new URLSearchParams({ state, code: 'c', iss: provider.issuer })}`,
      );
      spoil(answer);
      const page = await fetch(answer, { headers: { cookie: cookie.join('; ') }, redirect: 'manual' });
      expect(page.status).toBeGreaterThanOrEqual(400);
      expect(await page.text()).toContain('error-code');
      expect((await browser.get(app('library').url)).text('sign-in')).toBe('Sign in with Shimin');
    }
  });

  it('gives a session a new identifier at sign-in, and the old one is dead', async () => {
    const { browser } = await signIn('library');
    const { url } = app('library');
    const session = (at: ReadonlyMap<string, string>) => [...at].find(([name]) => name.endsWith('_sid'));
    const before = session(browser.cookies(url));
    expect((await browser.get(`${url}/sign-in?prompt=none`)).text('signed-in')).toContain('id="acr"');
    expect(session(browser.cookies(url))?.[1]).not.toBe(before?.[1]);
    const old = await fetch(url, { headers: { cookie: before?.join('=') ?? '' } });
    expect(await old.text()).not.toContain('id="signed-in"');
  });

  it('renews the tokens with the refresh token', async () => {
    const { browser, page } = await signIn('social-insurance');
    expect(page.text('refresh')).toBe('Use the refresh token');
    const refreshed = await browser.submit(page, '/refresh');
    expect(refreshed.text('refreshed')).toBe('New tokens were received.');
    expect(provider.seen.refreshes).toBeGreaterThan(0);
    const read = await browser.submit(refreshed, '/userinfo');
    expect(read.text('userinfo-read')).toBe('Your details were read again.');
  });
});

describe('withdrawing from the housing fund', () => {
  it('asks for level 3 as essential and continues the very action', async () => {
    const { browser, page } = await signIn('housing-fund');
    expect(page.text('balance')).toContain('86,420');
    const done = await browser.submit(page, '/withdraw', { amount: '50000' });
    expect(done.text('withdraw-done')).toContain('500');
    expect(done.text('balance')).toContain('85,920');
    expect(done.text('acr')).toBe('urn:shimin:loa:3');
    const request = provider.seen.authorizations.at(-1);
    expect(JSON.parse(request?.get('claims') ?? '{}')).toEqual({
      id_token: { acr: { essential: true, value: 'urn:shimin:loa:3' } },
    });
    expect((await browser.get(app('housing-fund').url)).text('withdraw-done')).toBeUndefined();
  });

  it.each([
    ['falls-short', 'acr_not_met'],
    ['refuses', 'unmet_authentication_requirements'],
    ['someone-else', 'other_person'],
  ] as const)('pays nothing when the provider %s', async (stepUp, code) => {
    const { browser, page } = await signIn('housing-fund');
    const balance = page.text('balance');
    provider.will.stepUp = stepUp;
    const answer = await browser.submit(page, '/withdraw', { amount: '50000' });
    expect(answer.text('withdraw-done')).toBeUndefined();
    expect([answer.status, answer.text('error-code')]).toEqual([403, code]);
    const home = await browser.get(app('housing-fund').url);
    expect(home.text('balance')).toBe(balance);
    expect(home.text('acr')).toBe('urn:shimin:loa:2');
  });

  it('refuses a form without its token, from another site, or with an amount not offered', async () => {
    const { browser, page } = await signIn('housing-fund');
    const url = `${app('housing-fund').url}/withdraw`;
    const csrf = /name="_csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    const bare = await browser.post(url, { amount: '50000' });
    const foreign = await browser.post(url, { amount: '50000', _csrf: csrf }, { 'sec-fetch-site': 'same-site' });
    const odd = await browser.post(url, { amount: '1', _csrf: csrf });
    expect([bare, foreign, odd].map((each) => each.text('error-code'))).toEqual(Array(3).fill('form_expired'));
    const stranger = await openBrowser().post(url, { amount: '50000', _csrf: csrf });
    expect(stranger.text('error-code')).toBe('not_signed_in');
  });
});

describe('signing out', () => {
  it('ends the session here, at the provider, and through it in the other apps', async () => {
    const browser = openBrowser();
    await browser.get(`${app('housing-fund').url}/sign-in`);
    const page = await browser.get(`${app('library').url}/sign-in`);
    const asked = await browser.submit(page, '/sign-out');
    const back = await browser.submit(asked, '/session/end/confirm', { logout: 'yes' });
    expect(back.url.href).toBe(`${app('library').url}/`);
    expect(back.text('sign-in')).toBe('Sign in with Shimin');
    const other = await browser.get(app('housing-fund').url);
    expect(other.text('signed-in')).toBeUndefined();
    expect(other.text('notice')).toContain('signed out of Shimin');
  });

  async function signedIn() {
    const { browser, page } = await signIn('library');
    const sid = /data-field="sid">.*?<td><code>([^<]+)</.exec(page.body)?.[1] ?? '';
    const now = Math.floor(Date.now() / 1000);
    const token = {
      iss: provider.issuer,
      aud: 'library',
      sub: 'library-citizen-0123456789',
      sid,
      iat: now,
      exp: now + 120,
      jti: crypto.randomUUID(),
      events: { [EVENT]: {} },
    };
    const send = (logoutToken: string) =>
      fetch(`${app('library').url}/backchannel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: logoutToken }),
      });
    const still = async () => (await browser.get(app('library').url)).text('signed-in') !== undefined;
    return { token, send, still };
  }

  it('accepts a good logout token once', async () => {
    const { token, send, still } = await signedIn();
    expect(token.sid).not.toBe('');
    const signed = await provider.sign(token);
    const first = await send(signed);
    expect([first.status, first.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(await still()).toBe(false);
    expect((await send(signed)).status).toBe(400);
  });

  it('ends only the session the token names', async () => {
    const { token, send, still } = await signedIn();
    expect((await send(await provider.sign({ ...token, sid: 'another' }))).status).toBe(200);
    expect(await still()).toBe(true);
  });

  it.each<[string, (claims: Record<string, unknown>) => { claims: Record<string, unknown>; header?: { typ: string } }]>(
    [
      ['of another issuer', (claims) => ({ claims: { ...claims, iss: 'http://localhost:1' } })],
      ['for another app', (claims) => ({ claims: { ...claims, aud: 'housing-fund' } })],
      ['with a nonce', (claims) => ({ claims: { ...claims, nonce: 'n' } })],
      ['without the event', (claims) => ({ claims: { ...claims, events: { other: {} } } })],
      ['whose event is not an object', (claims) => ({ claims: { ...claims, events: { [EVENT]: true } } })],
      ['without events', ({ events: _events, ...claims }) => ({ claims })],
      ['without jti', ({ jti: _jti, ...claims }) => ({ claims })],
      ['without sub and sid', ({ sub: _sub, sid: _sid, ...claims }) => ({ claims })],
      ['that has expired', (claims) => ({ claims: { ...claims, iat: 1, exp: 100 } })],
      ['typed as another kind', (claims) => ({ claims, header: { typ: 'JWT' } })],
    ],
  )('refuses a logout token %s', async (_name, spoil) => {
    const { token, send, still } = await signedIn();
    const { claims, header } = spoil(token);
    expect((await send(await provider.sign(claims, header))).status).toBe(400);
    expect(await still()).toBe(true);
  });

  it('refuses an unsigned logout token, one signed by another key, and none at all', async () => {
    const { token, send, still } = await signedIn();
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    expect((await send(`${encode({ alg: 'none', typ: 'logout+jwt' })}.${encode(token)}.`)).status).toBe(400);
    const [head, body] = (await provider.sign(token)).split('.');
    const [, , otherSignature] = (await provider.sign({ ...token, jti: 'other' })).split('.');
    expect((await send(`${head}.${body}.${otherSignature}`)).status).toBe(400);
    expect((await send('')).status).toBe(400);
    expect(await still()).toBe(true);
  });
});

describe('the pages', () => {
  it('speak four languages, remembered, under a strict policy', async () => {
    const browser = openBrowser();
    for (const [lang, word] of [
      ['zh-Hans', '登录'],
      ['zh-Hant', '登入'],
      ['pt', 'Entrar'],
    ] as const) {
      const page = await browser.get(`${app('library').url}/?lang=${lang}`);
      expect(page.body).toContain(`<html lang="${lang}">`);
      expect((await browser.get(app('library').url)).text('sign-in')).toContain(word);
      const csp = page.headers.get('content-security-policy') ?? '';
      expect(csp).toContain("default-src 'none'");
      expect(csp).not.toContain('unsafe');
      expect(page.body).not.toMatch(/<script|style="/);
    }
    expect((await browser.get(`${app('library').url}/nowhere`)).text('error-code')).toBe('not_found');
  });

  it('say so when the provider cannot be reached', async () => {
    const alone = await startApp({ kind: 'library', port: 0, issuer: 'http://localhost:9', log: () => undefined });
    try {
      const page = await openBrowser().get(`${alone.url}/sign-in`);
      expect([page.status, page.text('error-code')]).toEqual([503, 'provider_unreachable']);
    } finally {
      await alone.close();
    }
  });
});
