import { TOTP } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
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

async function showFace(page: Page): Promise<void> {
  await page.click('form[action$="/prove/face/start"] button');
  await page.click('button[value=me]');
}

it('somebody with a password adds a passkey and a face on the way to level 3: the passkey counts once they sign in with it', async () => {
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
  if ((await page.locator('form[action$="/prove/face/start"]').count()) > 0) await showFace(page);
  // The sign-in of the request before is none of this one.
  await page.fill('input[name=phone]', '13800138003');
  await page.fill('input[name=password]', '南山书城-竹子林-7号');
  await page.click('form[action$="/password"] button.primary');
  await page.fill(
    'input[name=code]',
    new TOTP({ secret, algorithm: 'SHA1' }).generate({ timestamp: Date.now() + 30_000 }),
  );
  await page.click('form[action$="/totp"] button');
  await page.click('form[action$="/enrol/passkey"] button[type=submit]');
  await page.click('form[action$="/again"] button');
  await page.waitForSelector('form[action$="/passkey/verify"], form[action$="/choose"]');
  if ((await page.locator('form[action$="/choose"]').count()) > 0) await chooseFirstWay(page);
  for (let step = 0; step < 2 && (await page.locator('#withdraw-done').count()) === 0; step += 1) {
    await page.waitForSelector('form[action$="/passkey/verify"], form[action$="/prove/face/start"]');
    if ((await page.locator('form[action$="/prove/face/start"]').count()) > 0) await showFace(page);
    else await page.click('form[action$="/passkey/verify"] button[type=submit]');
    await page.waitForSelector('form[action$="/passkey/verify"], form[action$="/prove/face/start"], #withdraw-done');
  }
  await page.waitForSelector('#withdraw-done');
  expect(await signedInAcr(page)).toContain('loa:3');
});
