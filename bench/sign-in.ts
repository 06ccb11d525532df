import type { Browser } from './browser.ts';
import { assertion, type Citizen, totpCode } from './citizens.ts';
import { authorizePath } from './setup.ts';

/** Each sign-in comes from an address of its own, as a city's do: limits count by address, and the bench is no attacker. */
function address(): Record<string, string> {
  const part = () => Math.floor(Math.random() * 250) + 1;
  return { 'x-forwarded-for': `100.${part()}.${part()}.${part()}` };
}

export async function withPasskey(browser: Browser, origin: string, citizen: Citizen): Promise<string> {
  const { at, page } = await browser.follow(authorizePath);
  const html = page?.body ?? '';
  const options = JSON.parse(plain(attribute(html, /data-options="([^"]*)"/, at)));
  const response = JSON.stringify(assertion(citizen, { rpId: new URL(origin).hostname, ...options }, origin));
  const form = { _csrf: csrf(html, at), ceremony: attribute(html, /name="ceremony" value="([^"]*)"/, at), response };
  return code(await submit(browser, origin, `${at.pathname}/passkey/verify`, form));
}

export async function withPassword(browser: Browser, origin: string, citizen: Citizen): Promise<string> {
  const { at } = await browser.follow(authorizePath);
  const shown = await browser.follow(`${at.pathname}?show=password`);
  const form = {
    _csrf: csrf(shown.page?.body ?? '', at),
    phone: citizen.phone,
    region: 'CN',
    password: citizen.password,
  };
  const next = await submit(browser, origin, `${at.pathname}/password`, form);
  const second = { _csrf: csrf(next.page?.body ?? '', next.at), code: totpCode(citizen) };
  return code(await submit(browser, origin, `${at.pathname}/totp`, second));
}

type Landing = Awaited<ReturnType<Browser['follow']>>;

async function submit(browser: Browser, origin: string, path: string, form: Record<string, string>): Promise<Landing> {
  const answer = await browser.send('POST', path, {
    headers: { origin, ...address() },
    body: `${new URLSearchParams(form)}`,
  });
  if (answer.location === undefined) throw new Error(`${path}: ${answer.status} ${text(answer.body)}`);
  return browser.follow(new URL(answer.location, origin).href);
}

function code({ outside, page, at }: Landing): string {
  const found = outside?.searchParams.get('code');
  if (!found) throw new Error(`no code at ${outside?.href ?? at.pathname}: ${page?.status} ${text(page?.body ?? '')}`);
  return found;
}

function csrf(html: string, at: URL): string {
  return attribute(html, /name="_csrf" value="([^"]*)"/, at);
}

function attribute(html: string, pattern: RegExp, at: URL): string {
  const found = pattern.exec(html)?.[1];
  if (found === undefined) throw new Error(`${at.pathname} has no ${pattern.source}: ${text(html)}`);
  return found;
}

function plain(html: string): string {
  return html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function text(html: string): string {
  return html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, 200);
}
