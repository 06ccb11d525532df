import { mkdir } from 'node:fs/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { adminRoutes } from '../../src/admin/index.ts';
import { roles } from '../../src/commands/permissions.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { assignRole, staffMembers } from '../../src/storage/staff.ts';
import { launchBrowser } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let database: Database;
let page: Page;
/** `PICTURES=/tmp/pictures vitest run test/admin/console.test.ts` takes them; otherwise nobody waits for that. */
const pictures = process.env.PICTURES;

/** Somebody who holds every role, so that every page shows all there is to it. */
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  if (pictures !== undefined) await mkdir(pictures, { recursive: true });
  database = connect(city.databaseUrl);
  ({ page } = await enrolStaff(browser, city, { role: 'owner', phone: '13900139001' }));
  const [me] = await staffMembers(database.knex);
  if (me === undefined) throw new Error('nobody took the role up');
  for (const role of roles)
    await assignRole(database.knex, { accountId: me.accountId, role, grantedBy: 'test', at: new Date() });
});
afterAll(async () => {
  await browser?.close();
  await database?.close();
  await city?.close();
});

const open = (path: string) => page.goto(`${city.issuer}${path}`);

async function seriousFor(shown: Page): Promise<unknown[]> {
  const { violations } = await new AxeBuilder({ page: shown }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

/** Nothing serious for axe and nothing beyond the edge, at both widths. */
async function looksWell(name: string): Promise<void> {
  for (const [width, height] of [
    [1200, 900],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    // The same page twice: at the second width axe looks only when there is time for pictures too.
    if (pictures !== undefined || width < 1000) expect(await seriousFor(page)).toEqual([]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow, `${name} at ${width}`).toBeLessThanOrEqual(0);
    if (pictures !== undefined)
      await page.screenshot({ path: `${pictures}/console-${name}-${width}.png`, fullPage: true });
  }
}

const plain = adminRoutes.filter(
  ({ method, path, operation }) => method === 'get' && !path.includes(':') && operation !== 'anyone',
);

it.each(plain.map(({ path }) => path))('%s opens from the menu’s side and looks well', async (path) => {
  const answer = await open(path);
  expect(answer?.status()).toBe(200);
  expect(await page.locator('nav.tabs a[aria-current=page]').count()).toBeGreaterThanOrEqual(1);
  await looksWell(path.replace(/^\/admin\/?/, '').replaceAll('/', '-') || 'home');
});

it('shows an app, its settings with their faults, and a new secret', async () => {
  await open('/admin/apps/library');
  for (const summary of await page.locator('main details summary').all()) await summary.click();
  await looksWell('app');
  await page.click('form[action$="/rotate"] button');
  expect(await page.textContent('#client-secret')).toMatch(/^[\w-]{43}$/);
  await looksWell('app-secret');
  await open('/admin/apps/library/settings');
  await page.fill('#f-redirectUris', 'http://elsewhere.example/x');
  await page.fill('#f-name-pt', '');
  await page.click('main form button.primary');
  await looksWell('app-settings-faults');
});

it('shows a preview, a proposal of one’s own, and what somebody else proposed', async () => {
  await open('/admin/apps/housing-fund');
  await page.check('input[name=floor][value="urn:shimin:loa:3"]');
  await page.click('#preview');
  await looksWell('preview');
  await page.fill('input[name=reason]', 'Withdrawals by strangers');
  await page.click('form[action$="/propose"] button.primary');
  await looksWell('approval-own');
  // Seen by the second person: the proposal is somebody else's.
  await database.knex('changes').update({ proposed_by: 'another', created_by: 'another' });
  await page.reload();
  expect(await page.locator('button[value=approve]').count()).toBe(1);
  await looksWell('approval');
  await open('/admin');
  await looksWell('home-waiting');
});

it('leads back from a page that is not there', async () => {
  const answer = await open('/admin/apps/nobody');
  expect(answer?.status()).toBe(404);
  await page.click('main a.button');
  expect(new URL(page.url()).pathname).toBe('/admin');
});
