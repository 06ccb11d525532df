import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { generateSigningJwk } from '../../src/lib/jwk.ts';
import { asRegistered, ifRegistered, narrowGrants, scopesNow } from '../../src/oidc/app-now.ts';

const provider = new Provider('http://localhost:1', {
  jwks: { keys: [await generateSigningJwk('ES256')] },
  scopes: ['openid', 'profile', 'phone'],
  clients: [
    {
      ...{ client_id: 'app', client_secret: 's'.repeat(43), id_token_signed_response_alg: 'ES256' },
      ...{ redirect_uris: ['https://app.example/back'], scope: 'openid profile' },
    },
    {
      ...{ client_id: 'bare', client_secret: 's'.repeat(43), id_token_signed_response_alg: 'ES256' },
      redirect_uris: ['https://bare.example/back'],
    },
  ],
  features: { devInteractions: { enabled: false } },
});
narrowGrants(provider);
const clientOf = async (id: string) => {
  const client = await provider.Client.find(id);
  if (!client) throw new Error(`no ${id}`);
  return client;
};
const [app, bare] = [await clientOf('app'), await clientOf('bare')];
/** What the engine hands over of a request, as far as it is looked at. */
const request = (client: typeof app | undefined, params?: Record<string, unknown>) =>
  ({ oidc: { client, params } }) as unknown as KoaContextWithOIDC;

describe('scopes that an app has still', () => {
  it.each([
    ['openid profile', 'openid profile'],
    ['profile phone openid', 'profile openid'],
    ['phone', ''],
    ['', ''],
    [undefined, undefined],
  ])('%j: %j', (given, left) => expect(scopesNow(app, given)).toBe(left));
  it('of an app with none of its own: openid', () => expect(scopesNow(bare, 'openid profile')).toBe('openid'));
  it('without an app nothing is taken away', () => expect(scopesNow(undefined, 'phone')).toBe('phone'));
});

describe('what a request was answered with', () => {
  const find = asRegistered((_ctx, sub: string, source?: { scope?: string; redirectUri?: string }) =>
    Promise.resolve({ sub, scope: source?.scope }),
  );
  it('is good for scopes that its app has now, and the token made of it keeps to them', async () => {
    const source = { scope: 'openid profile phone', redirectUri: 'https://app.example/back' };
    expect(await find(request(app), 'me', source)).toEqual({ sub: 'me', scope: 'openid profile' });
    expect(source.scope).toBe('openid profile');
  });
  it('is good for nothing where the address was taken from its app', async () => {
    expect(await find(request(app), 'me', { redirectUri: 'https://app.example/gone' })).toBeUndefined();
  });
  it('is good without an address, where it had none, and where no app asks', async () => {
    expect(await find(request(app), 'me', { scope: 'openid' })).toEqual({ sub: 'me', scope: 'openid' });
    const [foreign, nobody] = [{ scope: 'phone', redirectUri: 'https://x.example' }, undefined];
    expect(await find(request(undefined), 'me', foreign)).toEqual({ sub: 'me', scope: 'phone' });
    expect(await find(request(app), 'me', nobody)).toEqual({ sub: 'me', scope: undefined });
  });
});

describe('a request that waits', () => {
  const load = ifRegistered(() => Promise.resolve('loaded'));
  const uri = 'https://app.example/back';
  it.each([[{ redirect_uri: uri, scope: 'openid profile' }], [{ redirect_uri: uri }], [{ scope: 'openid' }], [{}]])(
    '%j goes on',
    async (params) => expect(await load(request(app, params))).toBe('loaded'),
  );
  it('goes on where there is no app or nothing was asked', async () => {
    expect(await load(request(undefined, { scope: 'phone' }))).toBe('loaded');
    expect(await load(request(app))).toBe('loaded');
  });
  it('ends where its address was taken away', async () => {
    await expect(load(request(app, { redirect_uri: `${uri}/gone`, scope: 'openid' }))).rejects.toThrow(
      errors.InvalidRedirectUri,
    );
  });
  it('ends where a scope was taken away, and says which', async () => {
    await expect(load(request(app, { redirect_uri: uri, scope: 'openid phone x' }))).rejects.toMatchObject({
      ...{ error: 'invalid_scope', error_description: 'requested scope is not allowed', scope: 'phone x' },
    });
  });
});

it('a grant says no more than what its app is registered for', async () => {
  const grant = new provider.Grant({ accountId: 'me', clientId: 'app' });
  grant.addOIDCScope('openid profile phone');
  const found = await provider.Grant.find(await grant.save());
  const scopes = new Set(['openid', 'profile', 'phone']);
  const filtered = (of: unknown) => Reflect.get(Object(of), 'getOIDCScopeFiltered').call(of, scopes);
  expect(filtered(found)).toBe('openid profile');
  // One that was not looked up has no app yet.
  expect(filtered(grant)).toBe('openid profile phone');
  expect(await provider.Grant.find('none')).toBeUndefined();
});
