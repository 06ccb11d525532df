import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/commands/throttles.ts';
import { blindIndex } from '../../src/lib/crypto.ts';
import { findApp, saveApp } from '../../src/storage/apps.ts';
import { accessToken } from '../signals/support.ts';
import { type Api, base, entryOf, openApi } from './support.ts';

let api: Api;
let id: string;

beforeAll(async () => {
  api = await openApi('sqlite');
  id = await api.register(['auditor']);
});
afterAll(() => api?.close());

const token = async (more: Record<string, string> = {}): Promise<string> =>
  (await api.token(id, more)).body.access_token;
const ask = async (value: string | null) => api.with(value)('get', '/staff');

describe('tokens', () => {
  it('are given for the resource and the scope, and for nothing beside it', async () => {
    const given = await api.token(id);
    expect(given.body).toMatchObject({ token_type: 'Bearer', scope: 'admin', expires_in: 600 });
    const wrong = async (more: Record<string, string>) => (await api.token(id, more)).body.error;
    expect(await wrong({ resource: 'https://elsewhere.example' })).toBe('invalid_target');
    expect(await wrong({ scope: 'admin ssf.read' })).toBe('invalid_scope');
    expect(await wrong({ scope: 'ssf.read' })).toBe('invalid_target');
    expect(await wrong({ scope: 'admin profile' })).toBe('invalid_scope');
    const without = await fetch(`${api.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${id}:receiver-secret-receiver-secret-receiver-secret`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'admin' }),
    });
    expect(await without.json()).toMatchObject({ error: 'invalid_target' });
  });

  it('are not given to an app that was not registered for the scope', async () => {
    const plain = await api.register([], { scope: 'openid' });
    expect((await api.token(plain)).body.error).toBe('invalid_scope');
  });

  it('come by private_key_jwt as well', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
    const robot = await api.register(['auditor'], {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      client_secret: undefined,
    });
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(robot)
      .setSubject(robot)
      .setAudience(api.issuer)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
    const response = await fetch(`${api.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'admin',
        resource: `${api.issuer}${base}`,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    });
    const { access_token: value } = await response.json();
    expect((await ask(value)).status).toBe(200);
  });
});

describe('at the door', () => {
  it('says what is needed where nothing came, and what is wrong where something did', async () => {
    const nothing = await ask(null);
    expect(entryOf(nothing)).toEqual({ status: 401, code: 'token_missing' });
    expect(nothing.headers.get('www-authenticate')).toBe('Bearer realm="admin-api", scope="admin"');
    expect(nothing.headers.get('content-type')).toBe('application/problem+json');
    expect(nothing.body.instance).toBe(`urn:shimin:request:${nothing.headers.get('x-request-id')}`);
    const wrong = await ask('x'.repeat(43));
    expect(entryOf(wrong)).toEqual({ status: 401, code: 'invalid_token' });
    expect(wrong.headers.get('www-authenticate')).toBe(
      'Bearer realm="admin-api", scope="admin", error="invalid_token"',
    );
    for (const authorization of ['Basic abc', 'Bearer', 'Bearer a b', `Bearer ${'x'.repeat(5_000)}`]) {
      const answer = await api.with(null)('get', '/staff', { headers: { authorization } });
      expect(entryOf(answer)).toEqual({ status: 401, code: 'invalid_token' });
    }
  });

  it('takes a token from the header only', async () => {
    const value = await token();
    expect((await api.with(null)('get', `/staff?access_token=${value}`)).status).toBe(401);
  });

  it('takes no token that was given for something else', async () => {
    const other = await accessToken(api.issuer, id, 'ssf.read');
    const answer = await ask(other);
    expect(entryOf(answer)).toEqual({ status: 403, code: 'insufficient_scope' });
    expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    // And the other way round.
    const streams = await fetch(`${api.issuer}/ssf/stream`, { headers: { authorization: `Bearer ${await token()}` } });
    expect(streams.status).toBe(403);
  });

  it('takes no token that is bound to another resource, revoked or too old', async () => {
    const value = await token();
    expect((await ask(value)).status).toBe(200);
    const form = new URLSearchParams({ token: value });
    const secret = btoa(`${id}:receiver-secret-receiver-secret-receiver-secret`);
    await fetch(`${api.issuer}/token/revocation`, {
      method: 'POST',
      headers: { authorization: `Basic ${secret}` },
      body: form,
    });
    expect(entryOf(await ask(value))).toEqual({ status: 401, code: 'invalid_token' });
  });

  it('lets an app in no more, at once, when it is switched off', async () => {
    const robot = await api.register(['auditor']);
    const { access_token: value } = (await api.token(robot)).body;
    expect((await ask(value)).status).toBe(200);
    const app = await findApp(api.db, robot);
    if (!app) throw new Error('no app');
    await saveApp(api.db, { ...app, metadata: { ...app.metadata, shimin_disabled: true } });
    expect(entryOf(await ask(value))).toEqual({ status: 401, code: 'invalid_token' });
  });

  it('answers what is not there with problems too', async () => {
    const robot = api.with(await token());
    expect(entryOf(await robot('get', '/nothing/here'))).toEqual({ status: 404, code: 'not_found' });
    const wrong = await robot('delete', '/staff');
    expect(entryOf(wrong)).toEqual({ status: 405, code: 'method_not_allowed' });
    expect(wrong.headers.get('allow')).toBe('GET');
    const cross = await robot('options', '/staff', { headers: { origin: 'https://evil.example' } });
    expect(cross.status).toBe(405);
    expect([...cross.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('has enough of one app after a while, and not of the others', async () => {
    const robot = await api.register(['auditor']);
    const { access_token: value } = (await api.token(robot)).body;
    const now = Date.now();
    const row = { hits: limits.apiClient.limit, window_ends_at: now + 60_000, locked_until: 0 };
    const bucket = `apiClient:${blindIndex(api.deps.keyring, 'throttle', robot)}`;
    await api.db('throttles').insert({ bucket, ...row });
    const answer = await ask(value);
    expect(entryOf(answer)).toEqual({ status: 429, code: 'too_many_requests' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(await token())).status).toBe(200);
  });
});
