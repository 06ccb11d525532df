import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { allowConsent, createPasskey, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';

let city: TestCity;
let browser: Browser;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** Chooses a service from the sign-in page and a person there. */
async function signInOver(page: Page, bridge: string, person: string): Promise<void> {
  const form = `form[action$="/bridge/${bridge}/start"] button`;
  if (!(await page.locator(form).isVisible())) await page.click('details.ways-in summary');
  await page.click(form);
  await page.click(`button[name=person][value="${person}"]`);
}

const insideWeChat = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.53';

it('somebody new comes by WeChat, registers with it, and is known inside WeChat from then on', async () => {
  const { page } = await newPerson(browser);
  await startSignIn(page, city, 'library');
  await signInOver(page, 'wechat', 'chen-jiayi');
  await registerPhone(page, city, '13800138811');
  await page.click('form[action$="/register/bridge"] button');
  expect(await signedInAcr(page)).toContain('loa:1');
  const sub = await page.getAttribute('#sub', 'data-sub');

  // Another app of WeChat's side, another openid: it is the unionid that knows them.
  const context = await browser.newContext({ userAgent: insideWeChat, locale: 'zh-CN' });
  const within = await context.newPage();
  await startSignIn(within, city, 'library');
  await signInOver(within, 'wechat', 'chen-jiayi');
  expect(await signedInAcr(within)).toContain('loa:1');
  expect(await within.getAttribute('#sub', 'data-sub')).toBe(sub);
});

it('whoever Alipay has checked proves with it who they are, and signs in with it the next time', async () => {
  const { page } = await newPerson(browser);
  await addAuthenticator(page);
  await startSignIn(page, city, 'social-insurance');
  await registerPhone(page, city, '13800138812');
  await createPasskey(page);
  await page.waitForSelector('form[action$="/choose"]');
  const way = 'button[name=way][value^="bridge:alipay:"]';
  // Further ways are folded away.
  if (!(await page.locator(way).isVisible())) await page.click(`details:has(${way}) > summary`);
  await page.click(way);
  await page.click('form[action$="/bridge/alipay/start"] button');
  await page.click('button[name=person][value="li-xiaoming"]');
  await page.waitForSelector('#signed-in, form[action$="/consent"]');
  if ((await page.locator('form[action$="/consent"]').count()) > 0) await allowConsent(page);
  expect(await signedInAcr(page)).toContain('loa:2');
  expect(await page.textContent('#name')).toContain('李晓明');

  const other = await newPerson(browser);
  await startSignIn(other.page, city, 'library');
  await signInOver(other.page, 'alipay', 'li-xiaoming');
  expect(await signedInAcr(other.page)).toContain('loa:1');
});

it('a frozen account at Alipay is no way in', async () => {
  const { page } = await newPerson(browser);
  await startSignIn(page, city, 'library');
  await fetch(`${city.urls.simulators}/alipay/_control/people/li-xiaoming`, {
    method: 'PUT',
    body: JSON.stringify({ status: 'B' }),
  });
  await signInOver(page, 'alipay', 'li-xiaoming');
  await page.waitForSelector('h1');
  expect(await page.textContent('main')).toContain('did not confirm you');
});
