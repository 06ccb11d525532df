import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { createPasskey, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

async function citizen(phone: string): Promise<Person> {
  const person = await newPerson(browser);
  await addAuthenticator(person.page);
  await startSignIn(person.page, city, 'library');
  await registerPhone(person.page, city, phone);
  await createPasskey(person.page);
  await signedInAcr(person.page);
  await person.page.goto(`${city.issuer}/account`);
  return person;
}

describe('signing out', () => {
  it('from one’s own page ends on a page that says so, and everything is over', async () => {
    const { page } = await citizen('13800138401');
    await page.click('form[action="/account/logout"] button');
    expect(await page.textContent('h1')).toBe('Sign out?');
    const [answer] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === '/account/signed-out'),
      page.click('button[name=logout]'),
    ]);
    expect(answer.status()).toBe(200);
    expect(await page.textContent('h1')).toBe('You are signed out');
    // The virtual passkey signs in by itself: that it is asked for is what tells.
    await Promise.all([page.waitForRequest(/\/interaction\/[^/]+$/), page.click('#back')]);
  });

  it('and then staying says that one is still signed in, and goes on', async () => {
    const { page } = await citizen('13800138402');
    await page.click('form[action="/account/logout"] button');
    await page.click('form[action$="/session/end/confirm"] button:not([name])');
    expect(await page.textContent('h1')).toBe('You are still signed in');
    await page.click('#back');
    expect(new URL(page.url()).pathname).toBe('/account');
    await page.goBack();
    await page.click('#sign-out');
    await page.click('button[name=logout]');
    expect(await page.textContent('h1')).toBe('You are signed out');
  });

  it('from the console leads back to the console', async () => {
    const { page } = await enrolStaff(browser, city, { role: 'app_admin', phone: '13900139401' });
    await page.click('form[action="/admin/logout"] button');
    await page.click('button[name=logout]');
    expect(await page.textContent('h1')).toBe('You are signed out');
    expect(await page.getAttribute('#back', 'href')).toBe('/admin');
  });

  it.each(['id_token_hint=not-a-token', 'client_id=nobody', 'client_id=library&client_id=account'])(
    'by a faulty request (%s) says so and offers to sign out here',
    async (query) => {
      const { page } = await citizen(`138001384${10 + query.length}`);
      const answer = await page.goto(`${city.issuer}/session/end?${query}`);
      expect(answer?.status()).toBe(400);
      expect(await page.textContent('h1')).toBe('You are not signed out yet');
      await page.click('#sign-out');
      await page.click('button[name=logout]');
      expect(await page.textContent('h1')).toBe('You are signed out');
    },
  );
});
