import { createHash, generateKeyPairSync } from 'node:crypto';

/** Every run signs with its own key; the algorithm is what costs. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const benchKey = { ...privateKey.export({ format: 'jwk' }), kid: 'bench', alg: 'ES256', use: 'sig' };

const secret = 'bench-secret-bench-secret-bench-secret';
export const benchClient = {
  client_id: 'bench',
  client_secret: secret,
  redirect_uris: ['http://127.0.0.1:9/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code' as const],
  token_endpoint_auth_method: 'client_secret_basic' as const,
};

const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

export const authorization = `Basic ${Buffer.from(`${benchClient.client_id}:${secret}`).toString('base64')}`;

export const authorizePath = `/auth?${new URLSearchParams({
  client_id: benchClient.client_id,
  response_type: 'code',
  scope: 'openid',
  redirect_uri: benchClient.redirect_uris[0] ?? '',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: 'bench',
  nonce: 'bench',
})}`;

export function codeForm(code: string): string {
  return `${new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: benchClient.redirect_uris[0] ?? '',
    code_verifier: verifier,
  })}`;
}
