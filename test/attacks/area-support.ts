import { expect } from 'vitest';
import { assertion, type Citizen } from '../../bench/citizens.ts';
import { type Answer, csrfOf, inPage, Jar } from '../support/jar.ts';

/** Signed in to an area with the passkey, at one of its pages. */
export async function signedInAt(
  issuer: string,
  citizen: Citizen,
  page: string,
): Promise<{ browser: Jar; csrf: string }> {
  const browser = new Jar(issuer);
  browser.cookies = [{ name: 'lang', value: 'en', path: '/' }];
  const { at: here, body } = await browser.follow(page);
  const options = JSON.parse(inPage(body, /data-options="([^"]*)"/));
  const sent = await browser.post(`${here.pathname}/passkey/verify`, {
    _csrf: csrfOf(body),
    ceremony: inPage(body, /name="ceremony" value="([^"]*)"/),
    response: JSON.stringify(assertion(citizen, { rpId: 'localhost', ...options }, issuer)),
  });
  const answer = await browser.follow(sent.to?.href ?? '');
  expect([answer.at.pathname, answer.status]).toEqual([page, 200]);
  return { browser, csrf: csrfOf(answer.body) };
}

/** What the upstream answers somebody who says there who they are: the address that leads back. */
export async function chooseThere(left: Answer, person: string): Promise<URL> {
  const url = /url=(.*)$/.exec(String(left.headers.refresh))?.[1] ?? '';
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ person }), redirect: 'manual' });
  return new URL(answer.headers.get('location') ?? '');
}
