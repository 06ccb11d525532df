import { registrations } from './registration.ts';

const WRAPS = ['ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'];
const CURVES = ['ES256', 'ES384', 'ES512'];

/** Discovery, as the real one: ID tokens and userinfo are encrypted in different ways. */
export const metadataOf = (issuer: string): object => ({
  issuer,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  require_pushed_authorization_requests: true,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  jwks_uri: `${issuer}/.well-known/keys`,
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code'],
  subject_types_supported: ['public'],
  scopes_supported: [...new Set(registrations.flatMap(({ scopes }) => scopes))],
  acr_values_supported: [1, 2, 3].map((level) => `urn:singpass:authentication:loa:${level}`),
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: CURVES,
  dpop_signing_alg_values_supported: CURVES,
  id_token_signing_alg_values_supported: ['ES256'],
  id_token_encryption_alg_values_supported: WRAPS,
  id_token_encryption_enc_values_supported: ['A256CBC-HS512'],
  userinfo_signing_alg_values_supported: ['ES256'],
  userinfo_encryption_alg_values_supported: WRAPS,
  userinfo_encryption_enc_values_supported: ['A256GCM'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
});
