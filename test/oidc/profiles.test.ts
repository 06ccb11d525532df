import { Provider } from 'oidc-provider';
import { expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import clients from '../../simulators/apps/clients.json' with { type: 'json' };
import { generateSigningJwk } from '../../src/lib/jwk.ts';
import { metadataFault } from '../../src/oidc/clients.ts';
import { fapiOf, levelNames, profileFault, underProfile } from '../../src/oidc/profiles.ts';

const guest = clients.find(({ client_id: id }) => id === 'singapore');
const provider = new Provider('http://localhost:1', {
  extraClientMetadata: { properties: ['shimin_profile'], validator: (_ctx, name, value) => profileFault(name, value) },
  jwks: { keys: [await generateSigningJwk('ES256')] },
  enabledJWA: {
    idTokenEncryptionAlgValues: ['ECDH-ES+A256KW'],
    idTokenEncryptionEncValues: ['A256CBC-HS512'],
    userinfoEncryptionAlgValues: ['ECDH-ES+A256KW'],
    userinfoEncryptionEncValues: ['A256GCM'],
    idTokenSigningAlgValues: ['ES256'],
    userinfoSigningAlgValues: ['ES256'],
    clientAuthSigningAlgValues: ['ES256'],
  },
  features: { encryption: { enabled: true }, jwtUserinfo: { enabled: true }, devInteractions: { enabled: false } },
  scopes: ['openid', 'profile'],
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: () => 'x',
});
const client = async (more: object = {}) => {
  const { names: _, purpose: __, ...metadata } = JSON.parse(JSON.stringify({ ...guest, ...more }));
  return metadata;
};

it('what the profile settles holds whatever was registered', async () => {
  const lax = await client({
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: 's'.repeat(43),
    grant_types: ['authorization_code', 'refresh_token'],
    require_pushed_authorization_requests: false,
    dpop_bound_access_tokens: false,
    id_token_encrypted_response_alg: undefined,
  });
  expect(underProfile(lax)).toMatchObject({
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['authorization_code'],
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
    id_token_encrypted_response_alg: 'ECDH-ES+A256KW',
  });
  expect(underProfile(lax)).not.toHaveProperty('client_secret');
  const ordinary = { client_id: 'library', client_secret: 'x' };
  expect(underProfile(ordinary)).toBe(ordinary);
});

it('an admin is told of an app that could not sign in: an unknown profile, no keys', async () => {
  expect(metadataFault(provider, await client())).toBeNull();
  expect(metadataFault(provider, await client({ shimin_profile: 'corppass' }))).toMatch(
    /shimin_profile must be one of/,
  );
  expect(metadataFault(provider, await client({ jwks: undefined }))).toMatch(/jwks/);
});

it('levels have the app’s names, both ways, and only for such an app', async () => {
  const made: unknown = Reflect.construct(provider.Client, [underProfile(await client())]);
  if (!(made instanceof provider.Client)) throw new Error('no client');
  const names = levelNames(made, defaultPolicy);
  const loa = (level: number) => `urn:singpass:authentication:loa:${level}`;
  expect([1, 2, 3].map((level) => names.in(loa(level)))).toEqual([loa(1), 'urn:shimin:loa:2', 'urn:shimin:loa:3']);
  expect([1, 2, 3, 4].map((level) => names.out(`urn:shimin:loa:${level}`))).toEqual([
    'urn:shimin:loa:1',
    loa(2),
    loa(3),
    loa(3),
  ]);
  expect(names.in(undefined)).toBeUndefined();
  expect(fapiOf(made)).toBe('2.0');
  expect(fapiOf(undefined)).toBeUndefined();
  expect(levelNames(undefined, defaultPolicy).out('urn:shimin:loa:3')).toBe('urn:shimin:loa:3');
});
