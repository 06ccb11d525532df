import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { codeFor, createPasskey, signedInAcr, startSignIn } from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** Chooses a bridge on the sign-in page and somebody at the upstream's. */
async function signInBy(page: Page, bridge: string, person: string): Promise<void> {
  await signInStart(page, bridge);
  await page.click(`button[name=person][value="${person}"]`);
}

async function signInStart(page: Page, bridge: string): Promise<void> {
  await page.waitForSelector('form[action$="/passkey/verify"]');
  const form = `form[action$="/bridge/${bridge}/start"] button`;
  if (!(await page.locator(form).isVisible())) await page.click('details.ways-in summary');
  await page.click(form);
}

async function register(page: Page, region: string, phone: string, e164: string): Promise<void> {
  await page.click('a[href$="show=register"]');
  await page.selectOption('select[name=region]', region);
  await page.fill('input[name=phone]', phone);
  await page.click('form[action$="/register/phone"] button');
  await page.fill('input[name=code]', await codeFor(city, e164));
  await page.click('form[action$="/register/code"] button');
}

interface Row {
  readonly bridge: string;
  readonly person: string;
  readonly locale: string;
  readonly region: string;
  readonly phone: string;
  readonly prefix: string;
  readonly app: Parameters<typeof startSignIn>[2];
  /** What its sign-in alone is worth in that app. */
  readonly acr: string;
}

const rows: readonly Row[] = [
  {
    bridge: 'guangdong',
    person: 'rare-character',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138008',
    prefix: '+86',
    app: 'social-insurance',
    acr: 'loa:2',
  },
  {
    bridge: 'singpass',
    person: 'tan-wei-ming',
    locale: 'en-SG',
    region: 'SG',
    phone: '91234567',
    prefix: '+65',
    app: 'social-insurance',
    acr: 'loa:2',
  },
  {
    bridge: 'macao',
    person: 'ho-ka-i',
    locale: 'zh-HK',
    region: 'MO',
    phone: '66123456',
    prefix: '+853',
    app: 'library',
    acr: 'loa:1',
  },
  {
    bridge: 'alipay',
    person: 'chen-jiayi',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138002',
    prefix: '+86',
    app: 'library',
    acr: 'loa:1',
  },
  {
    bridge: 'wechat',
    person: 'wang-jianguo',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138003',
    prefix: '+86',
    app: 'library',
    acr: 'loa:1',
  },
  {
    bridge: 'iam-smart',
    person: 'chan-tai-man',
    locale: 'zh-HK',
    region: 'HK',
    phone: '91234567',
    prefix: '+852',
    app: 'social-insurance',
    acr: 'loa:2',
  },
  {
    bridge: 'network-id',
    person: 'li-xiaoming',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138001',
    prefix: '+86',
    app: 'social-insurance',
    acr: 'loa:2',
  },
  {
    bridge: 'carrier',
    person: 'middle-dot',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138009',
    prefix: '+86',
    app: 'library',
    acr: 'loa:1',
  },
  {
    bridge: 'openid',
    person: 'wang-jianguo',
    locale: 'zh-CN',
    region: 'CN',
    phone: '13800138012',
    prefix: '+86',
    app: 'library',
    acr: 'loa:1',
  },
];

describe.each(rows)('by $bridge', ({ bridge, person, locale, region, phone, prefix, app, acr }) => {
  it('registers, lands in an app at the level it is worth, and comes back by it alone', async () => {
    const first = await newPerson(browser, { locale });
    await startSignIn(first.page, city, app);
    await signInBy(first.page, bridge, person);
    await register(first.page, region, phone, `${prefix}${phone}`);
    await first.page.click('form[action$="/register/bridge"] button');
    expect(await signedInAcr(first.page)).toContain(acr);
    const sub = await first.page.getAttribute('#sub', 'data-sub');
    await first.context.close();

    const again = await newPerson(browser, { locale });
    await startSignIn(again.page, city, app);
    await signInBy(again.page, bridge, person);
    expect(await signedInAcr(again.page)).toContain(acr);
    expect(await again.page.getAttribute('#sub', 'data-sub')).toBe(sub);
    await again.context.close();
  });
});

describe('an account that is there already', () => {
  const subBy = async (bridge: string, person: string) => {
    const { page, context } = await newPerson(browser, { locale: 'zh-CN' });
    await startSignIn(page, city, 'social-insurance');
    await signInBy(page, bridge, person);
    await page.waitForSelector('#signed-in, a[href$="show=sign-in"]');
    const sub = (await page.locator('#sub').count()) > 0 ? await page.getAttribute('#sub', 'data-sub') : null;
    await context.close();
    return sub;
  };

  it('is found by the same proofed identity at the same level, whichever upstream says so', async () => {
    const sub = await subBy('guangdong', 'rare-character');
    expect(sub).not.toBeNull();
    expect(await subBy('openid', 'rare-character')).toBe(sub);
  });

  it('is not opened so where only a name and a number are known of its owner: whoever knew them could have made it', async () => {
    expect(await subBy('network-id', 'li-xiaoming')).not.toBeNull();
    expect(await subBy('openid', 'li-xiaoming')).toBeNull();
  });

  it('is linked after a sign-in on both sides, and never before', async () => {
    const { page, context } = await newPerson(browser);
    const { cdp, authenticatorId } = await addAuthenticator(page);
    // While it is off, nobody is there to consent to the passkey that the browser offers by itself.
    const present = (enabled: boolean) =>
      cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    await startSignIn(page, city, 'library');
    await register(page, 'CN', '13800138006', '+8613800138006');
    await createPasskey(page);
    await signedInAcr(page);
    await context.clearCookies();
    await present(false);
    await startSignIn(page, city, 'library');
    await signInBy(page, 'wechat', 'zhang-wei-1');
    await present(true);
    await page.click('a[href$="show=sign-in"]');
    await page.click('form[action$="/bridge/link"] button');
    expect(await signedInAcr(page)).toContain('loa:1');
    await context.clearCookies();
    await present(false);
    await startSignIn(page, city, 'library');
    await signInBy(page, 'wechat', 'zhang-wei-1');
    expect(await signedInAcr(page)).toContain('loa:1');
    await context.close();
  });
});

it('publishes our public keys where an upstream reads them, and only the public halves', async () => {
  const response = await fetch(`${city.issuer}/bridge/singpass/jwks.json`);
  const { keys }: { keys: Record<string, unknown>[] } = await response.json();
  expect(keys.map(({ use }) => use).sort()).toEqual(['enc', 'sig']);
  for (const key of keys) expect(key).not.toHaveProperty('d');
  expect((await fetch(`${city.issuer}/bridge/wechat/jwks.json`)).status).toBe(404);
});

it('takes no upstream’s old session for the new sign-in that an app asks for', async () => {
  const { page, context } = await newPerson(browser, { locale: 'zh-CN' });
  const library = city.urls.apps.library ?? '';
  await page.goto(`${library}/sign-in?prompt=login`);
  await signInStart(page, 'wechat');
  await page.waitForSelector('form[action$="/bridge/forget"]');
  expect(await page.textContent('main')).toContain('重新登录');
  await context.close();
});
