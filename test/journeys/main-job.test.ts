import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { freshDatabase } from '../support/databases.ts';
import {
  allowConsent,
  appUrl,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';

describe.each(['sqlite', 'postgres'] as const)('one login for a whole city, on %s', (kind) => {
  let city: TestCity;
  let browser: Browser;
  let li: Person;
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  beforeAll(async () => {
    database = await freshDatabase(kind);
    [city, browser] = await Promise.all([startCity({ SHIMIN_DATABASE_URL: database.url }), launchBrowser()]);
    li = await newPerson(browser);
    await addAuthenticator(li.page);
  });
  afterAll(async () => {
    await browser?.close();
    await city?.close();
    await database?.remove();
  });

  let sub = '';

  it('registers with a passkey and comes back to the library at level 1', async () => {
    const { page } = li;
    await startSignIn(page, city, 'library');
    await registerPhone(page, city, '13800138001');
    await createPasskey(page);
    expect(await signedInAcr(page)).toContain('loa:1');
    sub = (await page.getAttribute('#sub', 'data-sub')) ?? '';
    expect(sub).not.toBe('');
  });

  it('proves who they are against the register for social insurance, without signing in twice', async () => {
    const { page } = li;
    await startSignIn(page, city, 'social-insurance');
    await chooseFirstWay(page);
    await proveAgainstRegister(page, '李晓明', '440305198806151219');
    expect(await signedInAcr(page)).toContain('loa:2');
    // Pairwise: no two apps know the citizen by the same name (OpenID Connect Core 8.1).
    expect(await page.getAttribute('#sub', 'data-sub')).not.toBe(sub);
    expect(await page.textContent('#name')).toContain('李晓明');
  });

  it('walks into the second app in silence once both know the citizen', async () => {
    const { page } = li;
    await li.context.clearCookies({ name: new RegExp(`^app${new URL(appUrl(city, 'social-insurance')).port}_`) });
    const pages: string[] = [];
    page.on('framenavigated', (frame) => pages.push(new URL(frame.url()).pathname));
    await startSignIn(page, city, 'social-insurance');
    expect(await signedInAcr(page)).toContain('loa:2');
    expect(pages.filter((path) => path.startsWith('/interaction'))).toEqual([]);
  });

  it('steps up from level 2 to 3 for one action in the housing fund, in the same session', async () => {
    const { page } = li;
    await startSignIn(page, city, 'housing-fund');
    await allowConsent(page);
    expect(await signedInAcr(page)).toContain('loa:2');
    await page.click('#withdraw');
    await chooseFirstWay(page);
    await page.click('form[action$="/prove/face/start"] button');
    await page.click('button[value=me]');
    await page.waitForSelector('#withdraw-done');
    expect(await signedInAcr(page)).toContain('loa:3');
  });

  it('signs out of all apps by back-channel logout', async () => {
    const { page } = li;
    await page.goto(appUrl(city, 'library'));
    await page.waitForSelector('#signed-in');
    await page.click('#sign-out');
    await page.click('form button[name=logout]');
    // Back at the app by itself: the page's policy lets the redirect through.
    await page.waitForURL(`${appUrl(city, 'library')}/**`);
    for (const app of ['library', 'social-insurance', 'housing-fund'] as const) {
      await page.goto(appUrl(city, app));
      await page.waitForSelector('#sign-in');
    }
  });

  it('signs in again with the passkey that the browser offers by itself (conditional mediation)', async () => {
    const { page } = li;
    // The virtual authenticator consents at once, so the page needs no click at all.
    await startSignIn(page, city, 'social-insurance');
    expect(await signedInAcr(page)).toContain('loa:2');
  });
});
