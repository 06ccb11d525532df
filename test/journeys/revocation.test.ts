import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EvidenceKind } from '../../src/assurance/evidence.ts';
import { connect } from '../../src/storage/db.ts';
import { revokeEvidence } from '../../src/storage/evidence.ts';
import { addAuthenticator, launchBrowser, newPerson } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  appUrl,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  signedInAcr,
  startSignIn,
} from '../support/journey.ts';

let city: TestCity;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  ({ page } = await newPerson(browser));
  await addAuthenticator(page);
  await startSignIn(page, city, 'social-insurance');
  await registerPhone(page, city, '13800138001');
  await createPasskey(page);
  await chooseFirstWay(page);
  await proveAgainstRegister(page, '李晓明', '440305198806151219');
  await signedInAcr(page);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

async function revoke(kinds: EvidenceKind[]): Promise<void> {
  const database = connect(city.databaseUrl);
  try {
    const [account] = await database.knex('accounts').select('id');
    await revokeEvidence(database.knex, { accountId: account.id, kinds, at: new Date(), reason: 'test' });
  } finally {
    await database.close();
  }
}

async function press(id: string): Promise<void> {
  await page.goto(appUrl(city, 'social-insurance'));
  await page.locator('#developers').evaluate((details) => details.setAttribute('open', ''));
  await page.click(id);
  await page.waitForLoadState();
}

it('a refresh answers the level that holds now', async () => {
  await press('#refresh');
  expect(await page.textContent('#id-token-claims tr[data-field=acr]')).toContain('loa:2');
  expect(await page.textContent('#id-token-claims tr[data-field=assurance]')).toContain('"ial":1');
});

it('userinfo answers from the ledger at that moment', async () => {
  await press('#userinfo');
  expect(await page.textContent('#userinfo-response')).toContain('loa:2');
});

it('E13: once the evidence is gone, userinfo says less and the refresh token is worth nothing', async () => {
  await revoke(['population']);
  await press('#userinfo');
  const answer = (await page.textContent('#userinfo-response')) ?? '';
  expect(answer).toContain('loa:1');
  expect(answer).not.toContain('loa:2');
  await press('#refresh');
  await page.waitForSelector('#error-code');
});

it('E13: the next sign-in asks for the proof again instead of riding on the session', async () => {
  await startSignIn(page, city, 'social-insurance');
  await page.waitForSelector('form[action$="/choose"]');
});
