import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** COSE algorithms on offer, most wanted first: Ed25519, ES256, RS256 (the last for Windows Hello on older TPMs). */
export const COSE_ALGORITHMS = [-8, -7, -257];

const MIN_RSA_BITS = 2048;

/**
 * Whether a decoded COSE key is a usable key of the algorithm it names. With attestation `none` nothing has been signed with
 * it at registration, so a key that can never verify (wrong curve, point off the curve) or a toy key would be stored.
 */
export function isUsableCoseKey(key: ReadonlyMap<number, unknown>): boolean {
  const jwk = toJwk(key);
  if (jwk === null) return false;
  try {
    // OpenSSL checks that an EC point lies on its curve here.
    const imported = createPublicKey({ key: jwk, format: 'jwk' });
    const { modulusLength, publicExponent } = imported.asymmetricKeyDetails ?? {};
    if (imported.asymmetricKeyType !== 'rsa') return true;
    return (modulusLength ?? 0) >= MIN_RSA_BITS && (modulusLength ?? 0) <= 8192 && (publicExponent ?? 0n) >= 65_537n;
  } catch {
    return false;
  }
}

/** RFC 9052/9053 labels: 1 kty, 3 alg, -1 crv or n, -2 x or e, -3 y. */
function toJwk(key: ReadonlyMap<number, unknown>): JsonWebKey | null {
  const [kty, alg, crv] = [key.get(1), key.get(3), key.get(-1)];
  if (kty === 2 && alg === -7 && crv === 1) {
    const [x, y] = [bytes(key.get(-2), 32), bytes(key.get(-3), 32)];
    return x !== null && y !== null ? { kty: 'EC', crv: 'P-256', x, y } : null;
  }
  if (kty === 1 && alg === -8 && crv === 6) {
    const x = bytes(key.get(-2), 32);
    return x !== null ? { kty: 'OKP', crv: 'Ed25519', x } : null;
  }
  if (kty === 3 && alg === -257) {
    const [n, e] = [bytes(key.get(-1)), bytes(key.get(-2))];
    return n !== null && e !== null ? { kty: 'RSA', n, e } : null;
  }
  return null;
}

function bytes(value: unknown, length?: number): string | null {
  if (!(value instanceof Uint8Array) || value.length === 0 || value.length > 1024) return null;
  if (length !== undefined && value.length !== length) return null;
  return Buffer.from(value).toString('base64url');
}
