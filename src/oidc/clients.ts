import { createHash, timingSafeEqual } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';

const secretPrefix = 'sha256.';

/** Defaults of an app that says nothing: the strict choice each time. */
export const clientDefaults = {
  grant_types: ['authorization_code'],
  response_types: ['code'],
  subject_type: 'pairwise',
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'private_key_jwt',
} satisfies Partial<ClientMetadata>;

/** Compares with the stored hash (`commands/save-app.ts` says why one unsalted hash is enough). */
export function secretMatches(actual: string, stored: string): boolean {
  const a = Buffer.from(secretPrefix + createHash('sha256').update(actual).digest('base64url'));
  const b = Buffer.from(stored);
  return a.length === b.length && timingSafeEqual(a, b);
}
