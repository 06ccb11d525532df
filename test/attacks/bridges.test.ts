import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Database } from '../../src/storage/db.ts';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  chooseFirstWay,
  codeFor,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  signInAgain,
  startSignIn,
} from '../support/journey.ts';
import { proveNameOf } from '../support/proved-name.ts';
import { invitation } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let database: Database;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  database = connect(city.databaseUrl);
});
afterAll(async () => {
  await browser?.close();
  await database?.close();
  await city?.close();
});

async function begin(page: Page, bridge: string): Promise<void> {
  await page.waitForSelector('form[action$="/passkey/verify"]');
  const form = `form[action$="/bridge/${bridge}/start"] button`;
  if (!(await page.locator(form).isVisible())) await page.click('details.ways-in summary');
  await page.click(form);
}
const choose = (page: Page, person: string) => page.click(`button[name=person][value="${person}"]`);
const unknownHere = (page: Page) => page.waitForSelector('a[href$="show=sign-in"]');
const count = async (table: string, where: object = {}) =>
  Number((await database.knex(table).where(where).count('* as n').first())?.n);
const refusals = async (reason: string) => count('audit', { type: 'identity.refused', reason });

/** Somebody with a passkey that can be put out of reach. */
async function citizen(phone: string) {
  const { page, context } = await newPerson(browser);
  const { cdp, authenticatorId } = await addAuthenticator(page);
  await startSignIn(page, city, 'library');
  await registerPhone(page, city, phone);
  await createPasskey(page);
  await signedInAcr(page);
  const present = (enabled: boolean) =>
    cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  return { page, context, present };
}

/** Goes to the upstream and keeps the address that leads back, without going there. */
async function keepCallback(page: Page, bridge: string, person: string): Promise<string> {
  let kept = '';
  // Redirects don't come by a route: the upstream's answer to the form is where the address is read.
  await page.route(`${city.urls.simulators}/**`, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const answer = await route.fetch({ maxRedirects: 0 });
    kept = answer.headers().location ?? '';
    return route.abort();
  });
  await begin(page, bridge);
  await choose(page, person);
  await expect.poll(() => kept).not.toBe('');
  await page.unroute(`${city.urls.simulators}/**`);
  return kept;
}

