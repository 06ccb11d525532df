import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let owner: Person;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

describe('the console in a browser', () => {
  it('lets in whoever takes up an invitation with a passkey', async () => {
    owner = await enrolStaff(browser, city, { role: 'owner', phone: '13900139001' });
    expect(await owner.page.textContent('h1')).toBe('Console');
  });

  it.each(['', '/dashboard', '/approvals', '/apps', '/sources', '/staff', '/keys'])('opens /admin%s', async (path) => {
    const answer = await owner.page.goto(`${city.issuer}/admin${path}`);
    await owner.page.screenshot({ path: `/tmp/shots/x${path.replace('/', '-')}.png`, fullPage: true });
    expect(answer?.status()).toBe(200);
  });
});
