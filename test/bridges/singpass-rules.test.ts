import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SingpassCity, startSingpass } from './singpass-support.ts';

/** What the simulator refuses, spoken to without the bridge: it has to be as strict as the real one, or it proves nothing. */
let city: SingpassCity;
let app: { id: string; key: JWK };
let pair: CryptoKeyPair;
beforeAll(async () => {
  city = await startSingpass();
  const { clientId = '', keys = '' } = city.settings();
  app = { id: clientId, key: JSON.parse(keys).keys.find((key: JWK) => key.use === 'sig') };
  pair = await generateKeyPair('ES256', { extractable: true });
});
afterAll(() => city.close());

type Claims = Record<string, unknown>;
const now = () => Math.floor(Date.now() / 1000);

async function assertion(claims: Claims = {}, header: Claims = {}): Promise<string> {
  const key = await importJWK(app.key, 'ES256');
  const plain = { iss: app.id, sub: app.id, aud: city.issuer, iat: now(), exp: now() + 120, jti: randomUUID() };
  return new SignJWT({ ...plain, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: app.key.kid ?? '', ...header })
    .sign(key);
}

async function proof(path: string, claims: Claims = {}, { keys = pair, header = {} as Claims, method = 'POST' } = {}) {
  const { kty, crv, x, y } = await exportJWK(keys.publicKey);
  const plain = { htm: method, htu: `${city.issuer}${path}`, iat: now(), exp: now() + 120, jti: randomUUID() };
  return new SignJWT({ ...plain, ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } as JWK, ...header })
    .sign(keys.privateKey);
}

const verifier = 'v'.repeat(43);
const good = () => ({
  response_type: 'code',
  client_id: app.id,
  redirect_uri: 'http://localhost:1/callback',
  scope: 'openid user.identity name',
  state: 's'.repeat(30),
  nonce: 'n'.repeat(30),
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
  authentication_context_type: 'APP_AUTHENTICATION_DEFAULT',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
});

async function post(path: string, fields: Record<string, string | null>, dpop: string | null) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== null) body.set(name, value);
  const headers: Record<string, string> = dpop === null ? {} : { dpop };
  const response = await fetch(city.issuer + path, { method: 'POST', body, headers });
  return { status: response.status, body: await response.json() };
}
const par = async (fields: Record<string, string | null> = {}, dpop?: string | null) =>
  post(
    '/par',
    { ...good(), client_assertion: await assertion(), ...fields },
    dpop === undefined ? await proof('/par') : dpop,
  );

async function codeOf(fields: Record<string, string | null> = {}) {
  const { body } = await par(fields);
  const url = `${city.issuer}/auth?${new URLSearchParams({ client_id: app.id, request_uri: body.request_uri })}`;
  return { url, code: (await city.visit(url, 'tan-wei-ming')).searchParams.get('code') ?? '' };
}
const exchange = async (code: string, fields: Record<string, string | null> = {}, dpop?: string | null) =>
  post(
    '/token',
    {
      grant_type: 'authorization_code',
      code,
      client_id: app.id,
      redirect_uri: 'http://localhost:1/callback',
      code_verifier: verifier,
      client_assertion_type: good().client_assertion_type,
      client_assertion: await assertion(),
      ...fields,
    },
    dpop === undefined ? await proof('/token') : dpop,
  );

it('a request as it should be', async () => {
  expect(await par()).toMatchObject({ status: 201, body: { expires_in: 60 } });
  expect(await exchange((await codeOf()).code)).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
  // The key may be named instead of used.
  const jkt = 'x'.repeat(43);
  expect(await par({ dpop_jkt: jkt }, null)).toMatchObject({ status: 201 });
  const { code } = await codeOf({ dpop_jkt: jkt });
  expect((await exchange(code)).status).toBe(200);
});

