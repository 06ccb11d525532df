import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import { fromExternal, toExternal } from '../../src/assurance/mapping.ts';
import { plan } from '../../src/assurance/plan.ts';
import { appRuleOf } from '../../src/assurance/policy.ts';
import { type AcrRequest, requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { offersFor } from '../../src/commands/offers.ts';
import { connect } from '../../src/storage/db.ts';
import { appendPolicy } from '../../src/storage/policies.ts';
import { event, evidence, kinds, L, methods, now, S } from '../assurance/support.ts';
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

/** Published by another process: within a second it holds here too. */
async function raiseLibrary(city: TestCity): Promise<void> {
  const database = connect(city.databaseUrl);
  const apps = { ...defaultPolicy.apps, library: appRuleOf(L(2)) };
  const published = await appendPolicy(database.knex, {
    version: 2,
    document: { ...defaultPolicy, version: 2, apps },
    createdBy: 'test',
    at: new Date(),
    expectedPrevious: 1,
  });
  expect(published).toBe(true);
  await database.close();
}

/**
 * The step-up bugs of other identity providers, one test a row: `../shared/reference/field.md`, Keycloak's "Known flaws",
 * ory/kratos#4317 and voidauth#361.
 */
const request = (more: Partial<AcrRequest> = {}): AcrRequest => ({ acrValues: [], prompt: [], ...more });
const held = (items: Evidence[], events: AuthenticationEvent[], at = now) =>
  assess(defaultPolicy, items, events, at, { interaction: 'here' }).held.map(({ level }) => level);
const verdict = (more: Partial<AcrRequest>, items: Evidence[], events: AuthenticationEvent[]) => {
  const context = { interaction: 'here', offered: false, events };
  const requirement = requirementFor(defaultPolicy, 'library', request(more));
  return satisfies(assess(defaultPolicy, items, events, now, context), requirement, defaultPolicy, context);
};
const person = [kinds.contact, kinds.population, kinds.tie, kinds.face];

describe('flaws of others, by what decides', () => {
  it('keycloak#15237: a key good for the highest level is used at once, no lower level runs first', () => {
    const holdings = { passkeys: [{ backupEligible: false }], hasPassword: true, hasTotp: true, recoveryCodesLeft: 8 };
    const found = plan({
      policy: defaultPolicy,
      requirement: requirementFor(
        defaultPolicy,
        'library',
        request({ claimsAcr: { essential: true, values: [L(4)] } }),
      ),
      evidence: [...person, kinds.counter2],
      events: [],
      offers: offersFor(holdings as never, { population: true, face: true }),
      now,
      interaction: 'here',
    });
    expect(found.kind === 'ways' && found.ways[0]?.steps).toEqual(['passkey']);
  });

  it('keycloak#31534: of several acr_values the first that is held is answered, in the order of the request', () => {
    const answer = (acrValues: string[]) => verdict({ acrValues }, person, [methods.synced]);
    expect(answer([L(3), L(1)])).toMatchObject({ kind: 'met', level: L(3) });
    expect(answer([L(1), L(3)])).toMatchObject({ kind: 'met', level: L(1) });
    expect(answer([L(4), L(2), L(3)])).toMatchObject({ kind: 'met', level: L(2) });
  });

  it('keycloak#25335: who comes by an upstream is worth what it proved, not the lowest level', () => {
    const upstream = evidence({
      kind: 'upstream',
      source: 'singpass',
      strength: 'superior',
      confirmed: ['name', 'document_number'],
    });
    const bridge = event({
      method: 'bridge',
      factors: ['possession', 'inherence'],
      userVerified: true,
      phishingResistant: true,
      interaction: 'here',
    });
    expect(held([upstream], [bridge])).toContain(L(3));
    expect(held([{ ...upstream, strength: 'strong' }], [bridge])).toEqual([L(1), L(2), S]);
  });

  it('keycloak#39813, #42625: a level goes upstream in the provider’s own terms or not at all', () => {
    expect(toExternal(defaultPolicy, L(3), 'singpass')).toBe('urn:singpass:authentication:loa:3');
    expect(toExternal(defaultPolicy, L(1), 'singpass')).toBeNull();
    for (const level of defaultPolicy.levels)
      for (const scheme of ['eidas', 'guangdong', 'singpass'] as const)
        expect(toExternal(defaultPolicy, level.id, scheme)).not.toBe(level.id);
  });

  it('authup’s note of 2026-08-19: what an upstream says is weighed before it counts for anything', () => {
    expect(fromExternal(defaultPolicy, 'singpass', 'urn:singpass:authentication:loa:1')).toBeNull();
    expect(fromExternal(defaultPolicy, 'singpass', L(4))).toBeNull();
    expect(fromExternal(defaultPolicy, 'eidas', 'low')).toMatchObject({ level: L(2) });
    expect(held([evidence({ kind: 'upstream', strength: 'weak', confirmed: ['name'] })], [methods.synced])).toEqual([]);
  });

  it('keycloak discussions/39084: elevation lapses by itself and leaves the lower level', () => {
    const later = (minutes: number) =>
      held([...person, kinds.counter2], [methods.boundHere], new Date(now.getTime() + minutes * 60_000));
    expect(later(0)).toContain(L(4));
    expect(later(15)).not.toContain(L(4));
    expect(later(15)).toContain(L(3));
    expect(later(12 * 60)).toEqual([L(1), L(2)]);
  });

  it('kratos#4317: one factor twice is one factor, whichever codes it comes by', () => {
    expect(held(person, [methods.sms, methods.totp])).toEqual([L(1)]);
    expect(held(person, [methods.totp, { ...methods.totp, id: 'again' }])).toEqual([L(1)]);
    expect(held(person, [methods.password, { ...methods.password, id: 'again' }])).toEqual([L(1)]);
    expect(held(person, [methods.password, methods.totp])).toContain(L(2));
  });

  it('voidauth#361: a passkey without user verification is one factor', () => {
    expect(held(person, [methods.unverified])).toEqual([L(1)]);
    expect(held(person, [methods.unverified, { ...methods.unverified, id: 'again' }])).toEqual([L(1)]);
  });

  it('terraform-provider-keycloak#775: levels are typed data in a file, not one raw attribute', () => {
    const level = defaultPolicy.levels.find(({ id }) => id === L(3));
    expect(level?.identity[0]?.rules[1]).toMatchObject({
      kind: 'face',
      minStrength: 'strong',
      confirms: ['liveness', 'photo'],
    });
  });
});

describe('flaws of others, in the browser', () => {
  let city: TestCity;
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    [city, browser] = await Promise.all([startCity(), launchBrowser()]);
    ({ page } = await newPerson(browser));
    await addAuthenticator(page);
  });
  afterAll(async () => {
    await browser?.close();
    await city?.close();
  });

  it('keycloak#39773, #39770, #40837: registering on the way to level 2 ends at level 2, with a passkey and no other factor', async () => {
    await startSignIn(page, city, 'social-insurance');
    await registerPhone(page, city, '13800138001');
    await createPasskey(page);
    await page.waitForSelector('form[action$="/choose"]');
    expect(await page.locator('input[name=code], input[name=password]').count()).toBe(0);
    await chooseFirstWay(page);
    await proveAgainstRegister(page, '李晓明', '440305198806151219');
    expect(await signedInAcr(page)).toContain('loa:2');
  });

  it('keycloak#16884: an address without acr, or with less, is held to the app’s own level all the same', async () => {
    const { page: other } = await newPerson(browser);
    await addAuthenticator(other);
    await startSignIn(other, city, 'library');
    await registerPhone(other, city, '13800138902');
    await createPasskey(other);
    expect(await signedInAcr(other)).toContain('loa:1');
    await raiseLibrary(city);
    const asked = new URL('/auth', city.issuer);
    asked.search = new URLSearchParams({
      client_id: 'library',
      redirect_uri: `${appUrl(city, 'library')}/callback`,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString();
    for (const acr of [null, L(1), 'phr']) {
      await other.waitForTimeout(acr === null ? 1_100 : 0);
      if (acr !== null) asked.searchParams.set('acr_values', acr);
      await other.goto(asked.href);
      // The step-up page, not the app.
      await other.waitForSelector('form[action$="/choose"]');
    }
    await other.context().close();
  });

  it('keycloak#43968: a page loaded again on the way, and the level asked for again within its age, stay what they were', async () => {
    await startSignIn(page, city, 'housing-fund');
    await page.waitForSelector('form[action$="/consent"]');
    await page.reload();
    await page.reload();
    await page.click('form[action$="/consent"] button[value=allow]');
    expect(await signedInAcr(page)).toContain('loa:2');
    await page.goto(appUrl(city, 'social-insurance'));
    await page.context().clearCookies({ name: /^app/ });
    for (let again = 0; again < 2; again += 1) {
      await page.context().clearCookies({ name: /^app/ });
      await startSignIn(page, city, 'social-insurance');
      expect(await signedInAcr(page)).toContain('loa:2');
    }
  });

  it('keycloak#34577: who lacks what a level needs is offered to get it, not told that a password is wrong', async () => {
    await page.goto(appUrl(city, 'housing-fund'));
    await page.click('#sign-in');
    await page.waitForSelector('#signed-in');
    await page.click('#withdraw');
    await page.waitForSelector('form[action$="/choose"]');
    expect(await page.textContent('main')).not.toMatch(/wrong|incorrect|invalid/i);
    expect(await page.locator('form[action$="/choose"] button[name=way]').count()).toBeGreaterThan(0);
  });

  it('keycloak#51216: phr and phrh are announced and answered', async () => {
    const discovery = await (await fetch(`${city.issuer}/.well-known/openid-configuration`)).json();
    expect(discovery.acr_values_supported).toEqual(expect.arrayContaining(['phr', 'phrh']));
    expect(verdict({ claimsAcr: { essential: true, values: ['phr'] } }, person, [methods.synced])).toMatchObject({
      kind: 'met',
      label: 'phr',
    });
    expect(verdict({ claimsAcr: { essential: true, values: ['phrh'] } }, person, [methods.synced]).kind).toBe('short');
    expect(verdict({ claimsAcr: { essential: true, values: ['phrh'] } }, person, [methods.bound])).toMatchObject({
      label: 'phrh',
    });
  });
});
