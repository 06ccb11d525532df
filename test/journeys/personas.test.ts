import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appRuleOf } from '../../src/assurance/policy.ts';
import { connect } from '../../src/storage/db.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { dayInYears } from '../support/days.ts';
import { allowConsent, appUrl, codeFor, createPasskey, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let clerks: Person[] = [];
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  const clerk = (nth: number) =>
    enrolStaff(browser, city, { role: 'clerk', phone: `1390013900${nth}`, nth, wide: false });
  clerks = [await clerk(0), await clerk(1)];
  await libraryAtLevel4();
  for (const [nth, { page }] of clerks.entries()) {
    await page.goto(`${city.issuer}/admin/counter`);
    await page.selectOption('select[name=counter]', `civic-centre-${nth + 1}`);
    await page.click('form[action="/admin/counter/seat"] button');
  }
});
/** What only somebody who was seen in person may do: the library of this city. */
async function libraryAtLevel4(): Promise<void> {
  const database = connect(city.databaseUrl);
  try {
    const { version, document } = await currentPolicy(database.knex);
    const next = version + 1;
    const apps = { ...document.apps, library: appRuleOf('urn:shimin:loa:4') };
    const policy = {
      version: next,
      document: { ...document, version: next, apps },
      createdBy: 'test',
      at: new Date(),
      expectedPrevious: version,
    };
    expect(await appendPolicy(database.knex, policy)).toBe(true);
  } finally {
    await database.close();
  }
}

afterAll(async () => {
  await browser?.close();
  await city?.close();
});

const personas = [
  {
    id: 'chan-tai-man',
    category: 'hong_kong',
    locale: 'zh-HK',
    region: 'HK',
    phone: '91234567',
    prefix: '+852',
    name: '陳大文',
    type: 'cn_hm_travel_permit',
    number: 'H12345678',
    birthDate: '1985-03-03',
    residence: '810000198503031018',
  },
  {
    id: 'ho-ka-i',
    category: 'macao',
    locale: 'zh-MO',
    region: 'MO',
    phone: '66123456',
    prefix: '+853',
    name: '何嘉儀',
    type: 'cn_hm_travel_permit',
    number: 'M12345678',
    birthDate: '1992-07-07',
    residence: '82000019920707102X',
  },
  {
    id: 'lin-yi-chun',
    category: 'taiwan',
    locale: 'zh-TW',
    region: 'TW',
    phone: '912345678',
    prefix: '+886',
    name: '林宜君',
    type: 'cn_tw_travel_permit',
    number: '05616820',
    birthDate: '1990-10-10',
    residence: '830000199010101020',
  },
] as const;
type Persona = (typeof personas)[number];

async function register(page: Page, { region, phone, prefix }: Persona, number: string = phone): Promise<void> {
  await page.click('a[href$="show=register"]');
  await page.selectOption('select[name=region]', region);
  await page.fill('input[name=phone]', number);
  await page.click('form[action$="/register/phone"] button');
  await page.fill('input[name=code]', await codeFor(city, `${prefix}${number}`));
  await page.click('form[action$="/register/code"] button');
  await createPasskey(page);
}

async function provePermit(page: Page, type: string, name: string, number: string): Promise<void> {
  await page.selectOption('select[name=documentType]', type);
  await page.fill('input[name=name]', name);
  await page.fill('input[name=number]', number);
  await page.click('form[action$="/prove/check/exit-entry"] button');
}

/** Each page is in the reader's script, and in no other. */
async function inTheirScript(page: Page): Promise<void> {
  expect(await page.getAttribute('html', 'lang')).toMatch(/^zh-Hant/);
  expect(await page.textContent('main')).not.toMatch(/[证录证号这们个为从与实页请选择]/u);
}

