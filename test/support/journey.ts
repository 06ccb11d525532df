import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { TestCity } from './city.ts';

/** The newest code that was sent to a number, from the SMS gateway's outbox. */
export async function codeFor(city: TestCity, phone: string): Promise<string> {
  const response = await fetch(`${city.urls.simulators}/outbox?to=${encodeURIComponent(phone)}`, {
    headers: { accept: 'application/json' },
  });
  const [message]: { code: string | null }[] = await response.json();
  if (!message?.code) throw new Error(`no code was sent to ${phone}`);
  return message.code;
}

export function appUrl(city: TestCity, app: 'library' | 'social-insurance' | 'housing-fund' | 'singapore'): string {
  const url = city.urls.apps[app];
  if (url === undefined) throw new Error(`no app ${app}`);
  return url;
}

/** Opens the app and follows its sign-in link. */
export async function startSignIn(page: Page, city: TestCity, app: Parameters<typeof appUrl>[1]): Promise<void> {
  await page.goto(appUrl(city, app));
  await page.click('#sign-in');
}

/** Phone and code, up to the choice of a way to sign in. `phone` in national form of the mainland. */
export async function registerPhone(page: Page, city: TestCity, phone: string): Promise<void> {
  await page.click('a[href$="show=register"]');
  await page.fill('input[name=phone]', phone);
  await page.click('form[action$="/register/phone"] button');
  await page.fill('input[name=code]', await codeFor(city, `+86${phone}`));
  await page.click('form[action$="/register/code"] button');
}

/** Creates the first passkey with the virtual authenticator. */
export async function createPasskey(page: Page): Promise<void> {
  await page.click('form[action$="/register/passkey"] button[type=submit]');
}

export async function proveAgainstRegister(page: Page, name: string, number: string): Promise<void> {
  await page.fill('input[name=name]', name);
  await page.fill('input[name=number]', number);
  await page.click('form[action$="/prove/population"] button');
}

/** Chooses the first way on the step-up page that a mainland resident takes with the city's own register. */
export async function chooseFirstWay(page: Page): Promise<void> {
  const way = page
    .locator(
      'form[action$="/choose"] button[name=way]:not([value*="bridge:"]):not([value*="permit"]):not([value*="exit-entry"])',
    )
    .first();
  await way.waitFor({ state: 'attached' });
  // Behind one word, where people of elsewhere read.
  if (!(await way.isVisible())) await page.click('form[action$="/choose"] details summary');
  await way.click();
}

/** Allows what the app asks for, where the page is shown. */
export async function allowConsent(page: Page): Promise<void> {
  await page.click('form[action$="/consent"] button[value=allow]');
}

export async function signedInAcr(page: Page): Promise<string> {
  await page.waitForSelector('#signed-in');
  const acr = ((await page.textContent('#acr')) ?? '').trim();
  expect(acr).toMatch(/^urn:\w+:/);
  return acr;
}

/** Shows the passkey once more where the page asks for it. */
export async function signInAgain(page: Page): Promise<void> {
  if (new URL(page.url()).pathname.startsWith('/interaction/')) {
    const { href } = new URL(page.url());
    await page.click('form[action$="/passkey/verify"] button[type=submit]');
    await page.waitForURL((url) => url.href !== href);
  }
}
