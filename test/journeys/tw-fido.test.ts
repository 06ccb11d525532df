import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { codeFor, signedInAcr, startSignIn } from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

it('somebody from Taiwan types a number, approves in the app, is led back and registers', async () => {
  const { page, context } = await newPerson(browser, { locale: 'zh-TW' });
  await startSignIn(page, city, 'social-insurance');
  await page.waitForSelector('form[action$="/passkey/verify"]');
  const form = 'form[action$="/bridge/tw-fido/start"]';
  if (!(await page.locator(`${form} button`).isVisible())) await page.click('details.ways-in summary');
  await page.click(`${form} button`);
  const number = page.locator('input[name=number]');
  await number.fill('A123456780');
  await page.click(`${form} button`);
  await page.waitForSelector('[aria-invalid=true]');
  await number.fill('a123456789');
  await page.click(`${form} button`);
  await page.waitForSelector('img.qr');
  // The simulated app is a page, so that its link can be followed on this device as well.
  await page.click('a.button');
  await page.click('button[name=person][value=lin-yi-chun]');
  await page.click('a[href$="show=register"]');
  await page.selectOption('select[name=region]', 'TW');
  await page.fill('input[name=phone]', '0912345678');
  await page.click('form[action$="/register/phone"] button');
  await page.fill('input[name=code]', await codeFor(city, '+886912345678'));
  await page.click('form[action$="/register/code"] button');
  await page.click('form[action$="/register/bridge"] button');
  expect(await signedInAcr(page)).toContain('loa:2');
  await context.close();
});
