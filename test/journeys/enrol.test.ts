import { TOTP } from 'otpauth';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  allowConsent,
  chooseFirstWay,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';

let city: TestCity;
let browser: Browser;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

it('somebody with a password adds a passkey and a face on the way to level 3, in one go', async () => {
  const { page } = await newPerson(browser);
  await startSignIn(page, city, 'housing-fund');
  await registerPhone(page, city, '13800138003');
  await page.click('a[href$="show=register-password"]');
  await page.fill('input[name=password]', '南山书城-竹子林-7号');
  await page.click('form[action$="/register/password"] button.primary');
  const secret = ((await page.textContent('main p.mono')) ?? '').replaceAll(/\s/g, '');
  await page.fill('input[name=code]', new TOTP({ secret }).generate());
  await page.click('form[action$="/register/totp"] button');
  await page.click('form[action$="/recovery-codes"] button');
  await chooseFirstWay(page);
  await proveAgainstRegister(page, '王建国', '440305194410010331');
  await allowConsent(page);
  expect(await signedInAcr(page)).toContain('loa:2');
  await addAuthenticator(page);
  await page.click('#withdraw');
  await chooseFirstWay(page);
  for (let step = 0; step < 2; step += 1) {
    if ((await page.locator('form[action$="/enrol/passkey"]').count()) > 0) {
      await page.click('form[action$="/enrol/passkey"] button[type=submit]');
      await page.waitForSelector('form[action$="/prove/face/start"], #withdraw-done');
    } else {
      await page.click('form[action$="/prove/face/start"] button');
      await page.click('button[value=me]');
      await page.waitForSelector('form[action$="/enrol/passkey"], #withdraw-done');
    }
  }
  await page.waitForSelector('#withdraw-done');
  expect(await signedInAcr(page)).toContain('loa:3');
});
