import { createHmac, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What an ID token can be made wrong in; each is an attack or an accident of real providers (security.md D09). */
export const tokenFaults = [
  'iss',
  'aud',
  'aud_twice',
  'azp',
  'expired',
  'iat_future',
  'nonce',
  'nonce_missing',
  'alg_none',
  'hs256',
  'kid_unknown',
  'signature',
  'sub_missing',
  'auth_time_future',
  'not_fresh',
  'replay',
] as const;
export type TokenFault = (typeof tokenFaults)[number];

export interface SigningKeys {
  readonly jwks: () => { keys: JWK[] };
  sign(claims: Readonly<Record<string, unknown>>, fault: TokenFault | null): Promise<string>;
  /** The next key signs from now on; the last stays published. */
  rotate(): Promise<void>;
}

interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

async function makeKey(): Promise<Key> {
  const kid = randomUUID().slice(0, 8);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export async function signingKeys(): Promise<SigningKeys> {
  let published = [await makeKey()];
  const stranger = await makeKey();
  return {
    jwks: () => ({ keys: published.map(({ publicJwk }) => publicJwk) }),
    async rotate() {
      published = [await makeKey(), ...published.slice(0, 1)];
    },
    async sign(claims, fault) {
      const [key = stranger] = published;
      if (fault === 'alg_none') return `${encode({ alg: 'none' })}.${encode(claims)}.`;
      if (fault === 'hs256') {
        // The classic: the public key as the secret of a symmetric algorithm.
        const head = `${encode({ alg: 'HS256', kid: key.kid })}.${encode(claims)}`;
        return `${head}.${createHmac('sha256', JSON.stringify(key.publicJwk)).update(head).digest('base64url')}`;
      }
      const signer = fault === 'kid_unknown' || fault === 'signature' ? stranger : key;
      const kid = fault === 'signature' ? key.kid : signer.kid;
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid }).sign(signer.privateKey);
    },
  };
}

/** An ID token's claims, made wrong. */
export function spoil(
  claims: Readonly<Record<string, unknown>>,
  fault: TokenFault | null,
  clientId: string,
): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const { sub: _, nonce: __, ...rest } = claims;
  switch (fault) {
    case 'iss':
      return { ...claims, iss: 'https://evil.example' };
    case 'aud':
      return { ...claims, aud: 'somebody-else' };
    case 'aud_twice':
      return { ...claims, aud: [clientId, 'somebody-else'] };
    case 'azp':
      return { ...claims, aud: [clientId, 'somebody-else'], azp: 'somebody-else' };
    case 'expired':
      return { ...claims, iat: now - 7200, exp: now - 3600 };
    case 'iat_future':
      return { ...claims, iat: now + 3600, exp: now + 7200 };
    case 'nonce':
      return { ...claims, nonce: 'of-another-request' };
    case 'nonce_missing':
      return { ...rest, sub: claims.sub };
    case 'sub_missing':
      return { ...rest, nonce: claims.nonce };
    case 'auth_time_future':
      return { ...claims, auth_time: now + 3600 };
    case 'not_fresh':
      return { ...claims, auth_time: now - 3600 };
    default:
      return { ...claims };
  }
}
