import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { TokenFault } from './faults.ts';

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

/** Singpass' own keys: announced before they sign, published for a while after. */
export async function signingKeys() {
  let current = await makeKey();
  let others: Key[] = [];
  const stranger = await makeKey();
  return {
    jwks: () => ({ keys: [current, ...others].map(({ publicJwk }) => publicJwk) }),
    /** `announce`: the next one is published; `switch`: it signs, and the last stays published; `drop`: it is gone. */
    async rotate(step: 'announce' | 'switch' | 'drop'): Promise<void> {
      if (step === 'drop') {
        others = [];
        return;
      }
      if (step === 'announce') {
        others = [await makeKey()];
        return;
      }
      const [next = await makeKey()] = others;
      others = [current];
      current = next;
    },
    async sign(claims: Readonly<Record<string, unknown>>, fault: TokenFault | null): Promise<string> {
      const key = current;
      if (fault === 'alg_none') return `${encode({ alg: 'none' })}.${encode(claims)}.`;
      if (fault === 'hs256') {
        // The classic: the public key as the secret of a symmetric algorithm.
        const head = `${encode({ alg: 'HS256', kid: key.kid })}.${encode(claims)}`;
        return `${head}.${createHmac('sha256', JSON.stringify(key.publicJwk)).update(head).digest('base64url')}`;
      }
      if (fault === 'rs256') {
        const head = `${encode({ alg: 'RS256', kid: key.kid })}.${encode(claims)}`;
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
        return `${head}.${sign('sha256', Buffer.from(head), privateKey).toString('base64url')}`;
      }
      const signer = fault === 'kid_unknown' || fault === 'signature' ? stranger : key;
      const kid = fault === 'signature' ? key.kid : signer.kid;
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' }).sign(signer.privateKey);
    },
  };
}

/** Wraps what is signed for the app alone: a JWE that holds a JWS. */
export async function encryptTo(recipient: JWK, jws: string, enc: string, fault: TokenFault | null): Promise<string> {
  if (fault === 'not_encrypted') return jws;
  const { alg = 'ECDH-ES+A256KW', kid = '' } = recipient;
  const { publicKey: stranger } = await generateKeyPair('ECDH-ES+A256KW');
  const key = fault === 'enc_key' || fault === 'enc_kid' ? stranger : await importJWK(recipient, alg);
  return new CompactEncrypt(new TextEncoder().encode(jws))
    .setProtectedHeader({
      alg,
      enc: fault === 'enc_weak' ? 'A128CBC-HS256' : enc,
      kid: fault === 'enc_kid' ? randomUUID() : kid,
      cty: 'JWT',
    })
    .encrypt(key);
}

/** An ID token's claims, made wrong. */
export function spoil(
  claims: Readonly<Record<string, unknown>>,
  fault: TokenFault | null,
  number: string,
): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const { sub, nonce, ...rest } = claims;
  switch (fault) {
    case 'iss':
      return { ...claims, iss: 'https://evil.example/fapi' };
    case 'aud':
      return { ...claims, aud: 'SomebodyElsesAppSomebodyElsesApp' };
    case 'aud_twice':
      return { ...claims, aud: [claims.aud, 'SomebodyElsesAppSomebodyElsesApp'] };
    case 'azp':
      return {
        ...claims,
        aud: [claims.aud, 'SomebodyElsesAppSomebodyElsesApp'],
        azp: 'SomebodyElsesAppSomebodyElsesApp',
      };
    case 'expired':
      return { ...claims, iat: now - 7200, exp: now - 3600 };
    case 'iat_future':
      return { ...claims, iat: now + 3600, exp: now + 7200 };
    case 'iat_old':
      return { ...claims, iat: now - 3600, exp: now + 3600 };
    case 'nonce':
      return { ...claims, nonce: 'of-another-request-of-another-request' };
    case 'nonce_missing':
      return { ...rest, sub };
    case 'sub_missing':
      return { ...rest, nonce };
    case 'sub_old_form':
      return { ...claims, sub: `s=${number},u=${sub}` };
    case 'sub_type':
      return { ...claims, sub_type: 'entity' };
    case 'acting':
      return { ...claims, act: { sub: randomUUID() } };
    default:
      return { ...claims };
  }
}
