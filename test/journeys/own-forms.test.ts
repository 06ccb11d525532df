import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { createPasskey, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
let person: Person;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  person = await newPerson(browser);
  await addAuthenticator(person.page);
  await startSignIn(person.page, city, 'library');
  await registerPhone(person.page, city, '13800138601');
  await createPasskey(person.page);
  await signedInAcr(person.page);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

it('a check in person that was begun is called off, and another can be begun', async () => {
  const { page } = person;
  await page.goto(`${city.issuer}/account/counter/new`);
  await page.waitForURL(/\/account\/counter\/new/);
  await page.click('form[action="/account/counter/open"] button');
  await page.waitForSelector('form[action="/account/counter/cancel"]');
  await page.click('form[action="/account/counter/cancel"] button');
  await page.waitForURL(/\/account\/counter/);
  expect(await page.locator('form[action="/account/counter/cancel"]').count()).toBe(0);
  await page.goto(`${city.issuer}/account/counter/new`);
  expect(await page.locator('form[action="/account/counter/open"]').count()).toBeGreaterThan(0);
});