describe('invalid_client: assertions', () => {
  const spoilt: Readonly<Record<string, () => Promise<string>>> = {
    'none at all': async () => '',
    'lives 121 seconds': () => assertion({ exp: now() + 121 }),
    expired: () => assertion({ iat: now() - 150, exp: now() - 90 }),
    'from the future': () => assertion({ iat: now() + 90, exp: now() + 120 }),
    'without iat': () => assertion({ iat: undefined }),
    'without jti': () => assertion({ jti: undefined }),
    'for the endpoint instead of the issuer': () => assertion({ aud: `${city.issuer}/token` }),
    'for several': () => assertion({ aud: [city.issuer] }),
    'of another app': () => assertion({ iss: 'x'.repeat(32) }),
    'about another app': () => assertion({ sub: 'x'.repeat(32) }),
    'without typ': () => assertion({}, { typ: undefined }),
    'key unknown': () => assertion({}, { kid: 'unknown' }),
    'with a secret': () =>
      new SignJWT({ iss: app.id, sub: app.id, aud: city.issuer, iat: now(), exp: now() + 60, jti: randomUUID() })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: app.key.kid ?? '' })
        .sign(new TextEncoder().encode('s'.repeat(32))),
    'by another key': async () => `${(await assertion()).split('.', 2).join('.')}.${'A'.repeat(86)}`,
  };
  it.each(Object.entries(spoilt))('%s', async (_name, make) => {
    expect(await par({ client_assertion: await make() })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });
  it('a second time, here or there', async () => {
    const once = await assertion();
    expect((await par({ client_assertion: once })).status).toBe(201);
    expect(await par({ client_assertion: once })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await exchange('any', { client_assertion: once })).toMatchObject({ body: { error: 'invalid_client' } });
  });
});

describe('invalid_dpop_proof', () => {
  const spoilt: Readonly<Record<string, () => Promise<string | null>>> = {
    missing: async () => null,
    'of another endpoint': () => proof('/token'),
    'of another method': () => proof('/par', { htm: 'GET' }),
    'without exp': () => proof('/par', { exp: undefined }),
    'lives 121 seconds': () => proof('/par', { exp: now() + 121 }),
    old: () => proof('/par', { iat: now() - 200, exp: now() - 100 }),
    'without jti': () => proof('/par', { jti: undefined }),
    'of another typ': () => proof('/par', {}, { header: { typ: 'JWT' } }),
    'without its key': () => proof('/par', {}, { header: { jwk: undefined } }),
    'with its private key': async () => {
      const jwk = await crypto.subtle.exportKey('jwk', pair.privateKey);
      return proof('/par', {}, { header: { jwk } });
    },
  };
  it.each(Object.entries(spoilt))('%s', async (_name, make) => {
    expect(await par({}, await make())).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
  });
  it('a second time', async () => {
    const once = await proof('/par');
    expect((await par({}, once)).status).toBe(201);
    expect(await par({}, once)).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
  });
  it('the token call with another key, or none', async () => {
    const other = await generateKeyPair('ES256', { extractable: true });
    const refusal = { status: 400, body: { error: 'invalid_dpop_proof' } };
    expect(await exchange((await codeOf()).code, {}, await proof('/token', {}, { keys: other }))).toMatchObject(
      refusal,
    );
    expect(await exchange((await codeOf()).code, {}, null)).toMatchObject(refusal);
  });
});

