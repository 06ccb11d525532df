import { describe, expect, it } from 'vitest';
import { acrRequest, requestedRelease } from '../../src/oidc/request.ts';

const nothing = { acrValues: [], prompt: [], scopes: [], resources: [], actions: [] };
const asked = (claims: unknown) => acrRequest({ claims: typeof claims === 'string' ? claims : JSON.stringify(claims) });

describe('what a request asks of the level', () => {
  it('nothing, where it says nothing', () => expect(acrRequest({})).toEqual(nothing));

  it.each([
    ['acr_values', 'acrValues'],
    ['prompt', 'prompt'],
    ['scope', 'scopes'],
    ['resource', 'resources'],
    ['action', 'actions'],
  ])('%s, in the order asked, however many blanks are between', (parameter, member) => {
    expect(acrRequest({ [parameter]: ' one  two ' })).toEqual({ ...nothing, [member]: ['one', 'two'] });
    for (const odd of [undefined, null, 7, ['one']]) expect(acrRequest({ [parameter]: odd })).toEqual(nothing);
  });

  it.each<[unknown, number | undefined]>([
    ['0', 0],
    [0, 0],
    ['300', 300],
    [3600, 3600],
    ['', undefined],
    [undefined, undefined],
    ['soon', undefined],
    ['Infinity', undefined],
  ])('max_age %j: %s', (given, maxAge) =>
    expect(acrRequest({ max_age: given })).toEqual(maxAge === undefined ? nothing : { ...nothing, maxAge }),
  );

  it.each<[unknown, { essential: boolean; values: string[] } | undefined]>([
    [{ id_token: { acr: {} } }, { essential: false, values: [] }],
    [{ id_token: { acr: { value: 'a' } } }, { essential: false, values: ['a'] }],
    [{ id_token: { acr: { essential: true, values: ['a', 'b'] } } }, { essential: true, values: ['a', 'b'] }],
    [{ id_token: { acr: { essential: false, value: 'a' } } }, { essential: false, values: ['a'] }],
    [{ id_token: { acr: { values: ['a'], value: 'b' } } }, { essential: false, values: ['a'] }],
    [{ id_token: { acr: null } }, undefined],
    [{ id_token: {} }, undefined],
    [{ userinfo: { acr: { value: 'a' } } }, undefined],
    [{ id_token: { acr: { essential: 'yes' } } }, undefined],
    [{ id_token: { acr: { values: 'a' } } }, undefined],
    [null, undefined],
    ['{', undefined],
    ['', undefined],
  ])('claims %j: %j', (claims, acr) =>
    expect(asked(claims)).toEqual(acr === undefined ? nothing : { ...nothing, claimsAcr: acr }),
  );

  it('claims that are no text are none', () => {
    const acr = { id_token: { acr: { value: 'a' } } };
    for (const claims of [acr, [JSON.stringify(acr)]]) expect(acrRequest({ claims })).toEqual(nothing);
  });
});

describe('claims that a request names', () => {
  const names = (claims: unknown) => requestedRelease({ claims: JSON.stringify(claims) }).claims;
  it('are those of every place, each once and as it leaves', () => {
    const acr = { essential: true };
    const userinfo = { name: null, verified_claims: { verification: {}, claims: { birthdate: {} } } };
    expect(names({ id_token: { name: null, acr }, userinfo })).toEqual(['name', 'verified_claims.birthdate']);
  });
  it('are not those that say how the person signed in', () => {
    const own = ['sub', 'sid', 'auth_time', 'acr', 'amr', 'iss', 'assurance'];
    expect(names({ id_token: Object.fromEntries(own.map((name) => [name, null])) })).toEqual([]);
  });
  it.each([['nothing'], [null], [7], [[]], [{ id_token: null, userinfo: 'name' }]])('%j names none', (claims) =>
    expect(names(claims)).toEqual([]),
  );
  it('and none are in what is no JSON, or no text; a scope that is no text is none', () => {
    for (const claims of ['{', undefined, { userinfo: { name: null } }, ['{"userinfo":{"name":null}}']])
      expect(requestedRelease({ claims, scope: 7 })).toEqual({ scopes: [], claims: [] });
  });
});
