import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { createPasskey, proveAgainstRegister, registerPhone, signedInAcr, startSignIn } from '../support/journey.ts';
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** Hands on a member of staff at work: whatever they press or type goes through here and is counted. */
class Hands {
  clicks = 0;
  fields = 0;

  async click(page: Page, selector: string): Promise<void> {
    this.clicks += 1;
    await page.click(selector);
  }

  async type(page: Page, selector: string, text: string): Promise<void> {
    this.fields += 1;
    await page.fill(selector, text);
  }

  /** Signing in is choosing the passkey that the browser offers: one press, which the virtual authenticator makes itself. */
  async signIn(page: Page): Promise<void> {
    this.clicks += 1;
    await page.goto(`${city.issuer}/admin`);
    await page.waitForSelector('nav.tabs');
  }
}

/** Nobody stays signed in from taking up the role: the day's work starts with a passkey. */
async function nextDay({ context }: Person): Promise<void> {
  await context.clearCookies();
}

async function citizen(phone: string): Promise<Page> {
  const { page } = await newPerson(browser);
  await addAuthenticator(page);
  await startSignIn(page, city, 'library');
  await registerPhone(page, city, phone);
  await createPasskey(page);
  expect(await signedInAcr(page)).toContain('loa:1');
  return page;
}

/** Signs in at the library again, with the session that the citizen has. */
async function comeBack(page: Page): Promise<void> {
  await page.context().clearCookies({ name: /^app\d+_/ });
  await startSignIn(page, city, 'library');
}

it('raises an app’s level with two people in at most 12 clicks and 2 text fields, and takes it back', async () => {
  const [anna, bela, li, wang] = await Promise.all([
    enrolStaff(browser, city, { role: 'assurance_admin', phone: '13900139001' }),
    enrolStaff(browser, city, { role: 'owner', phone: '13900139002' }),
    citizen('13800138001'),
    citizen('13800138002'),
  ]);
  await Promise.all([nextDay(anna), nextDay(bela)]);
  const hands = new Hands();

  // Anna raises the library's level and sees what it would mean.
  await hands.signIn(anna.page);
  await hands.click(anna.page, 'nav.tabs a[href="/admin/apps"]');
  await hands.click(anna.page, 'main table a[href="/admin/apps/library"]');
  await hands.click(anna.page, 'input[name=floor][value="urn:shimin:loa:2"]');
  await hands.click(anna.page, '#preview');
  expect(await anna.page.textContent('#differences')).toContain('App City Library demands Level 2');
  expect(await anna.page.textContent('#people')).toMatch(
    /^4 people were looked at\. 0 would gain a level\. 0 would lose/,
  );
  const replayed = (await anna.page.textContent('#replay')) ?? '';
  expect(replayed).toContain('City Library');
  expect(replayed).toContain('“let in” would have been “asked for more”');
  expect(await anna.page.textContent('#longest')).toContain('City Library');
  await hands.type(anna.page, 'input[name=reason]', 'Loans are now in the real name');
  await hands.click(anna.page, 'form[action$="/propose"] button.primary');
  expect(await anna.page.textContent('#status')).toBe('Waiting for a second person');
  expect(await anna.page.locator('button[value=approve]').count()).toBe(0);

  // Until then nothing has changed.
  await comeBack(wang);
  expect(await signedInAcr(wang)).toContain('loa:1');
  expect(await wang.textContent('#developers')).not.toContain('urn:shimin:loa:2');

  // Béla, on another machine, finds it waiting, sees the same numbers and approves.
  await hands.signIn(bela.page);
  await hands.click(bela.page, 'main .rows a[href^="/admin/approvals/"]');
  expect(await bela.page.textContent('#replay')).toContain('asked for more');
  await hands.click(bela.page, 'button[value=approve]');
  expect(await bela.page.textContent('#status')).toBe('In effect');

  // The next sign-in is stepped up, in the session that was good enough a moment ago.
  await comeBack(li);
  await li.click('form[action$="/choose"] button[name=way]');
  await proveAgainstRegister(li, '李晓明', '440305198806151219');
  // The library asks for level 1 and is answered by that name; what was proved is in the claim `assurance`.
  await signedInAcr(li);
  expect(await li.textContent('#developers')).toContain('urn:shimin:loa:2');

  // Béla takes it back; Anna, still on her proposal's page, is the second person this time.
  await hands.type(bela.page, '#f-rollback', 'The register is slow today');
  await hands.click(bela.page, 'form[action$="/rollback"] button');
  await anna.page.reload();
  await hands.click(anna.page, '#way-back');
  expect(await anna.page.textContent('#differences')).toContain('demands Level 1');
  await hands.click(anna.page, 'button[value=approve]');
  expect(await anna.page.textContent('#status')).toBe('In effect');
  await comeBack(wang);
  expect(await signedInAcr(wang)).toContain('loa:1');

  expect(hands.clicks).toBeLessThanOrEqual(12);
  expect(hands.fields).toBeLessThanOrEqual(2);
}, 60_000);