describe('invalid_request, invalid_scope: what is pushed', () => {
  it.each<[string, Record<string, string | null>]>([
    ['response_type', { response_type: 'token' }],
    ['state too short', { state: 's'.repeat(29) }],
    ['state too long', { state: 's'.repeat(256) }],
    ['state of other signs', { state: `${'s'.repeat(30)}!` }],
    ['nonce missing', { nonce: null }],
    ['redirect_uri by number', { redirect_uri: 'http://127.0.0.1:1/callback' }],
    ['redirect_uri of another host', { redirect_uri: 'https://evil.example/callback' }],
    ['redirect_uri of an app', { redirect_uri: 'shimin://localhost/callback' }],
    ['PKCE plain', { code_challenge_method: 'plain' }],
    ['PKCE missing', { code_challenge: null }],
    ['context missing', { authentication_context_type: null }],
    ['context unknown', { authentication_context_type: 'APP_CURIOSITY_DEFAULT' }],
    ['message too long', { authentication_context_message: 'm'.repeat(101) }],
    ['level unknown', { acr_values: 'urn:shimin:loa:3' }],
    ['a request_uri', { request_uri: 'urn:x' }],
  ])('%s', async (_name, fields) => {
    expect(await par(fields)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });
  it.each(['user.identity', 'openid uinfin'])('scope %s', async (scope) => {
    expect(await par({ scope })).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
  });
  it('Myinfo apps tell no context, and no level without being allowed to', async () => {
    const loginId = app.id;
    const myinfo = { client_id: 'ShiminMyinfoAppOfTheDemoCity0001', scope: 'openid name' };
    app = { ...app, id: myinfo.client_id };
    expect(await par(myinfo)).toMatchObject({ body: { error: 'invalid_request' } });
    expect((await par({ ...myinfo, authentication_context_type: null })).status).toBe(201);
    const level = { ...myinfo, authentication_context_type: null, acr_values: 'urn:singpass:authentication:loa:3' };
    expect(await par(level)).toMatchObject({ body: { error: 'invalid_request' } });
    app = { ...app, id: loginId };
  });
});

describe('the browser and the code', () => {
  it('only a pushed request, alone, by its own app, once', async () => {
    const { url } = await codeOf();
    const error = (await city.visit(url, 'tan-wei-ming')).searchParams;
    expect(Object.fromEntries(error)).toEqual({
      error: 'invalid_request_uri',
      state: 's'.repeat(30),
      iss: city.issuer,
    });
    const page = async (address: string) => (await fetch(address, { redirect: 'manual' })).status;
    const { body } = await par();
    const fresh = `${city.issuer}/auth?${new URLSearchParams({ client_id: app.id, request_uri: body.request_uri })}`;
    expect(await page(`${fresh}&scope=openid`)).toBe(400);
    expect(await page(fresh.replace(app.id, 'x'.repeat(32)))).toBe(400);
    expect(await page(`${city.issuer}/auth?${new URLSearchParams(good())}`)).toBe(400);
    expect(await page(fresh)).toBe(200);
    expect(await (await fetch(fresh)).text()).toContain('value="tan-wei-ming"');
  });
  it.each<[string, Record<string, string>]>([
    ['verifier', { code_verifier: 'w'.repeat(43) }],
    ['redirect_uri', { redirect_uri: 'http://localhost:1/other' }],
    ['code', { code: 'unknown' }],
  ])('another %s is invalid_grant', async (_name, fields) => {
    const { code } = await codeOf();
    expect(await exchange(code, fields)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
  it('a code once, and no other grant', async () => {
    const { code } = await codeOf();
    expect((await exchange(code)).status).toBe(200);
    expect(await exchange(code)).toMatchObject({ body: { error: 'invalid_grant' } });
    expect(await exchange(code, { grant_type: 'refresh_token' })).toMatchObject({
      body: { error: 'unsupported_grant_type' },
    });
  });
  it('userinfo is not for Login apps, nor for bearers', async () => {
    const { body } = await exchange((await codeOf()).code);
    const ath = createHash('sha256').update(body.access_token).digest('base64url');
    const ask = async (authorization: string) => {
      const dpop = await proof('/userinfo', { ath }, { method: 'GET' });
      return (await fetch(`${city.issuer}/userinfo`, { headers: { authorization, dpop } })).status;
    };
    expect(await ask(`DPoP ${body.access_token}`)).toBe(401);
    expect(await ask(`Bearer ${body.access_token}`)).toBe(401);
  });
});
