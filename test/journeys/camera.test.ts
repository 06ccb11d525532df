import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/storage/db.ts';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  allowConsent,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
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

async function revoked(): Promise<string[]> {
  const { knex, close } = connect(city.databaseUrl);
  const rows: { kind: string }[] = await knex('evidence').whereNotNull('revoked_at').select('kind');
  await close();
  return rows.map(({ kind }) => kind);
}

async function toCamera(page: Page): Promise<void> {
  await page.click('form[action$="/prove/face/start"] button');
  await page.waitForSelector('button[value=cancel]');
}

it('Cancel at the camera takes nothing, says so, and the next try succeeds', async () => {
  const { page } = await newPerson(browser);
  await addAuthenticator(page);
  await startSignIn(page, city, 'housing-fund');
  await registerPhone(page, city, '13800138001');
  await createPasskey(page);
  await chooseFirstWay(page);
  await proveAgainstRegister(page, '李晓明', '440305198806151219');
  await allowConsent(page);
  await page.click('#withdraw');
  await page.waitForSelector('form[action$="/choose"]');
  await chooseFirstWay(page);

  await toCamera(page);
  await page.click('button[value=cancel]');
  expect(await page.textContent('h1')).toBe('You stopped the camera check');
  expect(await revoked()).toEqual([]);
  await page.click('form[action$="/prove/retry"] button.primary');

  await toCamera(page);
  await page.click('button[value=other]');
  expect(await page.textContent('h1')).toBe('The face check did not succeed');
  expect(await revoked()).toEqual([]);
  await page.click('form[action$="/prove/retry"] button.primary');

  await toCamera(page);
  await page.click('button[value=me]');
  await page.waitForSelector('#withdraw-done');
});
