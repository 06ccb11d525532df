import { type Answer, Browser } from '../../bench/browser.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { appOn, authorizePath, verifierOf } from './app.ts';
import { type Person, type Truth, untouched } from './oracle.ts';
import type { World } from './world.ts';

export type Said = Readonly<Record<string, unknown>>;

/** What one authorization gave: kept for ever, so that what was ended can be tried again. */
export interface Grant {
  readonly account: Account;
  readonly idToken: Said;
  readonly accessToken: string;
  refreshToken: string;
  /** A key was shown on the way to it. */
  readonly shown: boolean;
  /** Its session or account was ended: nothing of it may work. */
  ended: boolean;
}

/** A sign-in whose key was shown, and that waits for its last redirect. */
export interface Parked {
  readonly account: Account;
  readonly browser: Browser;
  readonly next: string;
  readonly verifier: string;
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
  readonly shown?: boolean;
}

export interface Faults {
  add(what: string): void;
}

/** Everything an actor can do over HTTP. Whatever the provider answers with 500 or more is a fault. */
export function actorOn(world: World, faults: Faults) {
  const at = new URL(world.issuer);
  const app = appOn(world, faults);

  async function follow(browser: Browser, path: string): Promise<Reached> {
    const reached: Reached = await browser.follow(path).catch((error: unknown) => {
      // Two parts of the city that don't agree send a browser to and fro.
      if (!(error instanceof Error) || !error.message.startsWith('redirects without end')) throw error;
      faults.add(`redirects without end from ${path.split('?')[0]}`);
      return { at: new URL(path, at) };
    });
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
    const { at: page } = await follow(browser, authorizePath(verifierOf(), 0));
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
    const truth = untouched(holder, phone);
    return { truth, keys, browser, grants: [] };
  }

  /** Asks for a level (0: none in particular) and does what the pages ask, as far as this actor can. Null: no code came. */
  async function ask(account: Account, level: number, intent: Intent, extra: Record<string, string> = {}) {
    const verifier = verifierOf();
    const { reached, shown } = await walk(account, intent, authorizePath(verifier, level, extra));
    return granted(account, reached?.outside, verifier, shown);
  }

  async function granted(account: Account, outside: URL | undefined, verifier: string, shown: boolean) {
    const code = outside?.searchParams.get('code');
    const tokens = code ? await app.exchange(code, verifier) : null;
    if (tokens === null) return null;
    const grant: Grant = { account, ...tokens, shown, ended: false };
    account.grants.push(grant);
    return grant;
  }

  /** Follows a path and does what its pages ask, until it leads out or to a page that is no question. */
  async function walk(account: Account, intent: Intent, path: string) {
    let reached = await follow(account.browser, path);
    let shown = false;
    const tried = new Set<string>();
    for (let steps = 0; steps < 16 && reached.outside === undefined; steps += 1) {
      if (!reached.at.pathname.startsWith('/interaction/')) break;
      const html = reached.page?.body ?? '';
      const next = await step(account, intent, { html, where: reached.at, tried });
      if (next === null) return { reached: null, shown };
      shown ||= next.shown === true;
      reached = next;
    }
    return { reached, shown };
  }

  /** Shows the key in a new browser and stops before the redirect that would use it. */
  async function park(account: Account): Promise<Parked | null> {
    const browser = new Browser(world.issuer);
    const verifier = verifierOf();
    const { page, at: where } = await follow(browser, authorizePath(verifier, 0));
    const html = page?.body ?? '';
    const passkey = optionsOf(html, '/passkey/verify');
    if (passkey === null || account.keys.keys.length === 0) return null;
    const response = JSON.stringify(account.keys.get(passkey.options as never));
    const form = { ceremony: passkey.ceremony, response };
    const { location } = await post(browser, `${where.pathname}/passkey/verify`, html, form);
    if (location === undefined) return null;
    const { pathname, search } = new URL(location, at);
    return { account, browser, next: pathname + search, verifier, ended: false };
  }

  async function resume({ account, browser, next, verifier }: Parked) {
    const { outside } = await follow(browser, next);
    return granted(account, outside, verifier, true);
  }

  /** One page: what is on it is done once; null: this actor is at an end here. */
  async function step(
    account: Account,
    intent: Intent,
    { html, where, tried }: { html: string; where: URL; tried: Set<string> },
  ): Promise<Reached | null> {
    const { browser, keys, truth } = account;
    const base = where.pathname.split('/').slice(0, 3).join('/');
    const has = (action: string) => html.includes(`action="${base}/${action}"`);
    const passkey = optionsOf(html, '/passkey/verify');
    if (has('recovery-codes')) return submit(browser, `${base}/recovery-codes`, html);
    if (has('prove/retry')) return null;
    // Some try to go on with less than the app asks for, whether the page offers it or not.
    if (has('choose') && intent.cancelCamera && !tried.has('continue')) {
      tried.add('continue');
      return submit(browser, `${base}/continue`, html);
    }
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
      const sent = { ceremony: passkey.ceremony, response };
      return { ...(await submit(browser, `${base}/passkey/verify`, html, sent)), shown: true };
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

  const nobody = { way: 0, cancelCamera: true };

  /** A page of the citizen's own area, signed in for it as far as it asks; null: it was not reached. */
  async function ownPage(account: Account, path: string): Promise<string | null> {
    const { reached } = await walk(account, { ...nobody, as: account.truth.holder }, path);
    return reached?.page?.status === 200 && reached.at.pathname === path ? reached.page.body : null;
  }

  /** From the citizen's own page; false: it was not reached. */
  async function signOutEverywhere(account: Account): Promise<boolean> {
    // The first press may be answered with a sign-in, and is pressed again after it.
    for (let presses = 0; presses < 3; presses += 1) {
      const html = await ownPage(account, '/account/sessions');
      if (!html?.includes('action="/account/sessions/end-all"')) return false;
      const sent = await post(account.browser, '/account/sessions/end-all', html, {});
      if (sent.location?.includes('done=')) return true;
      const { pathname, search } = new URL(sent.location ?? '/', at);
      await walk(account, { ...nobody, as: account.truth.holder }, pathname + search);
    }
    return false;
  }

  /** A form of the own area with an address that somebody made up. */
  async function tryForm(account: Account, path: string): Promise<void> {
    const html = await ownPage(account, '/account/sessions');
    if (html !== null) await post(account.browser, path, html, {});
  }

  /** Goes on in one's own browser with what was begun in another; true: it came to a page of it or to its end. */
  async function takeOver({ browser }: Account, { next }: Parked): Promise<boolean> {
    const { outside, page } = await follow(browser, next);
    return outside !== undefined || page?.status === 200;
  }

  /** The code of a check in person, to be told to the official; null: none was given. */
  async function counterCode(account: Account, officials: 1 | 2): Promise<string | null> {
    const html = await ownPage(account, '/account/counter/new');
    if (html === null) return null;
    const { page } = await submit(account.browser, '/account/counter/open', html, { officials: String(officials) });
    return /id="code">([^<]*)</.exec(page?.body ?? '')?.[1] ?? null;
  }

  const newBrowser = () => new Browser(world.issuer);

  const own = { ownPage, tryForm, takeOver, signOutEverywhere, counterCode };
  return { register, ask, park, resume, newBrowser, ...own, ...app };
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
