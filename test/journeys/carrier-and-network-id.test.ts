import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

async function signInBy(page: Page, bridge: string, person: string): Promise<void> {
  await page.waitForSelector('form[action$="/passkey/verify"]');
  const form = `form[action$="/bridge/${bridge}/start"] button`;
  if (!(await page.locator(form).isVisible())) await page.click('details.ways-in summary');
  await page.click(form);
  await page.click(`button[name=person][value="${person}"]`);
}

const control = async (path: string, body: object) => {
  const response = await fetch(`${city.urls.simulators}${path}`, { method: 'PUT', body: JSON.stringify(body) });
  expect(response.status).toBe(200);
};

describe('B26: a number that went to somebody else', () => {
  it('does not open the account of who had it before', async () => {
    const former = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(former.page, city, 'library');
    await signInBy(former.page, 'carrier', 'chen-jiayi');
    await registerPhone(former.page, city, '13800138002');
    await former.page.click('form[action$="/register/bridge"] button');
    expect(await signedInAcr(former.page)).toContain('loa:1');
    await former.context.close();

    await control('/carrier/_control/people/chen-jiayi', { recycledTo: 'rare-character' });
    const { page, context } = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(page, city, 'library');
    await signInBy(page, 'carrier', 'chen-jiayi');
    await page.waitForSelector('a[href$="show=register"]');
    expect(await page.locator('#signed-in').count()).toBe(0);
    await context.close();
    await control('/carrier/_control/people/chen-jiayi', {});
  });
});

describe('whoever does not want to be named', () => {
  it('signs in as a pseudonym, and the app that needs a name asks for a proof', async () => {
    const { page, context } = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(page, city, 'social-insurance');
    await page.waitForSelector('form[action$="/passkey/verify"]');
    await page.click('details.ways-in summary');
    await page.click('form[action$="/bridge/network-id/start"] button');
    await page.uncheck('input[name=info]');
    await page.click('button[name=person][value="middle-dot"]');
    await registerPhone(page, city, '13800138009');
    await page.click('form[action$="/register/bridge"] button');
    await page.waitForSelector('form[action$="/choose"] button[name=way]');
    expect(await page.locator('#signed-in').count()).toBe(0);
    await context.close();
  });
});

describe('an answer that is not believed', () => {
  it.each([
    ['carrier', 'signature', '本机号码一键登录', '无法信任'],
    ['carrier', 'token_gone', '本机号码一键登录', '时间过长'],
    ['network-id', 'signature', '国家网络身份认证', '无法信任'],
    ['network-id', 'credential_cancelled', '国家网络身份认证', '没有确认'],
    ['network-id', 'http500', '国家网络身份认证', '暂时没有响应'],
  ])('%s, %s: a page that says so, and another way', async (bridge, fault, name, told) => {
    await control(`/${bridge}/_control`, { fault });
    const { page, context } = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(page, city, 'library');
    await signInBy(page, bridge, 'chen-jiayi');
    await page.waitForSelector('form[action$="/bridge/forget"] button');
    expect(await page.textContent('h1')).toContain(name);
    expect(await page.textContent('p.lead')).toContain(told);
    await page.click('form[action$="/bridge/forget"] button');
    await page.waitForSelector('form[action$="/passkey/verify"]');
    await context.close();
    await control(`/${bridge}/_control`, { fault: 'none' });
  });
});
