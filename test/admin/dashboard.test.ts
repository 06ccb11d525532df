import { mkdir } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCounts, dayOf } from '../../src/storage/daily-counts.ts';
import { connect } from '../../src/storage/db.ts';
import { launchBrowser } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let page: Page;
const pictures = 'coverage/pictures';

/** What was counted `daysAgo`: as many of each as said. */
const times = <T>(count: number, item: T) => Array.from({ length: count }, () => item);
const on = (daysAgo: number) => dayOf(new Date(Date.now() - daysAgo * 86_400_000));
const loa = (level: number) => `urn:shimin:loa:${level}`;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  const database = connect(city.databaseUrl);
  const signin = (day: number, a: string, b: string, c: string) => ({ day: on(day), kind: 'signin' as const, a, b, c });
  await addCounts(database.knex, [
    ...times(30, signin(1, 'library', 'met', loa(1))),
    ...times(12, signin(1, 'social-insurance', 'met', loa(2))),
    ...times(9, signin(2, 'social-insurance', 'step_up', '')),
    ...times(3, signin(2, 'housing-fund', 'reauthenticate', '')),
    ...times(6, signin(3, 'housing-fund', 'refused', '')),
    ...times(4, signin(20, 'library', 'met', loa(1))),
    ...times(20, { day: on(1), kind: 'method' as const, a: 'passkey', b: 'ok', c: 'library' }),
    ...times(5, { day: on(1), kind: 'method' as const, a: 'password', b: 'wrong', c: 'library' }),
    ...times(11, { day: on(1), kind: 'journey' as const, a: 'social-insurance', b: 'ended', c: '' }),
    ...times(7, { day: on(1), kind: 'journey' as const, a: 'social-insurance', b: 'left', c: 'prove-population' }),
    ...times(40, { day: on(1), kind: 'source' as const, a: 'population', b: 'ok', c: '' }),
    ...times(2, { day: on(1), kind: 'source' as const, a: 'population', b: 'failed', c: '' }),
  ]);
  await database.close();
  ({ page } = await enrolStaff(browser, city, { role: 'auditor', phone: '13900139101' }));
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** The table behind a plot: its rows by their heading. */
async function table(id: string): Promise<Record<string, number[]>> {
  await page.locator(`section[aria-labelledby=plot-${id}] summary`).click();
  const rows = page.locator(`section[aria-labelledby=plot-${id}] tbody tr`);
  const read: Record<string, number[]> = {};
  for (const row of await rows.all())
    read[(await row.locator('th').textContent()) ?? ''] = (await row.locator('td').allInnerTexts()).map(Number);
  return read;
}

describe('the dashboard', () => {
  it('plots what was counted in the last seven days, each with its table', async () => {
    await page.goto(`${city.issuer}/admin/dashboard`);
    // Of 60 requests 12 were asked for more.
    expect(await page.textContent('main')).toContain('signed in, 20 % were asked for more');
    const bars = await page.locator('section[aria-labelledby=plot-apps] .bar-total').allInnerTexts();
    expect(bars.map(Number).toSorted((a, b) => a - b)).toEqual([9, 21, 30]);
    expect(Object.values(await table('apps')).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual([
      [0, 0, 3, 6],
      [12, 9, 0, 0],
      [30, 0, 0, 0],
    ]);
    expect(Object.values(await table('methods'))).toEqual(
      expect.arrayContaining([
        [20, 0],
        [0, 5],
      ]),
    );
    expect(Object.values(await table('journeys'))).toEqual([[11, 7]]);
    expect(Object.values(await table('left'))).toEqual([[7]]);
    expect(Object.values(await table('sources'))).toEqual([[40, 2]]);
    expect(Object.keys(await table('days'))).toHaveLength(3);
  });

  it('no word on it is an id', async () => {
    const text = (await page.textContent('main')) ?? '';
    for (const id of ['social-insurance', 'urn:shimin', 'prove-population', 'step_up', 'dashboard.'])
      expect(text).not.toContain(id);
  });

  it('thirty days show more', async () => {
    await page.goto(`${city.issuer}/admin/dashboard?days=30`);
    const bars = await page.locator('section[aria-labelledby=plot-apps] .bar-total').allInnerTexts();
    expect(bars.map(Number)).toContain(34);
  });

  it.each([
    ['phone', 390],
    ['desktop', 1200],
  ])('has no serious axe violation and does not scroll sideways, %s', async (name, width) => {
    await page.setViewportSize({ width, height: 900 });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide).toBeLessThanOrEqual(0);
    await page.screenshot({ path: `${pictures}/dashboard-${name}.png`, fullPage: true });
  });
});
