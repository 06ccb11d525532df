import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { contentFaults } from './faults.ts';

interface DemoKeys {
  readonly kek: { readonly public: string; readonly private: string };
  readonly stranger: { readonly public: string };
}
export const demoKeys: DemoKeys = JSON.parse(readFileSync(new URL('./demo-keys.json', import.meta.url), 'utf8'));

/** `int32(12) || iv || ciphertext || tag` in base64. */
export function seal(key: Buffer, plain: string, ivLength = 12): string {
  const iv = randomBytes(ivLength);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const head = Buffer.alloc(4);
  head.writeInt32BE(ivLength);
  return Buffer.concat([head, iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  );
}

/** Null: it was not made with this key, or not in this form. */
export function open(key: Buffer, content: string): string | null {
  const bytes = Buffer.from(content, 'base64');
  if (bytes.length < 32 || bytes.readInt32BE(0) !== 12) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(4, 16));
  decipher.setAuthTag(bytes.subarray(-16));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(16, -16)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/** A content, made wrong. */
export function spoilt(
  key: Buffer,
  content: object,
  fault: (typeof contentFaults)[number] | null,
): string | object | undefined {
  const plain = JSON.stringify(content);
  const good = seal(key, plain);
  switch (fault) {
    case 'content_tag': {
      const bytes = Buffer.from(good, 'base64');
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      return bytes.toString('base64');
    }
    case 'content_other_key':
      return seal(randomBytes(32), plain);
    case 'content_iv':
      return seal(key, plain, 16);
    case 'content_short':
      return good.slice(0, 24);
    case 'content_plain':
      return content;
    case 'content_missing':
      return undefined;
    case 'content_spaced':
      return `${good.slice(0, 40)} ${good.slice(40)}`;
    case 'content_no_json':
      return seal(key, `${plain},`);
    case 'content_names_twice':
      return seal(
        key,
        plain.replace(/^\{/, '{"openID":"AAAAAAAAAAAAAAAAAAAAAAAA","openID":"BBBBBBBBBBBBBBBBBBBBBBBB",'),
      );
    default:
      return good;
  }
}

/** The content key, encrypted to the e-service's certificate with PKCS#1 v1.5. */
export const toOwner = (key: Buffer, publicKey: string) =>
  publicEncrypt({ key: createPublicKey(publicKey), padding: constants.RSA_PKCS1_PADDING }, key).toString('base64');

/** Both writings are taken, as by gateways that have seen both. */
export function isSigned(
  call: { clientId: string; method: string; timestamp: string; nonce: string; body: string; signature: string },
  secret: string,
): boolean {
  const text = call.clientId + call.method + call.timestamp + call.nonce + call.body;
  const expected = createHmac('sha256', secret).update(text).digest('base64');
  return call.signature === encodeURIComponent(expected) || call.signature === expected;
}
