import type { KoaContextWithOIDC } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { apiPath, apiResource, apiScope, resourceOf, tokenResource } from '../../src/oidc/api-tokens.ts';

const issuer = 'https://id.example';
const api = 'https://id.example/api/admin/v1';
const bind = (scope: string | undefined, resource?: unknown, kind = 'ClientCredentials') =>
  tokenResource(issuer)({ oidc: { body: { resource } } } as unknown as KoaContextWithOIDC, { kind, scope });

describe('a token for the Admin API', () => {
  it('is for the API at its address, and for nothing else', () => {
    expect([apiScope, apiPath, apiResource(issuer)]).toEqual(['admin', '/api/admin/v1', api]);
    expect(bind('admin', api)).toEqual({ resource: api });
    expect(bind(' admin ', [api])).toEqual({ resource: api });
  });
  it.each<[string, unknown]>([
    ['no resource', undefined],
    ['another one', 'https://id.example'],
    ['a further one', [api, 'https://other.example']],
    ['the same one twice', [api, api]],
    ['none of a list', []],
  ])('is refused with %s', (_what, resource) => {
    expect(() => bind('admin', resource)).toThrow(
      expect.objectContaining({
        error: 'invalid_target',
        error_description: `the scope admin needs the resource ${api}`,
      }),
    );
  });
  it('is refused with a scope beside its own, which it names', () => {
    const refusal = { error: 'invalid_scope', error_description: 'admin is for a token of its own', scope: 'admin x' };
    expect(() => bind('admin x', api)).toThrow(expect.objectContaining(refusal));
  });
  it.each(['other', '', undefined])('is not to be had by the scope %j', (scope) => {
    const refusal = { error: 'invalid_target', error_description: 'this resource needs the scope admin' };
    expect(() => bind(scope, api)).toThrow(expect.objectContaining(refusal));
    expect(() => bind(scope, ['https://other.example', api])).toThrow(expect.objectContaining(refusal));
    expect(bind(scope, 'https://other.example')).toBeUndefined();
    expect(bind(scope)).toBeUndefined();
  });
  it('no token of a person is one', () => expect(bind('admin', api, 'AccessToken')).toBeUndefined());
});

it('a token says which resource it is for, by text or not at all', () => {
  expect(resourceOf({ extra: { resource: api } })).toBe(api);
  for (const extra of [undefined, {}, { resource: [api] }, { resource: null }])
    expect(resourceOf({ extra })).toBeNull();
});
