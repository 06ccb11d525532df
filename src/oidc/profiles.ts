import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { fromExternal, toExternal } from '../assurance/mapping.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Db } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';

/** Rules of another country's provider that an app was built for, named by its metadata `shimin_profile`. */
const profiles = ['singpass'] as const;
type Profile = (typeof profiles)[number];

/** Longest life of a client assertion, as Singpass has it. */
const ASSERTION_SECONDS = 120;

/**
 * What the profile settles, whatever the registration says: FAPI 2.0 Security Profile 5.3.2 (pushed requests, bound tokens,
 * signed client authentication, no refresh token) and the encryption of Singpass (ID token and userinfo each their own).
 */
const imposed = {
  require_pushed_authorization_requests: true,
  dpop_bound_access_tokens: true,
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  id_token_encrypted_response_alg: 'ECDH-ES+A256KW',
  id_token_encrypted_response_enc: 'A256CBC-HS512',
  userinfo_signed_response_alg: 'ES256',
  userinfo_encrypted_response_alg: 'ECDH-ES+A256KW',
  userinfo_encrypted_response_enc: 'A256GCM',
} as const;

type Metadata = Readonly<Record<string, unknown>>;

const isProfile = (value: unknown): value is Profile => profiles.some((known) => known === value);

/** An app's metadata as the engine gets it. */
export function underProfile(metadata: Metadata): Metadata {
  if (!isProfile(metadata.shimin_profile)) return metadata;
  // An app of this kind has no secret, even if it once had one.
  const { client_secret: _, ...rest } = metadata;
  return { ...rest, ...imposed };
}

/** The engine's check of our own metadata: a name that nobody knows would be an app without the rules its owner wants. */
export function profileFault(name: string, value: unknown): void {
  if (name === 'shimin_profile' && value !== undefined && !isProfile(value))
    throw new errors.InvalidClientMetadata(`shimin_profile must be one of ${profiles.join(', ')}`);
}

const profileOf = (client: Client | undefined): Profile | null =>
  isProfile(client?.shimin_profile) ? client.shimin_profile : null;

/** For `features.fapi`: the engine then insists on what FAPI 2.0 leaves open elsewhere. */
export const fapiOf = (client: Client | undefined): '2.0' | undefined =>
  profileOf(client) === null ? undefined : '2.0';

/** Client authentication: assertions of such an app are for the issuer alone and for two minutes (reference 3.1). */
export function assertionCheck(ctx: KoaContextWithOIDC, claims: Metadata, client: Client): void {
  if (profileOf(client) === null) return;
  const { aud, iat, exp } = claims;
  if (aud !== ctx.oidc.issuer) throw new errors.InvalidClientAuth('aud must be the issuer');
  if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > ASSERTION_SECONDS)
    throw new errors.InvalidClientAuth(`exp must be within ${ASSERTION_SECONDS} seconds of iat`);
}

/**
 * The door of such an app's requests: bound to its key from the first, and its names of levels put into ours, so that
 * nothing behind it has to know them. Pushed requests are the only ones it can make, so each passes here once.
 */
export function profileDoor(deps: { readonly db: Db }) {
  return async (ctx: KoaContextWithOIDC, _value: string | undefined, client: Client): Promise<void> => {
    const profile = profileOf(client);
    const { params, route } = ctx.oidc;
    if (profile === null || !params || route !== 'pushed_authorization_request') return;
    if (!params.dpop_jkt) throw new errors.InvalidDpopProof('a pushed request needs a DPoP proof or dpop_jkt');
    // Levels are asked for by `acr_values` there; a second way beside it would pass by the names below.
    if (params.claims !== undefined) throw new errors.InvalidRequest('claims is not part of this profile');
    if (typeof params.acr_values !== 'string') return;
    const { document } = await currentPolicy(deps.db);
    const ours = params.acr_values.split(' ').map((name) => levelIn(document, profile, name));
    params.acr_values = ours.join(' ');
  };
}

/** Names of levels as the app knows them. */
export interface LevelNames {
  /** Ours, of its. */
  in(name: string | undefined): string | undefined;
  /** Its, of ours; a level that it has no name for keeps ours, which it cannot take for one of its own. */
  out(level: string): string;
}

export function levelNames(client: Client | undefined, policy: AssurancePolicy): LevelNames {
  const profile = profileOf(client);
  if (profile === null) return { in: (name) => name, out: (level) => level };
  return {
    in: (name) => (name === undefined ? undefined : levelIn(policy, profile, name)),
    out: (level) => toExternal(policy, level, profile) ?? level,
  };
}

function levelIn(policy: AssurancePolicy, profile: Profile, name: string): string {
  const meaning = fromExternal(policy, profile, name);
  return meaning?.kind === 'level' ? meaning.level : name;
}
