import { createCipheriv, createDecipheriv, createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const IV_LENGTH = 12;
const TAG_LENGTH = 16;

const digestOf = (payload: string) => createHash('sha256').update(payload, 'utf8').digest('hex');

/**
 * `sp_checksum`: hex of IV, AES-256-GCM of the payload's SHA-256 in hex, tag (reference 5.1). The specification shows an IV of
 * zeros; any is taken, and under one key the same one twice would give the key stream away: so a new one each time.
 */
export function checksumOf(key: Buffer, payload: string, iv: Buffer = randomBytes(IV_LENGTH)): string {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([iv, cipher.update(digestOf(payload), 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'hex',
  );
}

/** Whether a checksum was made with the shared key, over this payload. */
export function fitsChecksum(key: Buffer, payload: string, checksum: string): boolean {
  const sealed = Buffer.from(checksum, 'hex');
  const expected = Buffer.from(digestOf(payload), 'utf8');
  if (sealed.toString('hex') !== checksum || sealed.length !== IV_LENGTH + expected.length + TAG_LENGTH) return false;
  const iv = sealed.subarray(0, IV_LENGTH);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(IV_LENGTH, -TAG_LENGTH)), decipher.final()]);
    return timingSafeEqual(plain, expected);
  } catch {
    // The tag does not fit: another key, or changed on the way. That is the answer, not a fault.
    return false;
  }
}
