import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudit } from '../../src/storage/audit.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { type Decision, decisionsOf } from '../../src/storage/decisions.ts';
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
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
import { enrolStaff } from '../support/staff.ts';

let city: TestCity;
let browser: Browser;
let database: Database;
let li: Person;
let chen: Person;
let auditor: Person;
let accountId: string;
let asked: Decision;
let answered: Decision;

const proxied = 'proxy-00000001';
const pictures = process.env.SHOTS;

beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  database = connect(city.databaseUrl);
  li = await newPerson(browser);
  await addAuthenticator(li.page);
  await startSignIn(li.page, city, 'library');
  await registerPhone(li.page, city, '13800138001');
  await createPasskey(li.page);
  await signedInAcr(li.page);
  await startSignIn(li.page, city, 'social-insurance');
  await chooseFirstWay(li.page);
  await proveAgainstRegister(li.page, '李晓明', '440305198806151219');
  await signedInAcr(li.page);
  accountId = (await database.knex('accounts').first('id')).id;
  const made = await decisionsOf(database.knex, accountId, { limit: 10 });
  const at = (outcome: Decision['outcome']) => {
    const found = made.find((decision) => decision.outcome === outcome && decision.clientId === 'social-insurance');
    if (!found) throw new Error(`no decision ${outcome}`);
    return found;
  };
  [asked, answered] = [at('step_up'), at('met')];
  chen = await newPerson(browser);
  await addAuthenticator(chen.page);
  await startSignIn(chen.page, city, 'library');
  await registerPhone(chen.page, city, '13800138602');
  await createPasskey(chen.page);
  await signedInAcr(chen.page);
  auditor = await enrolStaff(browser, city, { role: 'auditor', phone: '13900139001', wide: false });
});
afterAll(async () => {
  await database?.close();
  await browser?.close();
  await city?.close();
});

const main = async (page: Page) => (await page.textContent('main')) ?? '';

