import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPeople } from '../../simulators/people.ts';
import { cardsOf } from '../../simulators/unionpay/cards.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, freshDatabase } from '../support/databases.ts';
import {
  appUrl,
  chooseFirstWay,
  codeFor,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';

const cardOf = (id: string) => cardsOf(loadPeople()).find(({ person }) => person === id)?.number ?? '';

describe.each(databaseKinds)('a name and a number alone, on %s', (kind) => {
  let city: TestCity;
  let browser: Browser;
  let database: Database;
  let fresh: Awaited<ReturnType<typeof freshDatabase>>;
  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    [city, browser] = await Promise.all([startCity({ SHIMIN_DATABASE_URL: fresh.url }), launchBrowser()]);
    database = connect(city.databaseUrl);
  });
  afterAll(async () => {
    await browser?.close();
    await database?.close();
    await city?.close();
    await fresh?.remove();
  });

  const control = async (path: string, body: object) => {
    const response = await fetch(`${city.urls.simulators}${path}`, { method: 'PUT', body: JSON.stringify(body) });
    expect(response.status).toBe(200);
  };
  /** Registers with a telephone and states a name and a number. */
  async function claims(phone: string, name: string, number: string, app: Parameters<typeof startSignIn>[2]) {
    const { page } = await newPerson(browser);
    await addAuthenticator(page);
    await startSignIn(page, city, app);
    await registerPhone(page, city, phone);
    await createPasskey(page);
    await chooseFirstWay(page);
    await proveAgainstRegister(page, name, number);
    return page;
  }
  const take = async (page: Page, way: string) => {
    const button = page.locator(`button[name=way][value="${way}"]`);
    await button.waitFor({ state: 'attached' });
    if (!(await button.isVisible())) await page.click('form[action$="/choose"] details summary');
    await button.click();
  };
  const statesCard = async (page: Page, phone: string, card: string) => {
    await page.fill('input[name=phone]', phone);
    await page.fill('input[name=bankCard]', card);
    await page.click('form[action$="/prove/check/unionpay"] button.primary');
  };
  const ways = (page: Page) =>
    page.locator('button[name=way]').evaluateAll((buttons) => buttons.map((button) => button.getAttribute('value')));
  const audited = (type: string, reason: string | null) =>
    database.knex('audit').where({ type, reason }).orderBy('seq', 'desc');

  it('of somebody else, with a telephone of one’s own, reach no name in any answer', async () => {
    const page = await claims('13800139101', '李晓明', '440305198806151219', 'social-insurance');
    await page.waitForSelector('#half');
    // The app hears that it was not reached.
    await page.click('form[action$="/decline"] button >> nth=0');
    await page.waitForSelector('#error-code');
    expect(await page.textContent('#error-code')).toContain('unmet_authentication_requirements');
    // The library asks for a name, too, and for no level: it is told none.
    await startSignIn(page, city, 'library');
    expect(await signedInAcr(page)).toContain('loa:1');
    for (const id of ['#userinfo', '#refresh']) {
      await page.goto(appUrl(city, 'library'));
      await page.locator('#developers').evaluate((details) => details.setAttribute('open', ''));
      if ((await page.locator(id).count()) === 0) continue;
      await page.click(id);
      await page.waitForLoadState();
      const told = (await page.textContent('#developers')) ?? '';
      expect(told).toContain('"ial":0');
      expect(await page.content()).not.toContain('李晓明');
    }
    // Their own page says plainly what is there and what is not.
    await page.goto(`${city.issuer}/account`);
    expect(await page.textContent('#untied')).toContain('no app is given your name');
    expect(await page.textContent('.standing')).toContain('Level 1');
    const refused = await audited('evidence.refused', 'not_found');
    expect(JSON.parse(refused[0].data)).toEqual({ kind: 'elements', source: 'carrier' });
    await page.context().close();
  });

  it('with the telephone of a relative are kept: the words fit, and a bank card does the rest', async () => {
    const page = await claims('13800139102', '欧阳雪', '440305199908082263', 'social-insurance');
    const words = (await page.textContent('#half')) ?? '';
    expect(words).toContain('That step is done and kept');
    expect(words).toContain('9102');
    expect(words).toContain('no fault of yours');
    // What was just refused is not offered again, and what was proved is not asked again.
    const offered = await ways(page);
    expect(offered).toEqual(expect.arrayContaining(['unionpay', 'face', 'counter']));
    expect(offered.filter((way) => way === 'population' || way === 'carrier')).toEqual([]);
    await take(page, 'unionpay');
    expect(await page.locator('input[name=name], input[name=number]').count()).toBe(0);
    expect(await page.textContent('main')).toContain('2263');
    await statesCard(page, '13800138011', cardOf('one-character'));
    // The bank has a number that this account did not confirm: it has to be in hand, and the card is typed again, kept by nobody.
    expect(await page.textContent('#code-sent')).toContain('8011');
    expect(await page.inputValue('input[name=phone]')).toBe('13800138011');
    expect(await page.content()).not.toContain(cardOf('one-character'));
    await page.fill('input[name=code]', '000000');
    await statesCard(page, '13800138011', cardOf('one-character'));
    expect(await page.textContent('#e-code')).toContain('not right');
    await page.fill('input[name=code]', await codeFor(city, '+8613800138011'));
    await statesCard(page, '13800138011', cardOf('one-character'));
    expect(await signedInAcr(page)).toContain('loa:2');
    expect(await page.textContent('#name')).toContain('欧阳雪');
    await page.context().close();
  });

  it('with the bank card and the telephone number of their holder, the telephone not in hand, reach no level', async () => {
    const page = await claims('13800139103', '雪', '440305199703120617', 'social-insurance');
    await take(page, 'unionpay');
    const card = cardOf('one-ideograph');
    await statesCard(page, '13800138012', card);
    await page.waitForSelector('#code-sent');
    // Over and over, without the code, with a guess, with the code of another number that is in hand.
    for (const code of ['', '123456', await codeFor(city, '+8613800139103')]) {
      await page.fill('input[name=code]', code);
      await statesCard(page, '13800138012', card);
      await page.waitForSelector('#code-sent');
    }
    // A number in hand that the bank does not have for the card.
    await statesCard(page, '13800139103', card);
    await page.waitForSelector('form[action$="/decline"]');
    await page.goto(`${city.issuer}/account`);
    expect(await page.textContent('.standing')).toContain('Level 1');
    await page.context().close();
  });

  it('hold nobody’s place: whoever has the person’s own number takes the document, and both are told', async () => {
    const squatter = await claims('13800139193', '石䶮', '440305199309090931', 'social-insurance');
    await squatter.waitForSelector('#half');
    const holder = await claims('13800138013', '石䶮', '440305199309090931', 'social-insurance');
    expect(await signedInAcr(holder)).toContain('loa:2');
    // The other side is out, has nothing of the document, and both sides read why.
    await squatter.goto(`${city.issuer}/account`);
    expect(new URL(squatter.url()).pathname).not.toBe('/account');
    const lines = await database.knex('audit').whereIn('type', ['identity.released', 'identity.won_back']);
    expect(lines.map(({ type, reason }) => [type, reason]).sort()).toEqual([
      ['identity.released', 'tied_elsewhere'],
      ['identity.won_back', 'tied_elsewhere'],
    ]);
    for (const phone of ['13800139193', '13800138013']) {
      const told = async () => {
        const url = `${city.urls.simulators}/outbox?to=${encodeURIComponent(`+86${phone}`)}`;
        const answer = await fetch(url, { headers: { accept: 'application/json' } });
        return (await answer.text()).includes('identity document');
      };
      await expect.poll(told, { timeout: 10_000 }).toBe(true);
    }
    await squatter.context().close();
    await holder.context().close();
  });

  it('tied by nothing take no document from whoever is tied to it', async () => {
    const page = await claims('13800139194', '石䶮', '440305199309090931', 'social-insurance');
    await page.waitForSelector('form[action$="/prove/retry"]');
    expect(await page.textContent('h1')).toBe('You have an account already');
    await page.context().close();
  });

  it('with a number that came to its holder the other day are kept, and a face does the rest', async () => {
    const page = await claims('13800138006', '张伟', '440305199001011117', 'social-insurance');
    expect(await page.textContent('#half')).toContain('less than three months');
    await take(page, 'face');
    await page.click('form[action$="/prove/face/start"] button');
    await page.click('button[value=me]');
    expect(await signedInAcr(page)).toContain('loa:2');
    await page.context().close();
  });

  it.each([
    ['down', '13800138003', '王建国', '440305194410010331'],
    ['hang', '13800138008', '黄𠮷', '44030519830405171X'],
    ['busy', '13800138009', '阿卜杜拉·买买提', '440305198609201918'],
  ])(
    'with a carrier that is out of order (%s) are kept: others are offered, and it can be asked again',
    async (fault, phone, name, number) => {
      await control('/carrier/_control', { fault });
      const began = Date.now();
      const page = await claims(phone, name, number, 'social-insurance');
      expect(await page.textContent('#half')).toContain('does not answer right now');
      expect(Date.now() - began).toBeLessThan(20_000);
      expect(await ways(page)).toEqual(expect.arrayContaining(['carrier', 'unionpay', 'face']));
      await control('/carrier/_control', { fault: 'none' });
      await take(page, 'carrier');
      // One press: nothing is typed again.
      expect(await page.locator('main input:not([type=hidden])').count()).toBe(0);
      expect(await page.textContent('main')).toContain(phone.slice(-4));
      await page.click('form[action$="/prove/check/carrier"] button');
      expect(await signedInAcr(page)).toContain('loa:2');
      await page.context().close();
    },
  );

  it('with one’s own number are a real name at once: 4 pages, 3 clicks and 2 fields, and the page says who is asked', async () => {
    const { page } = await newPerson(browser);
    await addAuthenticator(page);
    await startSignIn(page, city, 'library');
    await registerPhone(page, city, '13800138002');
    await createPasskey(page);
    await signedInAcr(page);
    const pages: string[] = [];
    await page.goto(appUrl(city, 'social-insurance'));
    page.on('framenavigated', (frame) => {
      const { origin, pathname } = new URL(frame.url());
      if (origin === city.issuer) pages.push(pathname);
    });
    await page.click('#sign-in');
    await page.waitForSelector('form[action$="/choose"]');
    await chooseFirstWay(page);
    const words = (await page.textContent('#asks-carrier')) ?? '';
    expect(words).toContain('We also ask your phone company');
    expect(words).toContain('8002');
    expect(words).not.toContain('13800138002');
    await proveAgainstRegister(page, '陈嘉怡', '440305199502282425');
    expect(await signedInAcr(page)).toContain('loa:2');
    expect(await page.textContent('#name')).toContain('陈嘉怡');
    // The choice and the form; the app's own page before and after make four.
    expect(pages.filter((path) => path.startsWith('/interaction')).length).toBeLessThanOrEqual(2);
    await page.context().close();
  });

  it('are asked about ten times a day for one account, and what is counted holds no number', async () => {
    await database.knex('throttles').where('bucket', 'like', 'carrier%').delete();
    await control('/carrier/_control', { fault: 'busy' });
    const page = await claims('13800139104', '张伟', '440305199111111135', 'social-insurance');
    await page.waitForSelector('#half');
    await control('/carrier/_control', { fault: 'none' });
    // Nine more questions, as if they had been asked.
    await database.knex('throttles').where('bucket', 'like', 'carrierAccount%').update({ hits: 10 });
    await take(page, 'carrier');
    await page.click('form[action$="/prove/check/carrier"] button');
    await page.waitForSelector('#half');
    // The carrier would say no by now, and is not asked any more: the person is told to take another way, as before.
    expect(await page.textContent('#half')).toContain('does not answer right now');
    expect(await ways(page)).toEqual(expect.arrayContaining(['unionpay', 'face']));
    const counted = await database.knex('throttles').where('bucket', 'like', 'carrier%');
    expect(counted.length).toBe(2);
    expect(JSON.stringify(counted)).not.toMatch(/1380013|4403051991/);
    await page.context().close();
  });
});
