import { createECDH } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { publicJwk } from '../../lib/jwk.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';

/** Key management of what Singpass encrypts to us. */
const wraps = ['ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'] as const;

/**
 * P-256 only, of the three curves that Singpass takes: the client library decrypts with no other. `published` is ours and
 * never leaves: a key that is not published any more still decrypts, for as long as Singpass may remember it.
 */
const member = { kty: z.literal('EC'), crv: z.literal('P-256'), kid: z.string().min(1).max(128) };
const point = { x: z.string(), y: z.string(), d: z.string() };
const ownKey = z.discriminatedUnion('use', [
  z.strictObject({
    ...member,
    ...point,
    use: z.literal('sig'),
    alg: z.literal('ES256'),
    published: z.boolean().optional(),
  }),
  z.strictObject({ ...member, ...point, use: z.literal('enc'), alg: z.enum(wraps), published: z.boolean().optional() }),
]);
export type OwnKey = z.infer<typeof ownKey>;
const keySet = z.strictObject({ keys: z.array(ownKey).min(2) });

export const isPublished = (key: OwnKey): boolean => key.published !== false;

/** What is wrong with a text that should be our private keys; null: nothing. Tells no value of theirs. */
export function keysFault(text: string): string | null {
  const keys = parsed(text);
  if (keys === null) return 'not a JWK set of private P-256 keys, each with kid, use (sig, enc) and alg';
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) return 'the same kid twice';
  for (const use of ['sig', 'enc'])
    if (!keys.some((key) => key.use === use && isPublished(key))) return `no published key for ${use}`;
  const torn = keys.find((key) => !belongsTogether(key));
  return torn ? `the halves of ${torn.kid} do not belong together` : null;
}

function parsed(text: string): OwnKey[] | null {
  const json = parseStrictJson(text);
  const known = keySet.safeParse(json.ok ? json.value : null);
  return known.success ? known.data.keys : null;
}

/** The engine takes both halves as they are given: a torn key would be found by a person's sign-in. */
function belongsTogether({ x, y, d }: OwnKey): boolean {
  try {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(Buffer.from(d, 'base64url'));
    const made = ecdh.getPublicKey(null, 'uncompressed').subarray(1);
    return made.equals(Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]));
  } catch {
    return false;
  }
}

/** Our private keys. @throws Error for a text that `keysFault` finds fault with. */
export function ownKeys(text: string): readonly OwnKey[] {
  const fault = keysFault(text);
  const keys = parsed(text);
  if (fault !== null || keys === null) throw new Error(fault ?? 'no keys');
  return keys;
}

/** What Singpass reads of us: the public halves of those that are published. */
export function publishedKeys(text: string): { keys: JWK[] } {
  const published = ownKeys(text).filter(isPublished);
  return { keys: published.map(({ published: _, ...jwk }) => publicJwk(jwk)) };
}

/** A fresh key of ours; `kid` is its RFC 7638 thumbprint. */
export async function newKey(use: OwnKey['use']): Promise<OwnKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return ownKey.parse({ ...jwk, kid, use, alg: use === 'sig' ? 'ES256' : 'ECDH-ES+A256KW' });
}

/** A whole set to begin with, as the setting `keys` holds it. */
export async function newKeySet(): Promise<string> {
  return JSON.stringify({ keys: [await newKey('sig'), await newKey('enc')] });
}
