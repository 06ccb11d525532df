import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/storage/db.ts';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { chooseFirstWay, codeFor, createPasskey, proveAgainstRegister, startSignIn } from '../support/journey.ts';

const wide = (text: string) => text.replaceAll(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0));

describe.each(databaseKinds)('forms take what keyboards give [%s]', (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let browser: Browser;
  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    [city, browser] = await Promise.all([startCity({ SHIMIN_DATABASE_URL: fresh.url }), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await city?.close();
    await fresh?.remove();
  });

  /** Registers at the first form of the tour, phone and code as given, and gets to the form of the register. */
  async function atTheRegister(phone: string, code: (sent: string) => string) {
    const { page } = await newPerson(browser);
    await addAuthenticator(page);
    await startSignIn(page, city, 'social-insurance');
    await page.click('a[href$="show=register"]');
    await page.fill('input[name=phone]', phone);
    await page.click('form[action$="/register/phone"] button');
    const e164 = `+86${phone.normalize('NFKC').replaceAll(/\D/g, '')}`;
    await page.fill('input[name=code]', code(await codeFor(city, e164)));
    await page.click('form[action$="/register/code"] button');
    await createPasskey(page);
    await chooseFirstWay(page);
    return page;
  }
  const proofs = async () => {
    const { knex, close } = connect(fresh.url);
    try {
      return Number((await knex('evidence').where({ kind: 'population' }).count({ n: '*' }))[0]?.n);
    } finally {
      await close();
    }
  };

  it.each<[string, string, string, string]>([
    ['in full-width digits', wide('138 0013 8003'), '王建国', wide('440305194410010331')],
    ['with blanks, dashes and a small x', '138-0013-8008', '黄 𠮷', '440305 19830405-171x'],
    ['one character for a name', '13800138012', '雪', '440305199703120617'],
    ['a private-use character of an old system', '13800138013', '石\uE863', '440305199309090931'],
    ['another dot in the name', '13800138009', '阿卜杜拉．买买提', '440305·198609201918'],
  ])('%s', async (_what, phone, name, number) => {
    const before = await proofs();
    const page = await atTheRegister(phone, (sent) => wide(`${sent.slice(0, 3)} ${sent.slice(3)}`));
    await proveAgainstRegister(page, name, number);
    await page.waitForLoadState();
    expect(await page.locator('.field-error').allTextContents()).toEqual([]);
    expect(await proofs()).toBe(before + 1);
    await page.context().close();
  });

  it('a permit with its count of issues, full-width, in brackets: and the same permit without it is the same person’s', async () => {
    const prove = async (phone: string, number: string) => {
      const { page } = await newPerson(browser);
      await addAuthenticator(page);
      await startSignIn(page, city, 'social-insurance');
      await page.click('a[href$="show=register"]');
      await page.selectOption('select[name=region]', 'HK');
      await page.fill('input[name=phone]', phone);
      await page.click('form[action$="/register/phone"] button');
      await page.fill('input[name=code]', await codeFor(city, `+852${phone}`));
      await page.click('form[action$="/register/code"] button');
      await createPasskey(page);
      const way = page.locator('button[name=way][value^=exit-entry]').first();
      if (!(await way.isVisible())) await page.click('form[action$="/choose"] details summary');
      await way.click();
      await page.selectOption('select[name=documentType]', 'cn_hm_travel_permit');
      await page.fill('input[name=name]', '陳 大文');
      await page.fill('input[name=number]', number);
      await page.click('form[action$="/prove/check/exit-entry"] button');
      await page.waitForLoadState();
      return page;
    };
    const documents = async () => {
      const { knex, close } = connect(fresh.url);
      const rows = await knex('person_documents').where({ type: 'cn_hm_travel_permit' });
      await close();
      return rows.length;
    };
    const first = await prove('91234567', wide('h1234567802').replace('０２', '（０２）'));
    expect(await first.locator('.field-error').allTextContents()).toEqual([]);
    expect(await documents()).toBe(1);
    const second = await prove('91234568', 'H12345678');
    expect(await second.locator('.field-error').allTextContents()).toEqual([]);
    expect(await documents()).toBe(1);
    for (const page of [first, second]) await page.context().close();
  });

  it('but no number of fifteen digits: no card has one any more', async () => {
    const before = await proofs();
    const page = await atTheRegister('13900139001', (sent) => sent);
    await proveAgainstRegister(page, '王建国', '440305441001033');
    expect(await page.locator('.field-error').count()).toBe(1);
    expect(await proofs()).toBe(before);
    await page.context().close();
  });
});
