import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { createPasskey, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

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

it('new signing keys are proposed by one of the staff, approved by another, and in force; the page of merges opens', async () => {
  const ana = await enrolStaff(browser, city, { role: 'owner', phone: '13900139601' });
  const ben = await enrolStaff(browser, city, { role: 'assurance_admin', phone: '13900139602' });
  const keysNow = async () => (await (await fetch(`${city.issuer}/jwks`)).json()).keys.length;
  const before = await keysNow();
  await ana.page.goto(`${city.issuer}/admin/keys`);
  await ana.page.fill('#f-reason', 'drill');
  await ana.page.click('form[action="/admin/keys/rotate"] button.primary');
  await ben.page.goto(`${city.issuer}/admin/approvals`);
  await ben.page.locator('main .rows a').first().click();
  await ben.page.click('button[value=approve]');
  expect(await ben.page.textContent('#status')).toBe('In effect');
  await expect.poll(keysNow, { timeout: 10_000 }).toBeGreaterThan(before);
  const page = await person.page.goto(`${city.issuer}/account/merges`);
  expect(page?.status()).toBe(200);
}, 60_000);
