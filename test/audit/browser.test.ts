import { readFile } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decideChange } from '../../src/commands/decide-change.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { newPersonKey } from '../../src/lib/crypto.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { launchBrowser, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { storedAccount } from '../support/rows.ts';
import { enrolStaff } from '../support/staff.ts';
import { openStaffroom, type Staffroom } from '../support/staff-http.ts';

let city: TestCity;
let browser: Browser;
let room: Staffroom;
let auditor: Person;
const pictures = process.env.SHOTS;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  room = await openStaffroom(city);
  auditor = await enrolStaff(browser, city, { role: 'auditor', phone: '13900139031', wide: false });
}, 60_000);
afterAll(async () => {
  await room?.close();
  await browser?.close();
  await city?.close();
});

/** WCAG 2.2 A and AA, nothing wider than the phone; a picture where somebody wants one. */
async function look(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(`${name}: ${over}`).toBe(`${name}: 0`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

it('an auditor finds a line on a phone, reads it, opens a note and takes the lines along', async () => {
  const { page } = auditor;
  const deps = { db: room.db, keyring: room.keyring, clock: () => new Date() };
  const of = async (role: 'support' | 'bridge_admin' | 'owner') => ({
    accountId: (await room.desk([role])).accountId,
    cause: { requestId: 'request-5', clientId: 'admin' },
  });
  const what = { kind: 'source', payload: { source: 'face', enabled: false, killed: false } } as const;
  const change = await proposeChange(deps, { by: await of('bridge_admin'), what, reason: 'repair' });
  const { id, revision } = change;
  await decideChange(deps, { by: await of('owner'), id, revision, decision: 'approve', reason: 'yes' });
  const { id: accountId } = await storedAccount(room.db);
  const { sealedKey } = newPersonKey(room.keyring);
  await room.db('accounts').where({ id: accountId }).update({ sealed_key: sealedKey });
  const wanted = { kind: 'blocked', reason: 'misuse', note: '冒用他人身份', until: null } as const;
  await intervene(deps, { by: await of('support'), accountId, ...wanted });

  await page.goto(`${city.issuer}/admin/audit?lang=en`);
  await look(page, 'audit');
  await page.click('#search summary');
  await page.selectOption('#f-type', { label: 'Intervened in an account' });
  await look(page, 'audit-search');
  await page.click('#search button.primary');
  expect(await page.textContent('#shown-by')).toContain('of the kind: Intervened in an account');
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#export button')]);
  const file = await readFile(await download.path(), 'utf8');
  expect(file.trimEnd().split('\n')).toHaveLength(3);

  await page.click('#audit-lines a');
  expect(await page.textContent('h1')).toBe('Intervened in an account');
  expect(await page.textContent('#changes')).toMatch(/Interventions in force\s*nothing\s*Blocked/);
  await look(page, 'audit-line');
  await page.click('form[action$="/note"] button');
  expect(await page.textContent('#note')).toBe('冒用他人身份');

  const lines = await readAudit(room.db, { afterSeq: 0, limit: 10_000 });
  const switched = lines.find(({ type }) => type === 'source.switched');
  for (const lang of ['zh-Hans', 'zh-Hant', 'pt', 'en']) {
    await page.goto(`${city.issuer}/admin/audit/${switched?.seq}?lang=${lang}`);
    expect(await page.textContent('main')).not.toMatch(/undefined|\baudit\.|null/);
    await look(page, `audit-switched-${lang}`);
  }
  expect(await page.textContent('#changes')).toMatch(/On\s*yes\s*no/);
}, 60_000);
