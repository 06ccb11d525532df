import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import keys from '../../simulators/apps/demo-keys.json' with { type: 'json' };
import { addAuthenticator, launchBrowser, newPerson, type Person } from '../support/browser.ts';
import { startCity, type TestCity } from '../support/city.ts';
import {
  allowConsent,
  appUrl,
  chooseFirstWay,
  createPasskey,
  proveAgainstRegister,
  registerPhone,
  startSignIn,
} from '../support/journey.ts';

const LOA = (level: number) => `urn:singpass:authentication:loa:${level}`;

let city: TestCity;
let browser: Browser;
let li: Person;
beforeAll(async () => {
  [city, browser] = await Promise.all([startCity(), launchBrowser()]);
  li = await newPerson(browser);
  await addAuthenticator(li.page);
});
afterAll(async () => {
  await browser?.close();
  await city?.close();
});

/** One value of the app's table of what it was given. */
const field = (table: string, name: string) =>
  li.page.textContent(`#${table} tr[data-field="${name}"] td`).then((text) => text?.trim());

describe('an app that was built for Singpass signs its people in with Shimin', () => {
  it('asks for loa:2 in its own words and is answered in them, encrypted, with a token bound to its key', async () => {
    const { page } = li;
    await startSignIn(page, city, 'singapore');
    // The request went from server to server: nothing of it passes through the browser.
    await registerPhone(page, city, '13800138001');
    await createPasskey(page);
    await chooseFirstWay(page);
    await proveAgainstRegister(page, '李晓明', '440305198806151219');
    await allowConsent(page);
    await page.waitForSelector('#signed-in');
    expect(await page.textContent('#acr')).toBe(LOA(2));
    expect(await page.textContent('#name')).toBe('李晓明');
    expect(await field('id-token-header', 'alg')).toBe('ECDH-ES+A256KW');
    expect(await field('id-token-header', 'enc')).toBe('A256CBC-HS512');
    expect((await field('token-response', 'token_type'))?.toLowerCase()).toBe('dpop');
    // Userinfo came by the same key, and says the level in the same words.
    expect(await field('userinfo-response', 'acr')).toBe(LOA(2));
    expect(await page.content()).not.toContain('id="refresh"');
  });

  it('asks for loa:3: the person shows their face, and the name is still its own', async () => {
    const { page } = li;
    await page.click('#step-up');
    await chooseFirstWay(page);
    await page.click('form[action$="/prove/face/start"] button');
    await page.click('button[value=me]');
    await page.waitForSelector('#signed-in');
    expect(await page.textContent('#acr')).toBe(LOA(3));
    // Asked for less, it is told less; and in silence.
    await page.goto(`${appUrl(city, 'singapore')}/sign-in?prompt=none`);
    expect(await page.textContent('#acr')).toBe(LOA(2));
  });

  it('reads the back-channel logout, which only it can', async () => {
    const { page } = li;
    await startSignIn(page, city, 'library');
    await page.waitForSelector('#signed-in');
    await page.click('#sign-out');
    await page.click('form button[name=logout]');
    await page.waitForURL(`${appUrl(city, 'library')}/**`);
    await page.goto(appUrl(city, 'singapore'));
    await page.waitForSelector('#sign-in');
  });
});

describe('and cannot do with less', () => {
  type Claims = Record<string, unknown>;
  const now = () => Math.floor(Date.now() / 1000);
  const assertion = async (claims: Claims = {}) =>
    new SignJWT({ iss: 'singapore', sub: 'singapore', aud: city.issuer, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: keys.singapore.kid })
      .setIssuedAt()
      .setExpirationTime(Number(claims.exp ?? now() + 60))
      .sign(await importJWK(keys.singapore, 'ES256'));
  async function proof(path: string) {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const { kty, crv, x, y } = await exportJWK(pair.publicKey);
    return new SignJWT({ htm: 'POST', htu: `${city.issuer}${path}`, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: JSON.parse(JSON.stringify({ kty, crv, x, y })) })
      .setIssuedAt()
      .sign(pair.privateKey);
  }
  const request = () => ({
    client_id: 'singapore',
    response_type: 'code',
    scope: 'openid profile',
    redirect_uri: `${appUrl(city, 'singapore')}/callback`,
    state: 's'.repeat(30),
    nonce: 'n'.repeat(30),
    code_challenge: createHash('sha256').update(randomBytes(8)).digest('base64url'),
    code_challenge_method: 'S256',
    acr_values: LOA(3),
    authentication_context_type: 'APP_AUTHENTICATION_DEFAULT',
  });
  async function push(more: Record<string, string>, dpop: string | null, signed?: string) {
    const body = new URLSearchParams({
      ...request(),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: signed ?? (await assertion()),
      ...more,
    });
    const headers: Record<string, string> = dpop === null ? {} : { dpop };
    const response = await fetch(`${city.issuer}/request`, { method: 'POST', body, headers });
    return { status: response.status, body: await response.json() };
  }

  it('a good request is taken', async () => {
    expect(await push({}, await proof('/request'))).toMatchObject({ status: 201, body: { expires_in: 60 } });
    expect(await push({ dpop_jkt: 'x'.repeat(43) }, null)).toMatchObject({ status: 201 });
  });
  it('pushed without a key to bind to, or with a proof for another call', async () => {
    expect(await push({}, null)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
    expect(await push({}, await proof('/token'))).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
  });
  it('an assertion for another address, or one that lives too long', async () => {
    const refusal = { status: 401, body: { error: 'invalid_client' } };
    const forEndpoint = await assertion({ aud: `${city.issuer}/token` });
    expect(await push({}, await proof('/request'), forEndpoint)).toMatchObject(refusal);
    expect(await push({}, await proof('/request'), await assertion({ exp: now() + 200 }))).toMatchObject(refusal);
    const once = await assertion();
    expect((await push({}, await proof('/request'), once)).status).toBe(201);
    expect(await push({}, await proof('/request'), once)).toMatchObject(refusal);
  });
  it('levels asked for in a second way, or by no way that is pushed', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: LOA(3) } } });
    expect(await push({ claims }, await proof('/request'))).toMatchObject({ body: { error: 'invalid_request' } });
    const plain = new URL(`${city.issuer}/auth?${new URLSearchParams(request())}`);
    const response = await fetch(plain, { redirect: 'manual' });
    const back = new URL(response.headers.get('location') ?? '', city.issuer);
    expect(back.searchParams.get('error')).toBe('invalid_request');
  });
  it('a secret instead of a key', async () => {
    const body = new URLSearchParams({ ...request(), client_secret: 'anything' });
    const response = await fetch(`${city.issuer}/request`, { method: 'POST', body });
    expect(response.status).toBe(401);
  });
});
