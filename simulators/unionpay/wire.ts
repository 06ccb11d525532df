import { constants, createHash, privateDecrypt, sign, verify } from 'node:crypto';

export type Fields = Readonly<Record<string, string>>;

/** PEM texts. */
export interface KeyPair {
  readonly public: string;
  readonly private: string;
}

/** Sorted, joined, hashed: what both sides sign in version 5.1.0. */
export function digestOf(fields: Fields): string {
  const { signature: _, ...rest } = fields;
  const text = Object.entries(rest)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  return createHash('sha256').update(text).digest('hex');
}

export const signatureOf = (fields: Fields, key: string): string =>
  sign('sha256', Buffer.from(digestOf(fields)), key).toString('base64');

export const isSignedBy = (fields: Fields, key: string): boolean =>
  verify('sha256', Buffer.from(digestOf(fields)), key, Buffer.from(fields.signature ?? '', 'base64'));

/** Null for what was not encrypted for us. */
export function decrypted(text: string, key: string): string | null {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text, 'base64')).toString('utf8');
  } catch {
    return null;
  }
}

/** `k=v&k=v` as it stands, without escapes. */
export function pairs(text: string): Fields {
  return Object.fromEntries(
    text.split('&').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** `customerInfo`: base64 of `{k=v&k=v}`, with `encryptedInfo` inside it, of which the pairs are part of it, too. */
export function holderOf(customerInfo: string, key: string): Fields | null {
  const [, inside] = /^\{(.*)\}$/s.exec(Buffer.from(customerInfo, 'base64').toString('utf8')) ?? [];
  if (inside === undefined) return null;
  const { encryptedInfo, ...plain } = pairs(inside);
  if (encryptedInfo === undefined) return plain;
  const sealed = decrypted(encryptedInfo, key);
  return sealed === null ? null : { ...plain, ...pairs(sealed) };
}
