import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { TOTP } from 'otpauth';

/** A synthetic citizen of the bench: what a person would carry in head, pocket and phone. */
export interface Citizen {
  phone: string;
  password: string;
  totpSecret: string;
  credentialId: string;
  userHandle: string;
  privateKeyPem: string;
}

export const password = 'bench-Zq7-lantern-orbit';

export function newCitizen(number: number, totpSecret: string): { citizen: Citizen; cose: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // COSE_Key {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}, RFC 9053 7.1.1.
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]);
  const citizen = {
    phone: `+8613${String(800_000_000 + number)}`,
    password,
    totpSecret,
    credentialId: randomBytes(32).toString('base64url'),
    userHandle: randomBytes(32).toString('base64url'),
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
  return { citizen, cose };
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();
const userPresentAndVerified = 0x05;

/** What navigator.credentials.get() would answer, from a key whose counter stays zero as those of synced passkeys do. */
export function assertion(citizen: Citizen, options: { challenge: string; rpId: string }, origin: string): object {
  const clientData = Buffer.from(
    JSON.stringify({ type: 'webauthn.get', challenge: options.challenge, origin, crossOrigin: false }),
  );
  const authenticatorData = Buffer.concat([
    sha256(options.rpId),
    Buffer.from([userPresentAndVerified]),
    Buffer.alloc(4),
  ]);
  const key = createPrivateKey(citizen.privateKeyPem);
  const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), key);
  return {
    id: citizen.credentialId,
    rawId: citizen.credentialId,
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: citizen.userHandle,
    },
  };
}

export function totpCode(citizen: Citizen): string {
  return new TOTP({ secret: citizen.totpSecret }).generate();
}