describe('attacks on identities of others', () => {
  it('D01 an upstream that knows the number of an account opens none by it: its own sign-in is asked for', async () => {
    const { context } = await citizen('13800138009');
    await context.close();
    const { page, context: stranger } = await newPerson(browser);
    await startSignIn(page, city, 'library');
    // The carrier vouches for the very number that the account is registered with.
    await begin(page, 'carrier');
    await choose(page, 'middle-dot');
    await unknownHere(page);
    expect(await count('external_identities', { bridge: 'carrier' })).toBe(0);
    await stranger.close();
  });

  it('D02 D03 D04 an account made with the victim’s name and number, with a session and an identity of its maker’s, does not get the victim', async () => {
    const attacker = await citizen('13800138101');
    await startSignIn(attacker.page, city, 'social-insurance');
    await chooseFirstWay(attacker.page);
    await proveAgainstRegister(attacker.page, '李晓明', '440305198806151219');
    // The victim's name and number, and the attacker's own telephone: kept, and worth no name.
    await attacker.page.waitForSelector('#half');
    // D04: a way in of the attacker's own, to come back by. D03: and a session that is open all the while.
    await attacker.page.goto(`${city.issuer}/account/identities`);
    await signInAgain(attacker.page);
    await attacker.page.click('form[action="/account/identities/wechat/start"] button');
    await choose(attacker.page, 'wang-jianguo');
    await attacker.page.waitForURL(/done=identities.done_linked/);

    const { page, context } = await newPerson(browser);
    await startSignIn(page, city, 'social-insurance');
    await begin(page, 'network-id');
    await choose(page, 'li-xiaoming');
    // Not signed in to the attacker's account, though the document is the same.
    await unknownHere(page);
    await page.click('a[href$="show=register"]');
    await page.fill('input[name=phone]', '13800138102');
    await page.click('form[action$="/register/phone"] button');
    await page.fill('input[name=code]', await codeFor(city, '+8613800138102'));
    await page.click('form[action$="/register/code"] button');
    await page.click('form[action$="/register/bridge"] button');
    // One person, one account: told, with a next way, and nothing half made.
    await page.waitForSelector('form[action$="/bridge/forget"]');
    expect(await refusals('identity_in_use')).toBe(1);
    expect(await count('external_identities', { bridge: 'network-id' })).toBe(0);
    await context.close();
    // Nothing of the victim's came into the account that waits for them.
    await attacker.page.goto(`${city.issuer}/account/identities`);
    await signInAgain(attacker.page);
    expect(await attacker.page.locator('form[action$="/unlink"]').count()).toBe(1);
    await attacker.context.close();
    const [trap] = await database.knex('external_identities').where({ bridge: 'wechat' });
    await database.knex('external_identity_keys').where({ identity_id: trap.id }).delete();
    await database.knex('external_identities').where({ id: trap.id }).delete();
  });

  it('D05 no change of an address waits anywhere to be confirmed later: there is no such way', () => {
    const map: { actions: Record<string, { method: string; path: string }> } = JSON.parse(
      readFileSync(new URL('../../docs/http-map.json', import.meta.url), 'utf8'),
    );
    const paths = Object.values(map.actions).map(({ path }) => path);
    expect(paths.filter((path) => /contact|phone|mail/.test(path))).toEqual(['/interaction/:uid/register/phone']);
  });

  it('D06 what an upstream says without having checked it finds and binds nobody', async () => {
    const { page, context } = await newPerson(browser);
    await startSignIn(page, city, 'library');
    // Its own level says that it checked nothing; the document that it tells is somebody's.
    await begin(page, 'openid');
    await choose(page, 'wang-jianguo');
    await unknownHere(page);
    await page.click('a[href$="show=register"]');
    await page.fill('input[name=phone]', '13800138108');
    await page.click('form[action$="/register/phone"] button');
    await page.fill('input[name=code]', await codeFor(city, '+8613800138108'));
    await page.click('form[action$="/register/code"] button');
    const before = await count('person_documents');
    await page.click('form[action$="/register/bridge"] button');
    expect(await signedInAcr(page)).toContain('loa:1');
    expect(await count('person_documents')).toBe(before);
    expect(await count('evidence', { kind: 'upstream', source: 'openid' })).toBe(0);
    await context.close();
    const [own] = await database.knex('external_identities').where({ bridge: 'openid' });
    await database.knex('external_identity_keys').where({ identity_id: own.id }).delete();
    await database.knex('external_identities').where({ id: own.id }).delete();
  });

  it('D07 a callback that another browser began is worth nothing here: state is bound to browser and request', async () => {
    const attacker = await newPerson(browser);
    await startSignIn(attacker.page, city, 'library');
    const kept = await keepCallback(attacker.page, 'wechat', 'zhang-wei-1');
    const victim = await citizen('13800138103');
    const answer = await victim.page.goto(kept);
    expect(answer?.status()).toBeGreaterThanOrEqual(400);
    expect(await count('external_identities', { bridge: 'wechat' })).toBe(0);
    await Promise.all([attacker.context.close(), victim.context.close()]);
  });

  it('D08 one callback, many times: one effect, and the others are told', async () => {
    const { page, context } = await newPerson(browser);
    await startSignIn(page, city, 'library');
    const kept = await keepCallback(page, 'wechat', 'zhang-wei-2');
    const led = await context.request.get(kept, { maxRedirects: 0 });
    const finish = new URL(led.headers().location ?? '', city.issuer).href;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => context.request.get(finish, { maxRedirects: 0 })),
    );
    expect(answers.map((answer) => answer.status()).sort()).toEqual([303, 400, 400, 400, 400, 400, 400, 400]);
    expect((await context.request.get(kept, { maxRedirects: 0 })).status()).toBe(400);
    await context.close();
  });

  it.each(['nonce', 'aud', 'alg_none', 'expired', 'userinfo_sub'])(
    'D09 an ID token with a wrong %s ends on a page with a next way, in the audit, and links nothing',
    async (fault) => {
      const before = await refusals('answer_invalid');
      await fetch(`${city.urls.simulators}/openid/_control`, { method: 'PUT', body: JSON.stringify({ fault }) });
      const { page, context } = await newPerson(browser);
      await startSignIn(page, city, 'library');
      await begin(page, 'openid');
      await choose(page, 'wang-jianguo');
      await page.waitForSelector('form[action$="/bridge/forget"]');
      await fetch(`${city.urls.simulators}/openid/_control`, {
        method: 'PUT',
        body: JSON.stringify({ fault: 'none' }),
      });
      expect(await refusals('answer_invalid')).toBe(before + 1);
      expect(await count('external_identities', { bridge: 'openid' })).toBe(0);
      await page.click('form[action$="/bridge/forget"] button');
      await page.waitForSelector('form[action$="/passkey/verify"]');
      await context.close();
    },
  );

  it('D10 a bridge that only adds proof opens no account, also not by its address', async () => {
    const { page, context } = await newPerson(browser);
    await startSignIn(page, city, 'library');
    const kept = await keepCallback(page, 'alipay', 'chen-jiayi');
    await database.knex('bridges').where({ id: 'alipay' }).update({ use: 'link_only' });
    await page.goto(kept);
    // It may be linked after a sign-in of its account; it is no way to register or sign in.
    await unknownHere(page);
    await page.click('a[href$="show=register"]');
    await page.fill('input[name=phone]', '13800138104');
    await page.click('form[action$="/register/phone"] button');
    await page.fill('input[name=code]', await codeFor(city, '+8613800138104'));
    await page.click('form[action$="/register/code"] button');
    await page.click('form[action$="/register/bridge"] button');
    await page.waitForSelector('form[action$="/bridge/forget"]');
    expect(await refusals('link_only')).toBe(1);
    await database.knex('bridges').where({ id: 'alipay' }).update({ use: 'sign_in' });
    await context.close();
  });

  it('D13 what was answered for one upstream account is not linked in another’s place', async () => {
    const { page, context, present } = await citizen('13800138105');
    await context.clearCookies();
    await present(false);
    await startSignIn(page, city, 'library');
    await begin(page, 'wechat');
    await choose(page, 'zhang-wei-1');
    await unknownHere(page);
    const base = page.url().replace(/\?.*$/, '');
    await page.click('form[action$="/bridge/forget"] button');
    await begin(page, 'carrier');
    await choose(page, 'middle-dot');
    await unknownHere(page);
    await present(true);
    await page.goto(`${base}?show=sign-in`);
    await page.click('form[action$="/bridge/link"] button');
    await signedInAcr(page);
    expect(await count('external_identities', { bridge: 'carrier' })).toBe(1);
    expect(await count('external_identities', { bridge: 'wechat' })).toBe(0);
    await context.close();
  });

  it('D17 an invitation that was edited, used or is another’s gives no role', async () => {
    const link = invitation(city, 'auditor');
    const { page, context } = await citizen('13800138106');
    const edited = link.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    await page.goto(edited);
    expect(await page.locator('form[action="/admin/enrol/take"]').count()).toBe(0);
    await page.goto(link);
    // Nor does one in the hands of somebody who has a number and no proved name; it waits.
    expect(await page.locator('form[action="/admin/enrol/take"]').count()).toBe(0);
    expect(await count('staff', { role: 'auditor' })).toBe(0);
    await proveNameOf(city, '13800138106');
    await page.goto(link);
    await page.click('form[action="/admin/enrol/take"] button');
    await page.waitForURL(/done=enrolled/);
    await context.close();
    const other = await citizen('13800138107');
    await proveNameOf(city, '13800138107');
    await other.page.goto(link);
    if ((await other.page.locator('form[action="/admin/enrol/take"]').count()) > 0) {
      await other.page.click('form[action="/admin/enrol/take"] button');
      await other.page.waitForLoadState();
    }
    expect(await count('staff', { role: 'auditor' })).toBe(1);
    await other.context.close();
  });

  it('D18 pictures and nicknames of upstreams are neither fetched nor shown', async () => {
    const { page, context } = await newPerson(browser);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await startSignIn(page, city, 'library');
    await begin(page, 'wechat');
    await choose(page, 'zhang-wei-1');
    await unknownHere(page);
    const own = [city.issuer, city.urls.simulators, ...Object.values(city.urls.apps)];
    expect(asked.filter((url) => !own.some((origin) => url.startsWith(origin)) && !url.startsWith('data:'))).toEqual(
      [],
    );
    expect(await page.locator('img[src^="http"]').count()).toBe(0);
    const answer = await page.reload();
    expect(answer?.headers()['content-security-policy']).not.toMatch(/img-src[^;]*https?:/);
    await context.close();
  });
});
