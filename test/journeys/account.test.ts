import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  appUrl,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  signInAgain,
  startSignIn,
} from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
let chen: Person;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  chen = await newPerson(browser);
  await addAuthenticator(chen.page);
  await startSignIn(chen.page, city, 'social-insurance');
  await registerPhone(chen.page, city, '13800138002');
  await createPasskey(chen.page);
  await chooseFirstWay(chen.page);
  await proveAgainstRegister(chen.page, '陈嘉怡', '440305199502282425');
  await signedInAcr(chen.page);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

const account = (path = '') => `${city.issuer}/account${path}`;

describe('the citizen’s own page', () => {
  it('opens without signing in again and shows who they are, with numbers masked', async () => {
    await chen.page.goto(account());
    const text = (await chen.page.textContent('main')) ?? '';
    expect(text).toContain('陈嘉怡');
    expect(text).toContain('2425');
    expect(text).not.toContain('440305199502282425');
    expect(text).not.toContain('13800138002');
  });

  it('shows evidence, apps, sessions and activity', async () => {
    await chen.page.goto(account('/evidence'));
    expect(await chen.page.locator('main li').count()).toBeGreaterThanOrEqual(2);
    await chen.page.goto(account('/apps'));
    expect(await chen.page.textContent('main')).toContain('Social Insurance');
    await chen.page.goto(account('/sessions'));
    expect(await chen.page.locator('form[action$="/end"]').count()).toBe(1);
    await chen.page.goto(account('/activity'));
    expect(await chen.page.locator('main li').count()).toBeGreaterThanOrEqual(3);
  });

  it('names a passkey, adds no second one of the same authenticator, and keeps the last way in', async () => {
    await chen.page.goto(account('/authenticators'));
    await signInAgain(chen.page);
    await chen.page.click('details.more summary');
    await chen.page.fill('input[id^="n-"]', 'My phone');
    await chen.page.click('form[action$="/rename"] button');
    expect(await chen.page.textContent('main')).toContain('My phone');
    expect(await chen.page.locator('form[action$="/remove"]').count()).toBe(0);
  });

  it('takes consent back: the app’s tokens end', async () => {
    await chen.page.goto(account('/apps'));
    await chen.page.click('form[action$="/social-insurance/withdraw"] button');
    expect(await chen.page.textContent('main')).not.toContain('Social Insurance');
    await chen.page.goto(appUrl(city, 'social-insurance'));
    await chen.page.locator('#developers').evaluate((details: HTMLDetailsElement) => details.setAttribute('open', ''));
    await chen.page.click('#refresh');
    await chen.page.waitForSelector('#error-code');
    expect(await chen.page.textContent('body')).toContain('withdrawn your agreement');
    // Not even a city department gets anything again without asking.
    await startSignIn(chen.page, city, 'social-insurance');
    await chen.page.waitForSelector('form[action$="/consent"]');
  });

  it('signs out everywhere: the account and the apps', async () => {
    await startSignIn(chen.page, city, 'library');
    await signedInAcr(chen.page);
    await chen.page.goto(account('/sessions'));
    await chen.page.click('form[action$="/end-all"] button');
    await chen.page.goto(appUrl(city, 'library'));
    await chen.page.waitForSelector('#sign-in');
  });
});
