import { compactDecrypt, importJWK } from 'jose';
import * as client from 'openid-client';

/** What an app needs beyond the ordinary to speak FAPI 2.0 as Singpass has it. */
export interface FapiKeys {
  /** Its private key for answers that only it may read. */
  readonly decryption: JsonWebKey & { readonly kid: string; readonly alg: string };
}

const ENCRYPTIONS = ['A256CBC-HS512', 'A256GCM'];

async function privateKey({ decryption }: FapiKeys): Promise<CryptoKey> {
  const { kty, crv, x, y, d, alg } = decryption;
  const jwk = { kty: kty ?? '', crv: crv ?? '', x: x ?? '', y: y ?? '', d: d ?? '' };
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new Error('the key to decrypt with is a secret');
  return key;
}

/** ID tokens and userinfo are read with the app's own key from here on. */
export async function decrypting(config: client.Configuration, keys: FapiKeys): Promise<void> {
  const { alg, kid } = keys.decryption;
  client.enableDecryptingResponses(config, ENCRYPTIONS, { key: await privateKey(keys), alg, kid });
}

/** A logout token comes the way ID tokens do: encrypted, and signed inside. */
export async function unwrapped(token: string, keys: FapiKeys): Promise<string> {
  const options = { keyManagementAlgorithms: [keys.decryption.alg], contentEncryptionAlgorithms: ENCRYPTIONS };
  const { plaintext } = await compactDecrypt(token, await privateKey(keys), options);
  return new TextDecoder().decode(plaintext);
}

/** A key for one sign-in: its requests, its token and its calls are bound to it (RFC 9449). */
export const newProofKeys = (): Promise<CryptoKeyPair> => client.randomDPoPKeyPair('ES256');

export function proof(config: client.Configuration, keys: CryptoKeyPair | undefined): client.DPoPOptions {
  if (keys === undefined) return {};
  const DPoP = client.getDPoPHandle(config, keys, {
    // Singpass wants proofs that end.
    [client.modifyAssertion]: (_header, payload) => {
      payload.exp = Number(payload.iat) + 60;
    },
  });
  return { DPoP };
}
