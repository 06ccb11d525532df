import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { freshDatabase } from '../support/databases.ts';
import { appUrl, codeFor, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

/** A citizen whose whole sign-in and proof is one upstream's word, and staff who take it back and give it again. */
describe.each(['sqlite', 'postgres'] as const)('a bridge switched off in the console, on %s', (kind) => {
  let city: TestCity;
  let browser: Browser;
  let tan: Person;
  let bridgeAdmin: Person;
  let second: Person;
  let database: Awaited<ReturnType<typeof freshDatabase>>;

  beforeAll(async () => {
    database = await freshDatabase(kind);
    [city, browser] = await Promise.all([startCity({ SHIMIN_DATABASE_URL: database.url }), launchBrowser()]);
    bridgeAdmin = await enrolStaff(browser, city, { role: 'bridge_admin', phone: '13900139011' });
    second = await enrolStaff(browser, city, { role: 'assurance_admin', phone: '13900139012' });
    tan = await newPerson(browser);
    const { page } = tan;
    await startSignIn(page, city, 'social-insurance');
    await toSingpass(page);
    await page.click('button[name=person][value="tan-wei-ming"]');
    await page.click('a[href$="show=register"]');
    await page.selectOption('select[name=region]', 'SG');
    await page.fill('input[name=phone]', '91234567');
    await page.click('form[action$="/register/phone"] button');
    await page.fill('input[name=code]', await codeFor(city, '+6591234567'));
    await page.click('form[action$="/register/code"] button');
    await page.click('form[action$="/register/bridge"] button');
    expect(await signedInAcr(page)).toContain('loa:2');
  });
  afterAll(async () => {
    await browser?.close();
    await city?.close();
    await database?.remove();
  });

  async function toSingpass(page: Page): Promise<void> {
    await page.waitForSelector('form[action$="/passkey/verify"]');
    const form = 'form[action$="/bridge/singpass/start"] button';
    if (!(await page.locator(form).isVisible())) await page.click('details.ways-in summary');
    await page.click(form);
  }

  /** What userinfo answers the app now. */
  async function userinfo(): Promise<string> {
    const { page } = tan;
    await page.goto(appUrl(city, 'social-insurance'));
    await page.locator('#developers').evaluate((details) => details.setAttribute('open', ''));
    await page.click('#userinfo');
    await page.waitForLoadState();
    return (await page.textContent('#userinfo-response').catch(() => '')) ?? '';
  }

  it('takes what rested on it out of open sessions', async () => {
    expect(await userinfo()).toContain('loa:2');
    const { page } = bridgeAdmin;
    await page.goto(`${city.issuer}/admin/sources`);
    const card = page.locator('section.card', { has: page.locator('form[action="/admin/sources/singpass/kill"]') });
    await card.locator('summary').first().click();
    await card.locator('[name=reason]').first().fill('Leaked key');
    await card.locator('form[action$="/kill"] button').click();
    await page.waitForURL(/done=killed/);
    const before = Date.now();
    let answer = await userinfo();
    while (answer.includes('loa:2') && Date.now() - before < 30_000) answer = await userinfo();
    expect(answer).not.toContain('loa:2');
    expect(answer).toContain('"level":null');
  });

  it('stops new sign-ins: not offered, not begun, not finished by an address that was kept', async () => {
    const { page, context } = await newPerson(browser);
    await startSignIn(page, city, 'library');
    await page.waitForSelector('form[action$="/passkey/verify"]');
    expect(await page.locator('form[action$="/bridge/singpass/start"]').count()).toBe(0);
    // The form of a page that was open before.
    const base = page.url().replace(/\?.*$/, '');
    const csrf = await page.locator('input[name=_csrf]').first().inputValue();
    const status = await page.evaluate(
      async ([url, token]) => {
        const body = new URLSearchParams({ _csrf: token ?? '' });
        return (await fetch(`${url}/bridge/singpass/start`, { method: 'POST', body })).status;
      },
      [base, csrf],
    );
    expect(status).toBe(403);
    const late = await page.request.get(`${base}/bridge/singpass/finish?code=kept&state=${'a'.repeat(32)}`);
    expect(late.status()).toBe(403);
    await context.close();
  });

  it('gives it back without new proofs once a second person switches it on again', async () => {
    const { page } = second;
    await page.goto(`${city.issuer}/admin/sources`);
    const card = page.locator('section.card', { has: page.locator('#s-singpass') });
    await card.locator('a[href^="/admin/approvals/"]').click();
    await page.locator('form[action$="/decide"] [name=reason]').first().fill('Keys were changed');
    await page.click('form[action$="/decide"] button[value=reject]');
    await page.waitForURL(/done=/);
    const before = Date.now();
    let answer = await userinfo();
    while (!answer.includes('loa:2') && Date.now() - before < 30_000) answer = await userinfo();
    expect(answer).toContain('loa:2');
  });
});
