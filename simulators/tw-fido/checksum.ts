import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

const digest = (payload: string) => createHash('sha256').update(payload, 'utf8').digest('hex');

/** With the specification's IV of zeros, weak as it is. */
export function checksum(key: Buffer, payload: string): string {
  const iv = Buffer.alloc(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  return Buffer.concat([iv, cipher.update(digest(payload)), cipher.final(), cipher.getAuthTag()]).toString('hex');
}

/** Any IV is taken. */
export function fits(key: Buffer, payload: string, given: string): boolean {
  const bytes = Buffer.from(given, 'hex');
  if (bytes.length !== 12 + 64 + 16) return false;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(-16));
  try {
    return (
      Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8') === digest(payload)
    );
  } catch {
    return false;
  }
}