/** WCAG 2.2 A and AA, nothing wider than the phone; a picture where somebody wants one. */
async function look(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(`${name}: ${over}`).toBe(`${name}: 0`);
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

describe('the citizen about themselves', () => {
  it('sees each decision with its app, the newest first, of one app or of all', async () => {
    await li.page.goto(`${city.issuer}/account/decisions`);
    const links = li.page.locator('#decisions a');
    const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    expect(hrefs).toContain(`/account/decisions/${asked.id}`);
    expect(hrefs).toEqual(hrefs.toSorted().reverse());
    await look(li.page, 'account-decisions');
    await li.page.selectOption('select[name=app]', 'social-insurance');
    await li.page.click('form[action="/account/decisions"] button');
    expect(await links.allTextContents()).toEqual(['Social Insurance', 'Social Insurance']);
  });

  it('reads why more was asked for: the rule, what was missing, and what they could have done', async () => {
    await li.page.goto(`${city.issuer}/account/decisions/${asked.id}`);
    expect(await li.page.textContent('#outcome')).toBe('You were asked for more.');
    expect(await li.page.textContent('#said')).toContain('You had to prove more: Level 2');
    expect(await li.page.textContent('#said')).toContain('version 1 of the rules');
    expect(await li.page.textContent('#levels')).toContain('You have not done this yet.');
    expect(await li.page.textContent('#events')).toContain('Passkey');
    expect(await li.page.textContent('#alternatives')).toContain('Check your name and ID card number');
    expect(await main(li.page)).not.toMatch(/440305|13800138001|undefined|null|policy\.|explain\.|decisions\./);
    await look(li.page, 'account-asked');
  });

  it('reads what they were signed in on: the evidence with its date and source, and the sign-in', async () => {
    await li.page.goto(`${city.issuer}/account/decisions/${answered.id}`);
    expect(await li.page.textContent('#outcome')).toBe('You were signed in.');
    expect(await li.page.locator('#agreement').count()).toBe(0);
    expect(await li.page.textContent('#evidence')).toContain('from: the population register');
    const used = li.page.locator('#evidence li', { hasText: 'counted' });
    expect(await used.filter({ hasText: 'Name and number agree with the population register' }).count()).toBe(1);
    expect(await li.page.locator('#alternatives').count()).toBe(0);
    await look(li.page, 'account-answered');
  });

  it('is told so in their language', async () => {
    const words = { 'zh-Hans': '系统请您提供更多证明', 'zh-Hant': '系統請您提供更多證明', pt: 'Foi-lhe pedido mais' };
    for (const [lang, text] of Object.entries(words)) {
      await li.page.goto(`${city.issuer}/account/decisions/${asked.id}?lang=${lang}`);
      expect(await li.page.textContent('#outcome')).toContain(text);
      expect(await main(li.page)).not.toMatch(/policy\.|explain\.|decisions\./);
      await look(li.page, `account-asked-${lang}`);
    }
  });

  it('never sees anybody else’s: not there, as if it never was', async () => {
    for (const id of [asked.id, answered.id, '019aaaaa-0000-7000-8000-000000000000', 'x']) {
      const answer = await chen.page.goto(`${city.issuer}/account/decisions/${id}`);
      expect(answer?.status()).toBe(404);
    }
    await chen.page.goto(`${city.issuer}/account/decisions?before=zzz&app=social-insurance`);
    expect(await chen.page.locator('#decisions').count()).toBe(0);
  });

  it('reads why an app was refused that asked without a page: recorded once, with the error', async () => {
    const [{ id: other }] = await database.knex('accounts').whereNot('id', accountId).orderBy('id').select('id');
    const before = await decisionsOf(database.knex, other, { limit: 50 });
    const acr = { essential: true, values: ['urn:shimin:loa:3'] };
    await tokensOf(chen, { prompt: 'none', claims: JSON.stringify({ id_token: { acr } }) });
    const after = await decisionsOf(database.knex, other, { limit: 50 });
    expect(after.length).toBe(before.length + 1);
    expect(after[0]).toMatchObject({ outcome: 'refused', reason: 'unmet_authentication_requirements' });
    await chen.page.goto(`${city.issuer}/account/decisions/${after[0]?.id}`);
    expect(await chen.page.textContent('#outcome')).toBe('You were not signed in.');
    expect(await chen.page.textContent('#reason')).toBe('What the app demanded could not be met.');
    expect(await chen.page.textContent('#said')).toContain('The request demanded Level 3: Real person.');
    expect(await chen.page.locator('#agreement').count()).toBe(0);
    await look(chen.page, 'account-refused');
  });

  it('turns pages by the last decision shown', async () => {
    const [{ id: other }] = await database.knex('accounts').whereNot('id', accountId).orderBy('id').select('id');
    const row = await database.knex('decisions').where({ id: answered.id }).first();
    const rows = Array.from({ length: 60 }, (_, i) => ({
      ...row,
      id: answered.id.replace(/.{12}$/, String(i).padStart(12, '0')),
      account_id: other,
    }));
    await database.knex('decisions').insert(rows);
    const seen: (string | null)[] = [];
    await chen.page.goto(`${city.issuer}/account/decisions?app=social-insurance`);
    for (;;) {
      const hrefs = chen.page.locator('#decisions a');
      seen.push(...(await hrefs.evaluateAll((all) => all.map((link) => link.getAttribute('href')))));
      if ((await chen.page.locator('#older').count()) === 0) break;
      await chen.page.click('#older');
      await chen.page.waitForURL(/before=/);
    }
    expect(seen).toEqual(rows.map(({ id }) => `/account/decisions/${id}`).reverse());
    await database
      .knex('decisions')
      .whereIn(
        'id',
        rows.map(({ id }) => id),
      )
      .delete();
  });
});

/** The answer of the library's token endpoint to a sign-in that this browser makes. */
async function tokensOf(
  person: Person,
  wish: Readonly<Record<string, string>> = {},
): Promise<{ access_token: string; refresh_token: string; id_token: string }> {
  const redirect = `${appUrl(city, 'library').replace(/\/$/, '')}/callback`;
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const query = new URLSearchParams({
    client_id: 'library',
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...wish,
  });
  const page = await person.context.newPage();
  const back = page.waitForRequest((request) => request.url().startsWith(redirect));
  await page.route(`${redirect}**`, (route) => route.abort());
  await page.goto(`${city.issuer}/auth?${query}`).catch(() => null);
  const code = new URL((await back).url()).searchParams.get('code') ?? '';
  await page.close();
  const answer = await fetch(`${city.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa('library:library-demo-secret-please-change-0123456789')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirect,
      code_verifier: verifier,
    }),
  });
  return answer.json();
}

describe('the auditor', () => {
  const console = (path = '') => `${city.issuer}/admin/decisions${path}`;
  const find = async (what: string, when: { day?: string; time?: string } = {}) => {
    const { page } = auditor;
    await page.goto(console());
    await page.fill('input[name=what]', what);
    if (when.day) await page.fill('input[name=day]', when.day);
    if (when.time) await page.fill('input[name=time]', when.time);
    await page.click('form[action="/admin/decisions/find"] button.primary');
    await page.waitForLoadState();
    return new URL(page.url()).pathname + new URL(page.url()).search;
  };
  /** The city's clock, as its staff type it. */
  const local = (at: Date) => new Date(at.getTime() + 8 * 3_600_000).toISOString();
  const looks = async () =>
    (await readAudit(database.knex, { afterSeq: 0, limit: 10_000 })).filter(({ type }) => type === 'person.viewed');

  it('finds a decision by its number and reads what the citizen reads, about the citizen', async () => {
    expect(await find(asked.id)).toBe(`/admin/decisions/${asked.id}`);
    const text = await main(auditor.page);
    expect(text).toContain('The person was asked for more.');
    expect(text).toContain('More had to be proved: Level 2');
    expect(text).toContain('Nothing of this kind is on file.');
    expect(text).toContain(accountId);
    expect(text).toContain(asked.requestId);
    expect(text).not.toMatch(/李晓明|440305|13800138001|undefined/);
    await look(auditor.page, 'admin-decision');
  });

  it('each look is a line in the audit, and the citizen sees it', async () => {
    const before = (await looks()).length;
    await auditor.page.goto(console(`/${answered.id}`));
    const lines = await looks();
    expect(lines.length).toBe(before + 1);
    expect(lines.at(-1)).toMatchObject({
      accountId,
      actor: { kind: 'staff' },
      clientId: 'admin',
      outcome: 'ok',
      data: { what: 'decision', ref: answered.id },
    });
    await li.page.goto(`${city.issuer}/account/activity?lang=en`);
    expect(await main(li.page)).toContain('Staff looked at your record');
  });

  it('finds an account’s decisions of a day', async () => {
    const day = local(asked.at).slice(0, 10);
    expect(await find(accountId, { day })).toBe(`/admin/decisions?account=${accountId}&day=${day}`);
    const hrefs = () =>
      auditor.page.locator('#decisions a').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    expect(await hrefs()).toContain(`/admin/decisions/${asked.id}`);
    await look(auditor.page, 'admin-decisions');
    await auditor.page.goto(console(`?account=${accountId}&day=2020-01-01`));
    expect(await auditor.page.locator('#decisions').count()).toBe(0);
    expect(await find(accountId)).toBe(`/admin/decisions?account=${accountId}`);
    expect((await looks()).at(-1)).toMatchObject({ accountId, data: { what: 'decision', ref: null } });
    const answer = await auditor.page.goto(console('?account=019aaaaa-0000-7000-8000-000000000000'));
    expect(answer?.status()).toBe(404);
  });

  it('finds what a request decided, by our own number and by another system’s', async () => {
    const url = await find(answered.requestId ?? '');
    expect(url).toBe(`/admin/decisions/${answered.id}`);
    await li.context.setExtraHTTPHeaders({ 'x-request-id': proxied });
    await tokensOf(li);
    await li.context.setExtraHTTPHeaders({});
    const made = await decisionsOf(database.knex, accountId, { limit: 5, clientId: 'library' });
    const [silent] = made.filter(({ requestId }) => requestId === proxied);
    expect(silent?.outcome).toBe('met');
    await find(proxied);
    expect(await main(auditor.page)).toContain('Say on which day and at about what time it was.');
    const when = local(new Date());
    const found = await find(proxied, { day: when.slice(0, 10), time: when.slice(11, 16) });
    expect(found).toMatch(new RegExp(`^/admin/decisions(/${silent?.id}$|\\?request=${proxied}&)`));
    expect(await main(auditor.page)).toContain('City Library');
  });

  it('finds what a token rests on: an access token, a refresh token, an ID token', async () => {
    const tokens = await tokensOf(li);
    const [last] = await decisionsOf(database.knex, accountId, { limit: 1, clientId: 'library' });
    for (const token of [tokens.access_token, tokens.id_token, tokens.refresh_token])
      expect(await find(token)).toBe(`/admin/decisions/${last?.id}`);
    const [header, claims, signature = ''] = tokens.id_token.split('.');
    const forged = [header, claims, `${signature.slice(0, -4)}AAAA`].join('.');
    for (const token of [forged, 'x_'.repeat(22), 'a.b.c']) {
      await find(token);
      expect(await main(auditor.page)).toContain('Nothing is on record for this.');
      // A secret is not written back into the page.
      expect(await auditor.page.inputValue('input[name=what]')).toBe(token.length > 36 ? '' : token);
    }
  });

  it('is told when there is nothing', async () => {
    await find('019aaaaa-0000-7000-8000-000000000000');
    expect(await main(auditor.page)).toContain('Nothing is on record for this.');
    await look(auditor.page, 'admin-nothing');
    expect((await auditor.page.goto(console('/019aaaaa-0000-7000-8000-000000000000')))?.status()).toBe(404);
  });

  it('nobody else may: other roles, citizens, nobody', async () => {
    const owner = await enrolStaff(browser, city, { role: 'owner', phone: '13900139002' });
    const before = (await looks()).length;
    for (const path of ['', `?account=${accountId}`, `/${asked.id}`])
      expect((await owner.page.goto(console(path)))?.status()).toBe(403);
    expect(await owner.page.locator('nav a[href="/admin/decisions"]').count()).toBe(0);
    for (const path of ['', `/${asked.id}`]) {
      const answer = await fetch(console(path), { redirect: 'manual' });
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toContain('/auth?');
    }
    const posted = await fetch(console('/find'), { method: 'POST', body: 'what=x', redirect: 'manual' });
    expect(posted.status).toBeGreaterThanOrEqual(303);
    expect((await looks()).length).toBe(before);
  });
});
