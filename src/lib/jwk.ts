import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** Algorithms Shimin signs with, in the order clients should prefer. */
export const signingAlgorithms = ['ES256', 'EdDSA', 'RS256'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];
/** What apps may sign their own assertions with. */
export const clientAuthAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
/** Public keys of apps only: a password is no key to encrypt with, and RSA1_5 no way to. */
export const keyWraps = ['ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const;
export const contentEncryptions = ['A256GCM', 'A256CBC-HS512', 'A128CBC-HS256'] as const;

/** A fresh private key as JWK; `kid` is its RFC 7638 thumbprint, so it is unique and says nothing. */
export async function generateSigningJwk(
  alg: SigningAlgorithm,
): Promise<JWK & { kid: string; alg: SigningAlgorithm; use: 'sig' }> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** The public half of a JWK. */
export function publicJwk(jwk: JWK): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !privateMembers.includes(name)));
}
