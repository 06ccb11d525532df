import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';
import { readQr } from '../support/read-qr.ts';

let city: TestCity;
let browser: Browser;
let phone: Person;

/** The phone of somebody at level 2, signed out again. */
async function phoneOf(number: string, name: string, id: string): Promise<Person> {
  const person = await newPerson(browser);
  await addAuthenticator(person.page);
  await startSignIn(person.page, city, 'social-insurance');
  await registerPhone(person.page, city, number);
  await createPasskey(person.page);
  await chooseFirstWay(person.page);
  await proveAgainstRegister(person.page, name, id);
  await signedInAcr(person.page);
  await person.context.clearCookies();
  return person;
}

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  phone = await phoneOf('13800138001', '李晓明', '440305198806151219');
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** A computer without scripts that shows the code. */
async function computer(app: Parameters<typeof startSignIn>[2], wide = true): Promise<Page> {
  const { page } = await newPerson(browser, { wide, javaScriptEnabled: false });
  await startSignIn(page, city, app);
  const link = page.locator('a[href$="show=qr"]');
  expect(await link.isVisible()).toBe(wide);
  await page.goto(new URL((await link.getAttribute('href')) ?? '', page.url()).href);
  await page.waitForSelector('#code');
  return page;
}

const codeOn = async (page: Page) => ((await page.textContent('#code')) ?? '').trim();
/** What the phone's camera reads off the computer's screen. */
const scan = async (page: Page) => {
  const image = (await page.getAttribute('img.qr', 'src')) ?? '';
  return readQr(Buffer.from(image.split(',')[1] ?? '', 'base64').toString());
};
const decide = (page: Page, decision: 'approve' | 'refuse') => page.click(`button[name=decision][value=${decision}]`);
const faults = async (page: Page) =>
  (await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).analyze()).violations.map(
    ({ id, nodes }) => [id, nodes.map(({ html }) => html)],
  );

describe('a computer signed in with the phone', () => {
  it('scanned: the phone shows who asks, takes the computer’s number, and the computer goes on without a script', async () => {
    const screen = await computer('social-insurance');
    const address = await scan(screen);
    expect(address).toMatch(new RegExp(`^${city.issuer}/account/qr/[\\w-]{43}$`));
    expect(address).not.toContain((await codeOn(screen)).replace(' ', ''));
    await phone.page.goto(address);
    // Signs in on the way: the phone offers its passkey by itself.
    await phone.page.waitForSelector('#question');
    const question = (await phone.page.textContent('#question')) ?? '';
    expect(question).toContain('Social Insurance');
    expect(question).toContain('Real name');
    expect(question).toContain('Chrome');
    expect(question).toContain('127.0.0.*');
    expect(await faults(phone.page)).toEqual([]);

    await phone.page.fill('input[name=code]', '0000 0000');
    await decide(phone.page, 'approve');
    await phone.page.waitForSelector('.field-error');
    await phone.page.fill('input[name=code]', await codeOn(screen));
    await decide(phone.page, 'approve');
    await phone.page.waitForSelector('#done');
    // Nothing is pressed on the computer.
    expect(await signedInAcr(screen)).toContain('loa:2');
    await phone.page.goto(`${city.issuer}/account/sessions`);
    // The one it registered in, its own, and the computer's.
    expect(await phone.page.locator('form[action$="/end"]').count()).toBe(3);
    await phone.page.goto(`${city.issuer}/account/activity`);
    expect(await phone.page.textContent('main')).toContain('Allowed a computer to sign in');
    await screen.context().close();
  });

  it('typed: the number finds the question; refused is told with a next way, which works', async () => {
    const screen = await computer('library', false);
    expect(await screen.textContent('#address')).toBe(`${new URL(city.issuer).host}/account/qr`);
    await phone.page.goto(`${city.issuer}/account/qr`);
    expect(await faults(phone.page)).toEqual([]);
    await phone.page.fill('input[name=code]', '12 34');
    await phone.page.click('button.primary');
    await phone.page.waitForSelector('#notice');
    const enter = async () => {
      await phone.page.fill('input[name=code]', await codeOn(screen));
      await phone.page.click('button.primary');
      expect(await phone.page.textContent('#typed')).toBe(await codeOn(screen));
    };
    await enter();
    await decide(phone.page, 'refuse');
    await phone.page.waitForSelector('#done');
    await screen.waitForSelector('#reason');
    expect(await screen.textContent('#reason')).toContain('refused on the phone');
    await screen.click('a.button.primary');
    await screen.waitForSelector('#code');
    await phone.page.goto(`${city.issuer}/account/qr`);
    await enter();
    await decide(phone.page, 'approve');
    expect(await signedInAcr(screen)).toContain('loa:');
    await screen.context().close();
  });

  it('is not offered where only a passkey here is enough, and looks right', async () => {
    const { page } = await newPerson(browser, { wide: true });
    await startSignIn(page, city, 'library');
    await page.goto(`${page.url()}?show=qr`);
    await page.waitForSelector('#code');
    expect(await faults(page)).toEqual([]);
    await page.goto(`${city.issuer}/admin`);
    await page.waitForSelector('form.passkey');
    expect(await page.locator('a[href$="show=qr"]').count()).toBe(0);
    await page.goto(`${page.url()}?show=qr`);
    await page.waitForSelector('form.passkey');
    await page.context().close();
  });
});
