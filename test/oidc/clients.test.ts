import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clientDefaults, retiringMatches, secretMatches } from '../../src/oidc/clients.ts';

const stored = (secret: string) => `sha256.${hash('sha256', secret, 'base64url')}`;
const now = new Date('2026-11-30T00:00:00Z');

describe('the secret of an app', () => {
  it('is the one whose hash is stored', () => expect(secretMatches('right', stored('right'))).toBe(true));
  it.each([
    ['another', stored('right')],
    ['right', ''],
    ['right', `${stored('right')}x`],
    ['right', stored('right').replace('sha256.', 'sha512.')],
    ['right', 'right'],
    [stored('right'), stored('right')],
  ])('is not %s where %s is stored', (actual, known) => expect(secretMatches(actual, known)).toBe(false));

  it('before the last rotation is good until its end, and no longer', () => {
    const retiring = { hash: stored('old'), until: now.getTime() + 1 };
    expect(retiringMatches('old', retiring, now)).toBe(true);
    expect(retiringMatches('new', retiring, now)).toBe(false);
    expect(retiringMatches('old', { ...retiring, until: now.getTime() }, now)).toBe(false);
    for (const odd of [undefined, null, {}, { hash: stored('old') }, { ...retiring, until: 'later' }])
      expect(retiringMatches('old', odd, now)).toBe(false);
  });
});

it('an app that says nothing has the strict choice each time', () => {
  expect(clientDefaults).toEqual({
    grant_types: ['authorization_code'],
    response_types: ['code'],
    subject_type: 'pairwise',
    id_token_signed_response_alg: 'ES256',
    token_endpoint_auth_method: 'private_key_jwt',
  });
});
