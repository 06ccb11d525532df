import { mkdir } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/storage/db.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { createPasskey, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let ana: Person;
let plain: Page;
const pictures = 'coverage/pictures';

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  ana = await enrolStaff(browser, city, { role: 'assurance_admin', phone: '13900139201', wide: false });
  // Her telephone without JavaScript: the same session, in a browser that runs no script.
  const context = await browser.newContext({
    storageState: await ana.context.storageState(),
    locale: 'en-GB',
    viewport: { width: 390, height: 844 },
    javaScriptEnabled: false,
  });
  context.setDefaultTimeout(15_000);
  plain = await context.newPage();
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${pictures}/levels-${name}.png`, fullPage: true });
}

it('is edited on a telephone without JavaScript, from the levels to the proposal', async () => {
  await plain.goto(`${city.issuer}/admin/levels`);
  await plain.click('#change');
  await plain.click('#levels a:has-text("Level 3")');
  // Faces are compared anew every half year.
  await plain.click('#f-w0-r1 > summary');
  await plain.fill('#f-w0-r1-age', '180');
  await plain.selectOption('#f-w0-r1-unit', { label: 'days' });
  // Pressing Enter in a field saves, whatever other buttons there are.
  await plain.press('#f-w0-r1-age', 'Enter');
  await plain.waitForSelector('text=Saved in the draft.');
  expect(await plain.textContent('#f-w0-r1 > summary')).toContain('not older than 180 days');
  // A new way: two pieces of evidence from different sources, for people of Macao.
  await plain.click('button[value="add-way"]');
  await plain.selectOption('#f-w4-add', { label: 'a face check' });
  await plain.click('button[value="add-rule.4"]');
  await plain.check('input[name="w4-r1-confirms"][value="liveness"]');
  await plain.check('input[name="w4-r1-confirms"][value="photo"]');
  await plain.click('#f-w4 > details.more:last-of-type > summary');
  await plain.check('input[name="w4-categories"][value="macao"]');
  await plain.click('button.primary >> nth=0');
  // It is less than level 2 asks, so it says where that is and what is missing.
  expect(await plain.textContent('#f-w4 .field-error')).toContain('does not meet Level 2: Real name');
  expect(await plain.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await picture(plain, 'faults');
  await plain.click('#f-w4-r0 > summary');
  await plain.check('input[name="w4-r0-confirms"][value="name"]');
  await plain.check('input[name="w4-r0-confirms"][value="document_number"]');
  await plain.click('button.primary >> nth=1');
  expect(await plain.locator('.field-error').count()).toBe(0);
  await picture(plain, 'level');
  await plain.click('main a:has-text("See what it would mean")');
  const differences = await plain.textContent('#differences');
  expect(differences).toContain('not older than 180 days');
  expect(differences).toContain('residents of Macao');
  await plain.click('a:has-text("Edit the levels of this draft")');
  await picture(plain, 'draft');
  await plain.click('#preview');
  await plain.fill('input[name=reason]', 'Faces change');
  await plain.click('form[action$="/propose"] button.primary');
  expect(await plain.textContent('#status')).toBe('Waiting for a second person');
  const database = connect(city.databaseUrl);
  expect((await currentPolicy(database.knex)).version).toBe(1);
  await database.close();
});

it('is tried beside the rules in force: counted, and nobody notices', async () => {
  const { page } = ana;
  await page.goto(`${city.issuer}/admin/apps/library`);
  await page.click('input[name=floor][value="urn:shimin:loa:2"]');
  await page.click('#preview');
  await page.click('#shadow button');
  expect(await page.textContent('main')).toContain('The draft is now tried beside the rules in force.');
  expect(await page.textContent('#shadow')).toContain('Nothing has been counted');
  // Every process looks for drafts to try every two seconds.
  await page.waitForTimeout(2_500);
  const li = (await newPerson(browser)).page;
  await addAuthenticator(li);
  await startSignIn(li, city, 'library');
  await registerPhone(li, city, '13800138201');
  await createPasskey(li);
  expect(await signedInAcr(li)).toContain('loa:1');
  const cells = async () => {
    await page.reload();
    const row = page.locator('#shadow-apps tbody tr:has-text("City Library") td');
    return (await row.allInnerTexts()).map(Number);
  };
  await expect.poll(cells, { timeout: 8_000, interval: 500 }).toEqual([0, 1, 0, 0]);
  await picture(page, 'shadow');
  await page.click('#shadow button');
  expect(await page.textContent('main')).toContain('The draft is no longer tried.');
  // What was counted stays to be read, by whoever approves too.
  expect(await cells()).toEqual([0, 1, 0, 0]);
});

it.each([
  ['en', 390],
  ['zh-Hans', 390],
  ['zh-Hant', 1200],
  ['pt', 390],
])('can be read by everybody, in %s at %s pixels', async (lang, width) => {
  const { page } = ana;
  await page.setViewportSize({ width, height: 844 });
  await page.goto(`${city.issuer}/admin/levels?lang=${lang}`);
  await page.click('#change');
  for (const each of [page.url(), `${page.url()}/${encodeURIComponent('urn:shimin:loa:3')}`]) {
    await page.goto(`${each}?lang=${lang}`);
    const all = await page.locator('details.more').all();
    for (const details of all) await details.evaluate((node) => node.setAttribute('open', ''));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)).toEqual([]);
  }
  await picture(page, `open-${lang}`);
});
