import type { JWK } from 'jose';
import { fieldsOf, text } from '../lib/http.ts';
import demoKeys from './demo-keys.json' with { type: 'json' };

export type Product = 'login' | 'myinfo';

/** An app as its owner registered it in the developer portal. */
export interface Registration {
  readonly id: string;
  readonly product: Product;
  readonly scopes: readonly string[];
  /** `acr_values` has to be allowed. */
  readonly levels: boolean;
}

export const registrations: readonly Registration[] = [
  {
    id: 'ShiminLoginAppOfTheDemoCity00001',
    product: 'login',
    scopes: ['openid', 'user.identity', 'name', 'email', 'mobileno'],
    levels: true,
  },
  {
    id: 'ShiminMyinfoAppOfTheDemoCity0001',
    product: 'myinfo',
    scopes: [
      'openid',
      'uinfin',
      'name',
      'sex',
      'dob',
      'nationality',
      'residentialstatus',
      'regadd',
      'mobileno',
      'email',
    ],
    levels: false,
  },
];

const CURVES = ['P-256', 'P-384', 'P-521'];
const WRAPS = ['ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'];

/** What Singpass finds wrong with an app's keys; null: nothing. */
export function jwksFault(keys: readonly JWK[]): string | null {
  if (keys.some((key) => key.kty !== 'EC' || !CURVES.includes(key.crv ?? ''))) return 'only EC keys of P-256, 384, 521';
  if (keys.some((key) => key.d !== undefined)) return 'a private key is published';
  if (keys.some((key) => !key.kid) || new Set(keys.map(({ kid }) => kid)).size !== keys.length)
    return 'kid missing or not unique';
  if (!keys.some(({ use }) => use === 'sig')) return 'no key with use=sig';
  return keys.some(({ use, alg }) => use === 'enc' && WRAPS.includes(alg ?? '')) ? null : 'no key with use=enc';
}

const CACHE_SECONDS = 3600;
const PATIENCE_MS = 3000;

/** The app's public keys: registered as they are, or read from its `jwks_uri` and kept for an hour. */
export function clientKeys(now: () => number) {
  let fixed: readonly JWK[] = demoKeys.keys.map(({ d: _, ...key }) => key);
  let uri: string | null = null;
  let keepSeconds = CACHE_SECONDS;
  let cached: { readonly at: number; readonly keys: readonly JWK[] } | null = null;

  async function read(from: string): Promise<readonly JWK[]> {
    if (cached !== null && now() - cached.at < keepSeconds) return cached.keys;
    const response = await fetch(from, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
    const { keys } = fieldsOf(await response.json());
    if (!response.ok || !Array.isArray(keys)) throw new Error('no JWK set');
    cached = { at: now(), keys };
    return keys;
  }

  return {
    /** Null: unreachable, or not keys that Singpass takes. */
    async all(): Promise<readonly JWK[] | null> {
      try {
        const keys = uri === null ? fixed : await read(uri);
        return jwksFault(keys) === null ? keys : null;
      } catch {
        return null;
      }
    },
    async encryptionKey(): Promise<JWK | null> {
      return (await this.all())?.find(({ use, alg }) => use === 'enc' && WRAPS.includes(alg ?? '')) ?? null;
    },
    /** As the owner changes it in the portal. */
    register(body: unknown): string | null {
      const { jwks, jwks_uri: given, cacheSeconds } = fieldsOf(body);
      const { keys } = fieldsOf(jwks);
      keepSeconds = typeof cacheSeconds === 'number' ? cacheSeconds : CACHE_SECONDS;
      cached = null;
      uri = text(given) === '' ? null : text(given);
      if (uri !== null) return null;
      fixed = Array.isArray(keys) ? keys : demoKeys.keys.map(({ d: _, ...key }) => key);
      return jwksFault(fixed);
    },
  };
}
export type ClientKeys = ReturnType<typeof clientKeys>;

/** Private keys that belong to the registration as it stands at first; public, and for nothing but the demo. */
export const demoPrivateKeys = JSON.stringify(demoKeys);