describe.each(personas)('$id, with no mainland document but the permit', (persona) => {
  let person: Person;

  it('goes from nothing to level 2 and 3 by permit and face, in their own script', async () => {
    person = await newPerson(browser, { locale: persona.locale });
    const { page } = person;
    await addAuthenticator(page);
    await startSignIn(page, city, 'social-insurance');
    await inTheirScript(page);
    await register(page, persona);
    // What most readers of this script have comes first.
    expect(await page.locator('button[name=way]').first().getAttribute('value')).toContain('exit-entry');
    await inTheirScript(page);
    await page.click('button[name=way][value="exit-entry face-permit"]');
    await inTheirScript(page);
    await provePermit(page, persona.type, persona.name, persona.number);
    await inTheirScript(page);
    await page.click('form[action$="/prove/face/start"] button');
    await page.click('button[value=me]');
    expect(await signedInAcr(page)).toContain('loa:2');
    expect(await page.textContent('#name')).toContain(persona.name);

    await startSignIn(page, city, 'housing-fund');
    await allowConsent(page);
    await page.click('#withdraw');
    await page.waitForSelector('#withdraw-done');
    expect(await signedInAcr(page)).toContain('loa:3');
  });

  it('is proved at the counter by two officials, and level 4 is asked for anew each time', async () => {
    const { page } = person;
    await page.goto(`${city.issuer}/account/counter/new`);
    await inTheirScript(page);
    await page.click('button[name=officials][value="2"]');
    const code = ((await page.textContent('#code')) ?? '').trim();
    for (const { page: desk } of clerks) {
      await desk.goto(`${city.issuer}/admin/counter`);
      await desk.fill('input[name=code]', code);
      await desk.click('form[action="/admin/counter/take"] button');
      await desk.selectOption('select[name=as]', `${persona.category}.${persona.type}`);
      await desk.click('form[method=get] button');
      const entry = {
        number: persona.number,
        name: persona.name,
        birthDate: persona.birthDate,
        validUntil: dayInYears(4),
      };
      for (const [name, value] of Object.entries(entry))
        if ((await desk.locator(`input[name=${name}]`).count()) > 0) await desk.fill(`input[name=${name}]`, value);
      for (const box of await desk.locator('input[name^=check_]').all()) await box.check();
      await desk.click('form[action$="/confirm"] button.primary');
      await desk.waitForSelector('#result');
    }
    await page.waitForSelector('#result', { timeout: 10_000 });
    // The page that waited for the result looks by itself now and then: it is left first.
    await page.goto('about:blank');
    await page.goto(`${city.issuer}/account/raise/4`);
    await page.click('button.primary', { timeout: 5_000 });
    await page.waitForSelector('[data-each-time]');
    expect(await page.getAttribute('[data-level]', 'data-level')).toBe('3');
    expect(await page.getAttribute('[data-each-time]', 'data-each-time')).toBe('4');
    expect(await page.getAttribute('[data-each-time]', 'data-ready')).toBe('true');
    // There is nothing higher to be had here: the next level is not offered for ever.
    expect(await page.locator('a[href^="/account/raise/"]').count()).toBe(0);
    await inTheirScript(page);
  });

  it('is let in by an app of level 4, with the key once more each time', async () => {
    const { page } = person;
    for (const visit of ['first', 'next']) {
      await page.goto(`${appUrl(city, 'library')}/sign-in?level=urn:shimin:loa:4`);
      // Signed in with the city as they are, the key is asked for: this level never rides on SSO.
      await page.waitForSelector('button.primary');
      expect(`${visit}: ${page.url()}`).toContain(`${city.issuer}/interaction/`);
      await page.click('button.primary');
      expect(await signedInAcr(page)).toBe('urn:shimin:loa:4');
    }
  });

  it('is found by their residence permit: one person, one account', async () => {
    const { page, context } = await newPerson(browser, { locale: persona.locale });
    await addAuthenticator(page);
    await startSignIn(page, city, 'social-insurance');
    await register(page, persona, `${persona.phone.slice(0, -1)}9`);
    await page.click('button[name=way][value^=exit-entry]');
    await provePermit(page, 'cn_hmt_residence_permit', persona.name, persona.residence);
    await page.waitForSelector('form[action$="/prove/retry"]');
    await inTheirScript(page);
    await context.close();
  });
});
