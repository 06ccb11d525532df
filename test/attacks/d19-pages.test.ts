import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../../bench/browser.ts';
import { assertion } from '../../bench/citizens.ts';
import type { CommandDeps } from '../../src/commands/command.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  admitAtLevelOne,
  type Known,
  knownCitizen,
  type RelyingParty,
  relyingParty,
  residents,
} from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { readQr } from '../support/read-qr.ts';

/** The same over HTTP, as the parties of an attack meet the pages; `d19.test.ts` has the rules on both databases. */
describe('D19 over HTTP', () => {
  let transmitter: Transmitter;
  let app: RelyingParty;
  let deps: CommandDeps;
  let issuer: string;
  let mei: Known;
  let bo: Known;
  let guesser: Known;

  beforeAll(async () => {
    transmitter = await prepareTransmitter('sqlite');
    ({ issuer } = transmitter);
    deps = { db: transmitter.database.knex, keyring: transmitter.keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    const [first, second, third] = residents(3);
    if (!first || !second || !third) throw new Error('no residents');
    mei = await knownCitizen(deps, first, 1);
    bo = await knownCitizen(deps, second, 2);
    guesser = await knownCitizen(deps, third, 3);
    await transmitter.start();
    app = relyingParty(issuer, 'receiver');
  });
  afterAll(() => transmitter?.close());

  const field = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
  const plain = (html: string) => html.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  const post = (browser: Browser, path: string, form: Record<string, string>) =>
    browser.send('POST', path, { headers: { origin: issuer }, body: `${new URLSearchParams(form)}` });

  /** Shows the passkey on whatever sign-in page a path leads to, and goes on. */
  async function passingBy(browser: Browser, path: string, who: Known) {
    const { at, page } = await browser.follow(path);
    const html = page?.body ?? '';
    const options = JSON.parse(plain(/data-options="([^"]*)"/.exec(html)?.[1] ?? '{}'));
    const response = JSON.stringify(assertion(who.citizen, { rpId: new URL(issuer).hostname, ...options }, issuer));
    const form = { _csrf: field(html, '_csrf'), ceremony: field(html, 'ceremony'), response };
    const sent = await post(browser, `${at.pathname}/passkey/verify`, form);
    return browser.follow(new URL(sent.location ?? '', issuer).href);
  }

  interface Screen {
    readonly browser: Browser;
    readonly base: string;
    readonly code: string;
    readonly ticket: string;
    readonly look: () => ReturnType<Browser['follow']>;
  }
  /** A computer that shows its question. */
  async function screen(browser = new Browser(issuer), extra: Record<string, string> = {}): Promise<Screen> {
    const { at } = await browser.follow(app.authorizePath(extra));
    const { page } = await browser.follow(`${at.pathname}?show=qr`);
    const html = page?.body ?? '';
    const image = /class="qr" src="data:image\/svg\+xml;base64,([^"]*)"/.exec(html)?.[1] ?? '';
    const ticket = readQr(Buffer.from(image, 'base64').toString()).split('/').at(-1) ?? '';
    const code = (/id="code"[^>]*>([\d ]+)</.exec(html)?.[1] ?? '').replace(' ', '');
    expect(code).toMatch(/^\d{8}$/);
    return { browser, base: at.pathname, code, ticket, look: () => browser.follow(`${at.pathname}/qr`) };
  }

  /** A phone on the page of the question, signed in a moment ago. */
  async function phone(who: Known, ticket: string) {
    const browser = new Browser(issuer);
    const { page } = await passingBy(browser, `/account/qr/${ticket}`, who);
    const html = page?.body ?? '';
    const csrf = field(html, '_csrf');
    const answer = (code: string, decision = 'approve', to = ticket) =>
      post(browser, `/account/qr/${to}`, { _csrf: csrf, code, decision });
    return { browser, html, csrf, answer };
  }
  const codeOf = (outside: URL | undefined) => outside?.searchParams.get('code') ?? null;
  const accountOf = async (outside: URL | undefined) => {
    const tokens = await app.exchange(codeOf(outside) ?? '');
    return (await app.introspect(tokens.access_token)).sub;
  };

  it('D19 the way it is meant: what is approved is shown, and only the computer that asked goes on', async () => {
    const pc = await screen();
    const mine = await phone(mei, pc.ticket);
    for (const shown of ['receiver', '127.0.0.*']) expect(mine.html).toContain(shown);
    expect((await mine.answer(pc.code)).location).toBe('/account/qr?done=approved');
    const { outside } = await pc.look();
    expect(codeOf(outside)).not.toBeNull();
    const tokens = await app.exchange(codeOf(outside) ?? '');
    const { payload } = jwtOf(tokens.id_token);
    expect(payload.amr).toEqual(['mca', 'mfa', 'user']);
  });

  it('D19 relayed QR: the victim who scans it and has no number beside it signs nobody in', async () => {
    const attacker = await screen();
    const victim = await phone(mei, attacker.ticket);
    expect((await victim.answer('')).status).toBe(422);
    expect((await victim.answer('12345678')).status).toBe(422);
    const { page, outside } = await attacker.look();
    expect(outside).toBeUndefined();
    expect(page?.body).toContain('id="code"');
  });

  it('D19 polled from another browser: the address is worth nothing without the cookie of who asked', async () => {
    const pc = await screen();
    const mine = await phone(mei, pc.ticket);
    const thief = new Browser(issuer);
    await mine.answer(pc.code);
    expect((await thief.send('GET', `${pc.base}/qr`)).status).toBe(400);
    // Nor with a question of the thief's own.
    const own = await screen(thief);
    expect((await own.look()).outside).toBeUndefined();
    expect((await thief.send('GET', `${pc.base}/qr`)).status).toBe(400);
    expect(codeOf((await pc.look()).outside)).not.toBeNull();
  });

  it('D19 twice: a second answer and a second look find nothing', async () => {
    const pc = await screen();
    const mine = await phone(mei, pc.ticket);
    const answers = await Promise.all([mine.answer(pc.code), mine.answer(pc.code), mine.answer(pc.code)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 404, 404]);
    const looks = await Promise.all([1, 2, 3].map(() => pc.browser.send('GET', `${pc.base}/qr`)));
    expect(looks.filter(({ status }) => status === 303).length).toBeGreaterThanOrEqual(1);
    const events = await deps.db('authentication_events').where({ method: 'cross_device' }).whereNull('adopted_at');
    expect(events).toHaveLength(1);
    expect(codeOf((await pc.browser.follow(pc.base)).outside)).not.toBeNull();
  });

  it('D19 code guessed: unknown, answered and never issued look the same, and guessing is stopped', async () => {
    const pc = await screen();
    const mine = await phone(guesser, pc.ticket);
    await mine.answer('', 'refuse');
    const typed = (code: string) => post(mine.browser, '/account/qr', { _csrf: mine.csrf, code });
    const never = `${(Number(pc.code) + 1) % 100_000_000}`.padStart(8, '0');
    const pages = [
      await typed(pc.code),
      await typed(never),
      await typed('x'),
      await mine.answer(pc.code),
      await mine.browser.send('GET', `/account/qr/${pc.ticket}`),
      await mine.browser.send('GET', `/account/qr/${'A'.repeat(43)}`),
    ];
    const bare = ({ status, body }: (typeof pages)[number]) =>
      `${status} ${/<main[\s\S]*<\/main>/.exec(body)?.[0] ?? body.replace(/[\w-]{20,}/g, '')}`;
    expect(new Set(pages.map(bare)).size).toBe(1);
    expect(pages[0]?.status).toBe(404);
    let tries = 0;
    while ((await typed(never)).status === 404 && tries < 50) tries += 1;
    expect(tries).toBeLessThan(25);
    expect((await typed(never)).status).toBe(429);
    // A live number is not looked at either.
    expect((await typed((await screen()).code)).status).toBe(429);
  });

  it('D19 approver not strong enough: nobody sees the question who is not signed in, and a form of another site is refused', async () => {
    const pc = await screen();
    const stranger = new Browser(issuer);
    const { at, page } = await stranger.follow(`/account/qr/${pc.ticket}`);
    expect(at.pathname).toMatch(/^\/interaction\//);
    expect(page?.body).not.toContain('id="question"');
    const mine = await phone(mei, pc.ticket);
    expect((await post(mine.browser, `/account/qr/${pc.ticket}`, { code: pc.code, decision: 'approve' })).status).toBe(
      403,
    );
    expect((await pc.look()).outside).toBeUndefined();
  });

  it('D19 approver not strong enough: a computer that was signed in by phone approves no other, and adds no passkey', async () => {
    const pc = await screen();
    await (await phone(mei, pc.ticket)).answer(pc.code);
    expect(codeOf((await pc.look()).outside)).not.toBeNull();
    const next = await screen();
    const { at, page } = await pc.browser.follow(`/account/qr/${next.ticket}`);
    expect(at.pathname).toMatch(/^\/interaction\//);
    expect(page?.body).toContain('data-passkey="get"');
    expect(page?.body).not.toContain('show=qr');
    const keys = await pc.browser.follow('/account/authenticators');
    expect(keys.at.pathname).toMatch(/^\/interaction\//);
    const raise = await pc.browser.follow('/account/raise/3');
    expect(raise.page?.body).not.toContain('enrol-passkey');
    const enrol = await post(pc.browser, `${raise.at.pathname}/enrol/passkey`, {
      _csrf: field(raise.page?.body ?? '', '_csrf'),
      ceremony: 'c',
      response: '{}',
    });
    expect(enrol.status).toBe(403);
  });

  it('D19 another person approves while somebody is signed in at the computer: told, and nobody changes', async () => {
    const browser = new Browser(issuer);
    const before = await passingBy(browser, app.authorizePath(), mei);
    const sub = await accountOf(before.outside);
    const pc = await screen(browser, { prompt: 'login' });
    const other = await phone(bo, pc.ticket);
    expect((await other.answer(pc.code)).status).toBe(303);
    const { page, outside } = await pc.look();
    expect(outside).toBeUndefined();
    expect(page?.body).toContain('id="reason"');
    // The same computer goes on as who it was.
    const again = await browser.follow(app.authorizePath({ prompt: 'none' }));
    expect(await accountOf(again.outside)).toBe(sub);
  });
});

const jwtOf = (token: string) => ({
  payload: JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()),
});
