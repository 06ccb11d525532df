import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bridgeModules } from '../../src/bridges/index.ts';
import { checkModules } from '../../src/proofing/checks.ts';
import { readSecrets } from '../../src/secrets.ts';
import { bridgeRow, openSettings } from '../../src/storage/bridges.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { launchBrowser, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let database: Database;
let ana: Person;
let ben: Person;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  ana = await enrolStaff(browser, city, { role: 'bridge_admin', phone: '13900139301' });
  ben = await enrolStaff(browser, city, { role: 'assurance_admin', phone: '13900139302' });
  database = connect(city.databaseUrl);
});
afterAll(async () => {
  await database?.close();
  await browser?.close();
  await city?.close();
});

const ids = [...new Set([...bridgeModules, ...checkModules].map(({ traits }) => traits.id))];

async function settingsOf(id: string): Promise<{ version: number; settings: Record<string, string> }> {
  const row = await bridgeRow(database.knex, id);
  if (row === null) throw new Error(`${id} is not set up`);
  const keyring = await readSecrets(city.env.SHIMIN_SECRETS ?? '');
  return { version: row.version, settings: openSettings(keyring, id, row.sealedSettings) };
}

/** The form of one service, open, with a reason given; whatever else stands there stands. */
async function openForm(id: string): Promise<Page> {
  const { page } = ana;
  await page.goto(`${city.issuer}/admin/bridges/${id}`);
  await page.locator('details.more').evaluate((node) => node.setAttribute('open', ''));
  await page.fill('#f-reason', `once more ${id}`);
  return page;
}

async function approve(): Promise<void> {
  const { page } = ben;
  await page.goto(`${city.issuer}/admin/approvals`);
  await page.locator('main .rows a').first().click();
  await page.click('button[value=approve]');
  expect(await page.textContent('#status')).toBe('In effect');
}

it.each(ids)('the form of %s, sent as it stands, is taken and leaves what it means as it was', async (id) => {
  const before = await settingsOf(id);
  const page = await openForm(id);
  await page.click('form[action$="/propose"] button.primary');
  expect(new URL(page.url()).search).toBe('?done=proposed');
  await approve();
  const after = await settingsOf(id);
  expect(after.version).toBe(before.version + 1);
  const shape = [...bridgeModules, ...checkModules].find(({ traits }) => traits.id === id)?.settings;
  expect(shape?.parse(after.settings)).toEqual(shape?.parse(before.settings));
});

it('keeps what was typed and says which field is wrong; a secret is not sent back', async () => {
  const page = await openForm('guangdong');
  await page.fill('[name="settings.clientId"]', 'not an id!');
  await page.fill('[name="settings.clientSecret"]', 'a new secret');
  await page.click('form[action$="/propose"] button.primary');
  expect(await page.inputValue('[name="settings.clientId"]')).toBe('not an id!');
  expect(await page.getAttribute('[name="settings.clientId"]', 'aria-invalid')).toBe('true');
  expect(await page.getAttribute('[name="settings.baseUrl"]', 'aria-invalid')).toBeNull();
  expect(await page.inputValue('[name="settings.clientSecret"]')).toBe('');
  expect(await page.inputValue('#f-reason')).toBe('once more guangdong');
});

it('changes one setting of several lines, and the next sign-in goes by it', async () => {
  const { settings } = await settingsOf('network-id');
  const page = await openForm('network-id');
  expect((await page.inputValue('[name="settings.platformKeys"]')).trim().split('\n').length).toBeGreaterThan(3);
  await page.fill('[name="settings.appName"]', '市民之家');
  await page.click('form[action$="/propose"] button.primary');
  await approve();
  expect((await settingsOf('network-id')).settings).toEqual({ ...settings, appName: '市民之家' });
});
