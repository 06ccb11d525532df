import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { type Answer, Browser } from '../../bench/browser.ts';
import { appSecret } from '../signals/support.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import type { Person, Truth } from './oracle.ts';
import type { World } from './world.ts';

const redirectUri = 'http://localhost:9/callback';

/** What one authorization gave: kept for ever, so that what was ended can be tried again. */
export interface Grant {
  readonly account: Account;
  readonly idToken: Readonly<Record<string, unknown>>;
  readonly accessToken: string;
  refreshToken: string;
  /** Its session or account was ended: nothing of it may work. */
  ended: boolean;
}

/** An account with its keys, in one browser. */
export interface Account {
  readonly truth: Truth;
  readonly keys: SoftwareAuthenticator;
  browser: Browser;
  readonly grants: Grant[];
}

/** What an actor types and does on the way to a level. */
export interface Intent {
  /** Whose name and number, card and telephone are typed. */
  readonly as: Person;
  /** Which of the ways offered is taken, by its number. */
  readonly way: number;
  readonly cancelCamera: boolean;
}

interface Reached {
  readonly outside?: URL;
  readonly page?: Answer;
  readonly at: URL;
}

export interface Faults {
  add(what: string): void;
}

const verifierOf = () => randomBytes(32).toString('base64url');

/** Everything an actor can do over HTTP. Whatever the provider answers with 500 or more is a fault. */
export function actorOn(world: World, faults: Faults) {
  const at = new URL(world.issuer);

  async function follow(browser: Browser, path: string): Promise<Reached> {
    const reached = await browser.follow(path);
    watch(reached.page, path);
    return reached;
  }

  function watch(answer: Answer | undefined, path: string): void {
    if (answer !== undefined && answer.status >= 500) faults.add(`${answer.status} at ${path.split('?')[0]}`);
  }

  async function post(browser: Browser, action: string, html: string, fields: Record<string, string>) {
    const form = { _csrf: attribute(html, /name="_csrf" value="([^"]*)"/) ?? '', ...fields };
    const sent = await browser.send('POST', action, {
      headers: { origin: world.issuer, 'sec-fetch-site': 'same-origin' },
      body: `${new URLSearchParams(form)}`,
    });
    watch(sent, action);
    return sent;
  }

  /** Posts and goes where it leads. */
  async function submit(
    browser: Browser,
    action: string,
    html: string,
    fields: Record<string, string> = {},
  ): Promise<Reached> {
    const sent = await post(browser, action, html, fields);
    if (sent.location === undefined) return { page: sent, at: new URL(action, at) };
    const next = new URL(sent.location, at);
    if (next.origin !== at.origin) return { outside: next, at: next };
    return follow(browser, next.pathname + next.search);
  }

  function authorizePath(verifier: string, extra: Record<string, string>): string {
    return `/auth?${new URLSearchParams({
      client_id: 'probe',
      response_type: 'code',
      scope: 'openid profile',
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      claims: JSON.stringify({
        userinfo: { verified_claims: { verification: { trust_framework: null }, claims: { name: null } } },
        ...(extra.claims ? JSON.parse(extra.claims) : {}),
      }),
      ...Object.fromEntries(Object.entries(extra).filter(([name]) => name !== 'claims')),
    })}`;
  }

  async function codeSentTo(phone: string): Promise<string> {
    const response = await fetch(`${world.simulators}/outbox?to=${encodeURIComponent(`+86${phone}`)}`, {
      headers: { accept: 'application/json' },
    });
    const messages: { code: string | null }[] = await response.json();
    return messages.find(({ code }) => code !== null)?.code ?? '';
  }

  /** A new account of this person's hand; null: the provider did not let them. */
  async function register(holder: Person, phone: string): Promise<Account | null> {
    const browser = new Browser(world.issuer);
    const keys = new SoftwareAuthenticator({ origin: world.issuer });
    const { at: page } = await follow(browser, authorizePath(verifierOf(), {}));
    const base = page.pathname;
    let reached = await follow(browser, `${base}?show=register`);
    reached = await submit(browser, `${base}/register/phone`, reached.page?.body ?? '', { region: 'CN', phone });
    reached = await submit(browser, `${base}/register/code`, reached.page?.body ?? '', {
      code: await codeSentTo(phone),
    });
    const html = reached.page?.body ?? '';
    const options = optionsOf(html, '/register/passkey');
    if (options === null) return null;
    const response = JSON.stringify(keys.create(options.options as never));
    reached = await submit(browser, `${base}/register/passkey`, html, { ceremony: options.ceremony, response });
    if (reached.outside === undefined) return null;
    const truth = { holder, phone, claimed: null, tiedByCard: false, face: false, stopped: false, dead: false };
    return { truth, keys, browser, grants: [] };
  }

  /** Asks for a level (0: none in particular) and does what the pages ask, as far as this actor can. Null: no code came. */
  async function ask(account: Account, level: number, intent: Intent, extra: Record<string, string> = {}) {
    const { browser } = account;
    const verifier = verifierOf();
    const acr = `urn:shimin:loa:${level}`;
    const wish =
      level === 0 ? {} : { claims: JSON.stringify({ id_token: { acr: { essential: true, values: [acr] } } }) };
    let reached = await follow(browser, authorizePath(verifier, { ...wish, ...extra }));
    for (let steps = 0; steps < 14 && reached.outside === undefined; steps += 1) {
      const next = await step(account, intent, reached.page?.body ?? '', reached.at);
      if (next === null) return null;
      reached = next;
    }
    const code = reached.outside?.searchParams.get('code');
    return code ? exchange(account, code, verifier) : null;
  }

  /** One page: what is on it is done once; null: this actor is at an end here. */
  async function step(account: Account, intent: Intent, html: string, where: URL) {
    const { browser, keys, truth } = account;
    const base = where.pathname.split('/').slice(0, 3).join('/');
    const has = (action: string) => html.includes(`action="${base}/${action}"`);
    const passkey = optionsOf(html, '/passkey/verify');
    if (has('recovery-codes')) return submit(browser, `${base}/recovery-codes`, html);
    if (has('prove/retry')) return null;
    if (has('consent')) return submit(browser, `${base}/consent`, html, { decision: 'allow' });
    if (has('prove/population')) {
      const reached = await submit(browser, `${base}/prove/population`, html, {
        name: intent.as.name,
        number: intent.as.number,
      });
      // Taken, unless a page says no.
      if (!refusedBy(reached.page?.body)) truth.claimed ??= intent.as;
      return reached;
    }
    if (has('prove/check/unionpay')) {
      const { name, number, card, phone } = intent.as;
      // A code is read only on a telephone that is in this actor's hands; without one it is guessed, once.
      const asked = html.includes('name="code"');
      const inHand = phone === truth.holder.phone || phone === truth.phone;
      const code = !asked ? {} : { code: inHand ? await codeSentTo(phone) : '123456' };
      const fields = { documentType: 'cn_resident_id', name, number, bankCard: card, region: 'CN', phone, ...code };
      const reached = await submit(browser, `${base}/prove/check/unionpay`, html, fields);
      if (!refusedBy(reached.page?.body) && intent.as.id === truth.holder.id) {
        truth.tiedByCard = true;
        truth.claimed ??= intent.as;
      }
      if (asked && !inHand && reached.page?.body.includes('name="code"')) return null;
      return reached;
    }
    if (has('prove/check/carrier')) return submit(browser, `${base}/prove/check/carrier`, html);
    if (has('prove/face/start')) return camera(account, intent, base, html);
    if (has('choose')) {
      const ways = [...html.matchAll(/name="way" value="([^"]*)"/g)].map(([, way = '']) => way);
      const own = ways.filter(
        (way) => !way.includes('bridge:') && !way.includes('permit') && !/exit-entry|counter/.test(way),
      );
      const way = own[intent.way % Math.max(1, own.length)];
      return way === undefined ? null : submit(browser, `${base}/choose`, html, { way });
    }
    if (passkey !== null) {
      if (keys.keys.length === 0) return null;
      const response = JSON.stringify(keys.get(passkey.options as never));
      return submit(browser, `${base}/passkey/verify`, html, { ceremony: passkey.ceremony, response });
    }
    return null;
  }

  /** At the camera stands who really stands there. */
  async function camera(account: Account, intent: Intent, base: string, html: string) {
    const { browser, truth } = account;
    const sent = await post(browser, `${base}/prove/face/start`, html, {});
    if (sent.location === undefined) return null;
    const there = new URL(sent.location, at);
    if (there.origin === at.origin) return follow(browser, there.pathname + there.search);
    const own = truth.claimed?.id === truth.holder.id;
    const choice = intent.cancelCamera ? 'cancel' : own ? 'me' : 'other';
    const answer = await fetch(there, {
      method: 'POST',
      body: new URLSearchParams({ who: choice }),
      redirect: 'manual',
    });
    const back = new URL(answer.headers.get('location') ?? '/', at);
    const reached = await follow(browser, back.pathname + back.search);
    if (choice === 'me' && !refusedBy(reached.page?.body)) truth.face = true;
    return reached;
  }

  const client = `Basic ${Buffer.from(`probe:${appSecret}`).toString('base64')}`;
  async function token(form: Record<string, string>) {
    const response = await fetch(`${world.issuer}/token`, {
      method: 'POST',
      headers: { authorization: client },
      body: new URLSearchParams(form),
    });
    if (response.status >= 500) faults.add(`${response.status} at /token`);
    const body: Record<string, string> = await response.json();
    return { status: response.status, body };
  }

  async function exchange(account: Account, code: string, verifier: string): Promise<Grant | null> {
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
    const { status, body } = await token(form);
    if (status !== 200) return null;
    const grant = {
      account,
      idToken: decodeJwt(body.id_token ?? ''),
      accessToken: body.access_token ?? '',
      refreshToken: body.refresh_token ?? '',
      ended: false,
    };
    account.grants.push(grant);
    return grant;
  }

  async function refresh(grant: Grant): Promise<Readonly<Record<string, unknown>> | null> {
    if (grant.refreshToken === '') return null;
    const { status, body } = await token({ grant_type: 'refresh_token', refresh_token: grant.refreshToken });
    if (status !== 200) return null;
    grant.refreshToken = body.refresh_token ?? grant.refreshToken;
    return body.id_token === undefined ? {} : decodeJwt(body.id_token);
  }

  async function introspect(value: string): Promise<Readonly<Record<string, unknown>>> {
    const response = await fetch(`${world.issuer}/token/introspection`, {
      method: 'POST',
      headers: { authorization: client },
      body: new URLSearchParams({ token: value }),
    });
    if (response.status >= 500) faults.add(`${response.status} at /token/introspection`);
    return response.json();
  }

  async function userinfo(value: string): Promise<Readonly<Record<string, unknown>> | null> {
    const response = await fetch(`${world.issuer}/me`, { headers: { authorization: `Bearer ${value}` } });
    if (response.status >= 500) faults.add(`${response.status} at /me`);
    return response.status === 200 ? response.json() : null;
  }

  /** From the citizen's own page; false: it was not reached. */
  async function signOutEverywhere(account: Account): Promise<boolean> {
    const { page } = await follow(account.browser, '/account/sessions');
    if (!page?.body.includes('action="/account/sessions/end-all"')) return false;
    await submit(account.browser, '/account/sessions/end-all', page.body);
    return true;
  }

  /** What the citizen's own page says of levels: the marks of the elements, not its words. */
  async function ownPage(account: Account): Promise<string | null> {
    const { page, at: where } = await follow(account.browser, '/account');
    return page?.status === 200 && where.pathname === '/account' ? page.body : null;
  }

  const newBrowser = () => new Browser(world.issuer);

  return { register, ask, refresh, introspect, userinfo, signOutEverywhere, ownPage, newBrowser };
}

export type Acts = ReturnType<typeof actorOn>;

const refusedBy = (html: string | undefined): boolean => html?.includes('/prove/retry"') ?? false;

const attribute = (html: string, pattern: RegExp): string | null => pattern.exec(html)?.[1] ?? null;

/** The options that the page's script would hand to the browser, of the form with this action. */
function optionsOf(html: string, action: string): { ceremony: string; options: unknown } | null {
  const form = html.split('<form').find((part) => new RegExp(`action="[^"]*${action}"`).test(part));
  const options = form && attribute(form, /data-options="([^"]*)"/);
  const ceremony = form && attribute(form, /name="ceremony" value="([^"]*)"/);
  return options && ceremony ? { ceremony, options: JSON.parse(plain(options)) } : null;
}

const plain = (html: string) =>
  html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
