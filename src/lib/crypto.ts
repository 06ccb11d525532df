import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  randomInt,
  timingSafeEqual,
} from 'node:crypto';
import { v7 } from 'uuid';
import { z } from 'zod';
import { ShiminError } from './errors.ts';

/** UUIDv7: sorts by time, so new rows land at the right edge of an index. */
export function newId(): string {
  return v7();
}

/** A secret nobody can guess: 256 bits unless asked otherwise. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/** `n` decimal digits, each uniform (randomInt rejects the biased tail). */
export function randomDigits(n: number): string {
  let digits = '';
  for (let i = 0; i < n; i += 1) digits += randomInt(10);
  return digits;
}

export function sha256b64u(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Compares digests, so that neither content nor length shows in the time taken. */
export function timingSafeEqualStrings(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** All long-lived secrets of one installation; kept in the file named by SHIMIN_SECRETS, not in the database. */
export interface Keyring {
  /** Id of the key-encryption key new envelopes use; older ones stay for opening. */
  readonly current: string;
  readonly keks: Readonly<Record<string, Buffer>>;
  /** Keyed pepper of password hashes, stored apart from them (SP 800-63B-4 3.1.1.2). */
  readonly pepper: Buffer;
  /** Newest first: the first signs, all verify. */
  readonly cookieKeys: string[];
  readonly pairwiseSalt: string;
  readonly blindKey: Buffer;
}

const key256 = z
  .string()
  .transform((text) => Buffer.from(text, 'base64url'))
  .refine((bytes) => bytes.length === 32, 'must be 32 bytes in base64url');

const keyringSchema = z
  .strictObject({
    current: z.string(),
    keks: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,32}$/), key256),
    pepper: key256,
    cookieKeys: z.array(z.string().min(32)).min(1),
    pairwiseSalt: z.string().min(22),
    blindKey: key256,
  })
  .refine((ring) => Object.hasOwn(ring.keks, ring.current), 'current names no key in keks');

/** The secrets file as it is written. */
export interface KeyringJson {
  current: string;
  keks: Record<string, string>;
  pepper: string;
  cookieKeys: string[];
  pairwiseSalt: string;
  blindKey: string;
}

/** Refuses a secrets file that is incomplete or has short keys; says which field, never its value. */
export function parseKeyring(json: unknown): Keyring {
  const parsed = keyringSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ShiminError('config_invalid', {
    status: 500,
    message: `the secrets file is not usable: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`,
  });
}

/** Fresh secrets for a new installation. */
export function makeKeyring(): KeyringJson {
  const id = `k${randomToken(4)}`;
  return {
    current: id,
    keks: { [id]: randomToken() },
    pepper: randomToken(),
    cookieKeys: [randomToken()],
    pairwiseSalt: randomToken(),
    blindKey: randomToken(),
  };
}

/** A key for one purpose, derived by HKDF-SHA256 (RFC 5869): the same on every node, and of no use for another purpose. */
export function deriveKey(keyring: Keyring, purpose: string, bytes = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', keyring.blindKey, 'shimin/derive', purpose, bytes));
}

/**
 * AES-256-GCM where each message has its own key, HMAC-SHA256(key, salt). A random 96-bit IV alone would bound one key to
 * 2^32 messages (SP 800-38D 8.3), which a city's pending ceremonies could reach.
 */
function encrypt(key: Buffer, plaintext: string, aad: string): string {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', messageKey(key, salt), iv).setAAD(Buffer.from(aad));
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, iv, cipher.getAuthTag(), body]).toString('base64url');
}

function decrypt(key: Buffer, envelope: string, aad: string): string {
  const bytes = Buffer.from(envelope, 'base64url');
  try {
    const [salt, iv, tag] = [bytes.subarray(0, 16), bytes.subarray(16, 28), bytes.subarray(28, 44)];
    const decipher = createDecipheriv('aes-256-gcm', messageKey(key, salt), iv, { authTagLength: 16 });
    decipher.setAAD(Buffer.from(aad)).setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(44)), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new ShiminError('internal', {
      status: 500,
      message: 'a sealed value does not open: altered, or of another place',
      cause,
    });
  }
}

function messageKey(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key).update('shimin/message').update(salt).digest();
}

/** Seals under the current key-encryption key. `context` says where the value lives; it opens nowhere else. */
export function seal(keyring: Keyring, plaintext: string, context: string): string {
  const prefix = `v1.${keyring.current}`;
  return `${prefix}.${encrypt(kek(keyring, keyring.current), plaintext, `${prefix}\0${context}`)}`;
}

/** Opens what `seal` made with the same context; `key_missing` if its key-encryption key is gone from the keyring. */
export function open(keyring: Keyring, sealed: string, context: string): string {
  const [version, id, envelope, ...rest] = sealed.split('.');
  if (version !== 'v1' || id === undefined || envelope === undefined || rest.length > 0) throw malformed();
  return decrypt(kek(keyring, id), envelope, `v1.${id}\0${context}`);
}

function kek(keyring: Keyring, id: string): Buffer {
  const key = Object.hasOwn(keyring.keks, id) ? keyring.keks[id] : undefined;
  if (key === undefined) throw new ShiminError('key_missing', { status: 500, message: `no key-encryption key ${id}` });
  return key;
}

function malformed(): ShiminError {
  return new ShiminError('internal', { status: 500, message: 'not a sealed value' });
}

const PERSON_KEY = 'person-key';

/** A new key for one person's facts. Destroying the sealed key makes all of them unreadable (crypto-shredding). */
export function newPersonKey(keyring: Keyring): { sealedKey: string } {
  return { sealedKey: seal(keyring, randomToken(), PERSON_KEY) };
}

/** Seals under a person's own key. */
export function sealFor(keyring: Keyring, sealedKey: string, plaintext: string, context: string): string {
  return `p1.${encrypt(personKey(keyring, sealedKey), plaintext, `p1\0${context}`)}`;
}

export function openFor(keyring: Keyring, sealedKey: string, sealed: string, context: string): string {
  const [version, envelope, ...rest] = sealed.split('.');
  if (version !== 'p1' || envelope === undefined || rest.length > 0) throw malformed();
  return decrypt(personKey(keyring, sealedKey), envelope, `p1\0${context}`);
}

function personKey(keyring: Keyring, sealedKey: string): Buffer {
  return Buffer.from(open(keyring, sealedKey, PERSON_KEY), 'base64url');
}

/** Re-seals a person's key under the current key-encryption key; what it protects needs no rewriting. */
export function resealPersonKey(keyring: Keyring, sealedKey: string): string {
  return seal(keyring, open(keyring, sealedKey, PERSON_KEY), PERSON_KEY);
}

/**
 * Keyed fingerprint for look-up and uniqueness of a sealed value. Case and compatibility forms are folded, so that
 * `１１０…x` and `110…X` are one number; without the key the few billion possible numbers cannot be tried.
 */
export function blindIndex(keyring: Keyring, domain: string, value: string): string {
  const normalised = value.normalize('NFKC').trim().toLowerCase();
  return createHmac('sha256', keyring.blindKey).update(`${domain}\0${normalised}`).digest('base64url');
}
