import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  privateDecrypt,
  randomBytes,
} from 'node:crypto';
import { parseStrictJson } from '../../lib/strict-json.ts';

const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const HEAD_LENGTH = 4;

/** An answer that can't be what the gateway sent to us. */
export class UntrustedContent extends Error {}

/** `int32(ivLength) || iv || ciphertext || tag`, AES-256-GCM, in base64; so it always begins with `AAAAD`. */
export function sealContent(key: Buffer, plain: string, iv: Buffer = randomBytes(IV_LENGTH)): string {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const head = Buffer.alloc(HEAD_LENGTH);
  head.writeInt32BE(iv.length);
  return Buffer.concat([head, iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  );
}

/** @throws UntrustedContent: another key, another length of the IV, or changed on the way */
export function openContent(key: Buffer, content: string): unknown {
  const sealed = Buffer.from(content, 'base64');
  // Only one writing of the same bytes: Node's decoder skips what is no base64.
  if (sealed.toString('base64') !== content) throw new UntrustedContent('content is not base64');
  if (sealed.length < HEAD_LENGTH + IV_LENGTH + TAG_LENGTH || sealed.readInt32BE(0) !== IV_LENGTH)
    throw new UntrustedContent('content has another form');
  const iv = sealed.subarray(HEAD_LENGTH, HEAD_LENGTH + IV_LENGTH);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(sealed.subarray(-TAG_LENGTH));
  let plain: string;
  try {
    const bytes = decipher.update(sealed.subarray(HEAD_LENGTH + IV_LENGTH, -TAG_LENGTH));
    plain = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat([bytes, decipher.final()]));
  } catch (cause) {
    throw new UntrustedContent('content does not open', { cause });
  }
  const json = parseStrictJson(plain);
  if (!json.ok) throw new UntrustedContent(`content is not acceptable JSON: ${json.reason}`);
  return json.value;
}

export const keyPaddings = ['pkcs1', 'oaep-sha1', 'oaep-sha256'] as const;
export type KeyPadding = (typeof keyPaddings)[number];

const paddings: Readonly<Record<KeyPadding, { padding: number; oaepHash?: string }>> = {
  pkcs1: { padding: constants.RSA_PKCS1_PADDING },
  'oaep-sha1': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  'oaep-sha256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
};

/**
 * PKCS#8 or PKCS#1 in PEM; forms of one line lose its line breaks, which say nothing.
 * @throws Error for a text that is no RSA key of 2048 bits or more
 */
export function keyEncryptionKey(pem: string): KeyObject {
  const [, kind, body = ''] = /-----BEGIN (RSA )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem) ?? [];
  const type = kind === undefined ? 'pkcs8' : 'pkcs1';
  const key = createPrivateKey({ key: Buffer.from(body, 'base64'), format: 'der', type });
  if (key.asymmetricKeyType !== 'rsa') throw new Error('not an RSA key');
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw new Error('shorter than 2048 bits');
  return key;
}

/**
 * The content key that the gateway has encrypted to us. Which padding is a setting and not tried out: what PKCS#1 v1.5
 * opens wrongly looks like an opened key (implicit rejection), and trying is what padding oracles are made of.
 * @throws UntrustedContent
 */
export function openKey(own: KeyObject, secretKey: string, padding: KeyPadding): Buffer {
  let key: Buffer;
  try {
    key = privateDecrypt({ key: own, ...paddings[padding] }, Buffer.from(secretKey, 'base64'));
  } catch (cause) {
    throw new UntrustedContent('content key does not open', { cause });
  }
  if (key.length !== 32) throw new UntrustedContent('content key has another length');
  return key;
}
