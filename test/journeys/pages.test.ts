import { mkdir } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  appUrl,
  chooseFirstWay,
  codeFor,
  proveAgainstRegister,
  signedInAcr,
  signInAgain,
  startSignIn,
} from '../support/journey.ts';

let city: TestCity;
let browser: Browser;

/** `PICTURES=docs/pictures npm test` renews those of the documentation; dates on them change with every run. */
const pictures = process.env.PICTURES ?? 'coverage/pictures';

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

const seen = new Set<string>();

/** WCAG 2.2 A and AA on the page as it is; and nothing wider than the phone. */
async function look(page: Page, name: string): Promise<void> {
  await page.waitForLoadState();
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(`${name}: ${overflow}`).toBe(`${name}: 0`);
  seen.add(name);
}

const picture = (page: Page, name: string) => page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });

/** Languages as a browser says them, and what the page must be marked as (BCP 47). */
const languages = [
  { browser: 'zh-CN', page: 'zh-Hans', phone: '13800138001', id: { name: '李晓明', number: '440305198806151219' } },
  { browser: 'zh-HK', page: 'zh-Hant', phone: '13800138002', id: { name: '陈嘉怡', number: '440305199502282425' } },
  { browser: 'en-GB', page: 'en', phone: '13800138003', id: { name: '王建国', number: '440305194410010331' } },
  { browser: 'pt-PT', page: 'pt', phone: '13800138008', id: { name: '黄𠮷', number: '44030519830405171X' } },
] as const;

describe.each(languages)('in $page', ({ browser: locale, page: lang, phone, id }) => {
  it('leads from the first page to level 3, readable to all', async () => {
    const { page, context } = await newPerson(browser, { locale });
    await addAuthenticator(page);
    await startSignIn(page, city, 'social-insurance');
    expect(await page.getAttribute('html', 'lang')).toBe(lang);
    await look(page, 'sign-in');
    if (lang === 'zh-Hans') await picture(page, 'sign-in');
    await page.goto(`${page.url()}?show=password`);
    await look(page, 'password');
    await page.goto(page.url().replace('password', 'register'));
    await look(page, 'register');
    await page.fill('input[name=phone]', 'abc');
    await page.click('form[action$="/register/phone"] button');
    await look(page, 'register with an error');
    await page.fill('input[name=phone]', phone);
    await page.click('form[action$="/register/phone"] button');
    await look(page, 'register-code');
    await page.fill('input[name=code]', await codeFor(city, `+86${phone}`));
    await page.click('form[action$="/register/code"] button');
    await look(page, 'register-authenticator');
    await page.goto(page.url().replace('show=register', 'show=register-password'));
    await look(page, 'register-password');
    await page.goto(page.url().replace('show=register-password', 'show=register'));
    await page.click('form[action$="/register/passkey"] button[type=submit]');
    await page.waitForSelector('form[action$="/choose"]');
    await look(page, 'choose');
    if (lang === 'zh-Hans') await picture(page, 'step-up');
    await chooseFirstWay(page);
    await look(page, 'prove-population');
    await proveAgainstRegister(page, id.name, id.number);
    await signedInAcr(page);
    await look(page, 'app');
    await startSignIn(page, city, 'housing-fund');
    await look(page, 'consent');
    await page.click('form[action$="/consent"] button[value=allow]');
    await page.click('#withdraw');
    await page.waitForSelector('form[action$="/choose"]');
    await chooseFirstWay(page);
    await look(page, 'prove-face');
    await page.click('form[action$="/prove/face/start"] button');
    await look(page, 'camera');
    await page.click('button[value=me]');
    await page.waitForSelector('#withdraw-done');
    for (const path of ['', '/authenticators', '/evidence', '/apps', '/sessions', '/activity']) {
      await page.goto(`${city.issuer}/account${path}`);
      // The ways in are changed after a sign-in to this very area.
      await signInAgain(page);
      expect(await page.getAttribute('html', 'lang')).toBe(lang);
      await look(page, `account${path}`);
    }
    await page.goto(`${city.issuer}/account`);
    if (lang === 'zh-Hans') await picture(page, 'account');
    await page.goto(`${city.issuer}/session/end`);
    await look(page, 'logout');
    await page.goto(`${city.issuer}/interaction/unknown-interaction`);
    await look(page, 'expired');
    await page.goto(`${city.issuer}/nothing-here`);
    await look(page, 'error');
    await context.close();
  });
});

describe('large print', () => {
  it('is a switch on every page, remembered, at 24 px and with targets of 60', async () => {
    const { page } = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(page, city, 'library');
    const app = page.url();
    await page.click('form[action="/preferences"] button[name=large]');
    await page.goto(app);
    const size = await page.evaluate(() => Number.parseFloat(getComputedStyle(document.body).fontSize));
    expect(size).toBeGreaterThanOrEqual(24);
    const box = await page.locator('button.primary').first().boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(60);
    await look(page, 'sign-in in large print');
    await picture(page, 'sign-in-large-print');
  });
});

describe('weight', () => {
  it('a sign-in page stays under 60 kB with everything and asks no third party', async () => {
    const { page } = await newPerson(browser);
    const sizes: number[] = [];
    const hosts = new Set<string>();
    page.on('response', async (response) => {
      hosts.add(new URL(response.url()).host);
      if (!response.url().startsWith(city.issuer)) return;
      sizes.push((await response.request().sizes()).responseBodySize);
    });
    await startSignIn(page, city, 'library');
    await page.waitForLoadState('networkidle');
    // The page, its style sheet and a script at least were counted.
    await expect.poll(() => sizes.filter((size) => size > 500).length).toBeGreaterThanOrEqual(3);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(60_000);
    expect(hosts).toEqual(new Set([appUrl(city, 'library'), city.issuer].map((url) => new URL(url).host)));
  });
});
