import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/storage/db.ts';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { dayInYears } from '../support/days.ts';
import {
  allowConsent,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let li: Person;
let an: Person;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  li = await newPerson(browser);
  await addAuthenticator(li.page);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** Readable to all (WCAG 2.2 A and AA), no wider than a phone. `SHOTS=folder` keeps pictures for whoever works on the pages. */
async function look(page: Page, name: string): Promise<void> {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const [scrollWidth, clientWidth] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(`${name}: ${scrollWidth}`).toBe(`${name}: ${clientWidth}`);
  await shot(page, name);
}

async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env.SHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

/** What the newest sign-in at an app was answered with. */
async function acrOf(clientId: string): Promise<unknown> {
  const database = connect(city.databaseUrl);
  try {
    const newest = await database.knex('decisions').where({ client_id: clientId }).orderBy('id', 'desc').first('acr');
    return newest?.acr;
  } finally {
    await database.close();
  }
}

const account = (path = '') => `${city.issuer}/account${path}`;
const console = (path = '') => `${city.issuer}/admin${path}`;

async function sitDown(page: Page, counter: string): Promise<void> {
  await page.goto(console('/counter'));
  await page.selectOption('select[name=counter]', counter);
  await page.click('form[action="/admin/counter/seat"] button');
}

async function openCase(page: Page, code: string): Promise<void> {
  await page.goto(console('/counter'));
  await page.fill('input[name=code]', code);
  await page.click('form[action="/admin/counter/take"] button');
}

const card = { number: '440305198806151219', name: '李晓明', birthDate: '1988-06-15', validUntil: dayInYears(9) };

/** Fills in the list of the resident card; `leave`: a check that is not ticked. */
async function fillCard(page: Page, entry: Partial<typeof card> = {}, leave = ''): Promise<void> {
  await page.selectOption('select[name=as]', 'mainland.cn_resident_id');
  await page.click('form[method=get] button');
  for (const [name, value] of Object.entries({ ...card, ...entry })) await page.fill(`input[name=${name}]`, value);
  for (const box of await page.locator('input[name^=check_]').all())
    if ((await box.getAttribute('name')) !== leave) await box.check();
}

const confirm = (page: Page) => page.click('form[action$="/confirm"] button.primary');

describe('a check in person', () => {
  let code = '';
  let receiptUrl = '';

  it('begins with a code on the citizen’s own page', async () => {
    const { page } = li;
    await startSignIn(page, city, 'social-insurance');
    await registerPhone(page, city, '13800138001');
    await createPasskey(page);
    await chooseFirstWay(page);
    await proveAgainstRegister(page, card.name, card.number);
    expect(await signedInAcr(page)).toContain('loa:2');
    await page.goto(account('/evidence'));
    await page.click('a[href="/account/counter"]');
    await look(page, 'account-start');
    await page.click('a[href="/account/counter/new"]');
    await look(page, 'account-new');
    await page.click('button[name=officials][value="2"]');
    await page.waitForSelector('#code');
    code = ((await page.textContent('#code')) ?? '').trim();
    expect(code).toMatch(/^[3479ACDEFHJKMNPRTWXY]{4} [3479ACDEFHJKMNPRTWXY]{4}$/);
    await shot(page, 'account-code');
  });

  it('is made by an official at a named counter, who sees the list for the person before them', async () => {
    an = await enrolStaff(browser, city, { role: 'clerk', phone: '13900139001', wide: false });
    const { page } = an;
    await sitDown(page, 'civic-centre-1');
    await look(page, 'clerk-code');
    await openCase(page, 'AAAA AAAA');
    expect(await page.textContent('#e-code')).toContain('no open case');
    await openCase(page, code.toLowerCase());
    expect(await page.textContent('#known ~ dl')).toContain(card.name);
    expect(await page.content()).not.toContain(card.number);
    await fillCard(page, { number: '440305198806151218' }, 'check_photo');
    await confirm(page);
    expect(await page.textContent('#e-number')).toContain('can’t be right');
    await page.fill('input[name=number]', card.number);
    await confirm(page);
    expect(await page.textContent('#e-check_photo')).toContain('check this');
    expect(await page.inputValue('input[name=name]')).toBe(card.name);
    await look(page, 'clerk-case');
    await li.page.waitForSelector('#state:has-text("You are being checked: Civic Centre, counter 1")');
    await page.check('input[name=check_photo]');
    await confirm(page);
    expect(await page.textContent('#result')).toContain('A second official');
    await shot(page, 'clerk-half');
    // Nobody touches the citizen's page: it looks by itself.
    await li.page.waitForSelector('#state:has-text("second official")', { timeout: 30_000 });
    await shot(li.page, 'account-half');
  });

  it('opens what asks for level 3, without a face', async () => {
    const page = await li.context.newPage();
    await startSignIn(page, city, 'housing-fund');
    await allowConsent(page);
    await page.click('#withdraw');
    await page.waitForSelector('#withdraw-done');
    expect(await signedInAcr(page)).toContain('loa:3');
    await page.close();
  });

  it('is confirmed by a second official, never by the first, and opens level 4', async () => {
    await openCase(an.page, code);
    expect(await an.page.textContent('#e-code')).toContain('somebody else');
    const bo = await enrolStaff(browser, city, { role: 'clerk', phone: '13900139002', nth: 1, wide: false });
    await sitDown(bo.page, 'civic-centre-2');
    await openCase(bo.page, code);
    await fillCard(bo.page);
    await confirm(bo.page);
    expect(await bo.page.textContent('#result')).toContain('Confirmed and recorded');
    await li.page.waitForSelector('#result', { timeout: 30_000 });
    await shot(li.page, 'account-result');
    await li.page.click('#result a');
    receiptUrl = li.page.url();
    const receipt = (await li.page.textContent('main')) ?? '';
    for (const part of ['Civic Centre, counter 1', 'Civic Centre, counter 2', 'two officials', card.name])
      expect(receipt).toContain(part);
    expect(receipt).not.toContain(card.number);
    await look(li.page, 'account-receipt');
    // Level 4 never rides on SSO: the passkey is asked for once more, then it is reached.
    await li.page.goto(account('/raise/4'));
    await shot(li.page, 'raise-4');
    await li.page.click('button.primary', { timeout: 5000 });
    await li.page.waitForSelector('.standing');
    expect(await acrOf('account')).toBe('urn:shimin:loa:4');
    await li.page.goto(account('/activity'));
    const lines = (await li.page.textContent('main')) ?? '';
    for (const part of ['Confirmed in person', 'Staff looked at your record']) expect(lines).toContain(part);
  });

  it('is a way of the sign-in, for whom the register does not know, and goes on by itself', async () => {
    const { page } = await newPerson(browser);
    await addAuthenticator(page);
    await startSignIn(page, city, 'social-insurance');
    await registerPhone(page, city, '13800138701');
    await createPasskey(page);
    const way = page.locator('section.way', { has: page.locator('button[name=way][value=counter]') });
    expect(await way.textContent()).toMatch(/About 40 minutes[\s\S]*an original document/);
    // Two officials are no way of their own where one is enough.
    expect(await page.locator('button[name=way][value=counter_two]').count()).toBe(0);
    await shot(page, 'journey-choose');
    await page.click('form[action$="/choose"] details summary');
    await way.locator('button').click();
    await look(page, 'journey-counter');
    await page.click('form[action$="/prove/counter"] button');
    const given = ((await page.textContent('#code')) ?? '').trim();
    await shot(page, 'journey-code');
    await openCase(an.page, given);
    await an.page.selectOption('select[name=as]', 'hong_kong.cn_hm_travel_permit');
    await an.page.click('form[method=get] button');
    for (const [name, value] of Object.entries({ number: 'H1234567801', name: '陳大文', birthDate: '1980-01-01' }))
      await an.page.fill(`input[name=${name}]`, value);
    for (const box of await an.page.locator('form[action$="/confirm"] input[type=checkbox]').all()) await box.check();
    await confirm(an.page);
    expect(await an.page.textContent('#result')).toContain('Confirmed and recorded');
    expect(await signedInAcr(page)).toContain('loa:2');
    expect(await page.textContent('#name')).toContain('陳大文');

    // Their own receipt, and nobody else's; and a code that is called off.
    await page.goto(account('/counter'));
    await page.click('#result a');
    expect(await page.textContent('main')).toContain('Home-return permit');
    expect((await page.goto(receiptUrl))?.status()).toBe(404);
    await page.goto(account('/counter/new'));
    await page.click('button[name=officials][value="1"]');
    await page.click('form[action$="/cancel"] button');
    expect(await page.textContent('[role=status]')).toContain('is called off');
    expect(await page.locator('#code').count()).toBe(0);
  });
});
