import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import { clientAuthAlgorithms, contentEncryptions, keyWraps, signingAlgorithms } from '../lib/jwk.ts';
import { isPublicAddress, literalAddress } from '../lib/outbound-address.ts';

export const authMethods = ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'] as const;
export const appScopes = ['profile', 'phone', 'offline_access', 'ssf.manage', 'ssf.read', 'admin'] as const;
/** Scopes of an app's own tokens (client credentials), which nobody's sign-in yields. */
export const ownScopes: readonly string[] = ['ssf.manage', 'ssf.read', 'admin'];

/** What can be wrong with an app's settings; texts for people are in i18n as `apps.fault.<code>`. */
export const appFaultCodes = [
  'invalid',
  'required',
  'too_long',
  'too_many',
  'repeated',
  'id_format',
  'id_taken',
  'uri_invalid',
  'uri_https',
  'uri_fragment',
  'uri_credentials',
  'uri_private',
  'uri_scheme',
  'keys_unreadable',
  'keys_private',
  'keys_needed',
  'keys_both',
  'sector_needed',
  'sector_unreadable',
  'sector_incomplete',
  'signals_need_secret',
  'unknown_member',
  'not_here',
] as const;
export type AppFaultCode = (typeof appFaultCodes)[number];

/** Where in the settings or metadata, and what. */
export interface AppFault {
  readonly path: readonly (string | number)[];
  readonly code: AppFaultCode;
}

export interface AppRules {
  /** The city on one machine: plain http to this machine is well. Refused in production by the settings. */
  readonly allowLoopback: boolean;
}

const loopback = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '[::1]';

/** What holds for every address of an app: a URL, without a password, without a fragment (RFC 6749 section 3.1.2). */
function addressFault(value: string): AppFaultCode | null {
  if (!URL.canParse(value) || /[\s\\*]/.test(value)) return 'uri_invalid';
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return 'uri_credentials';
  return value.includes('#') ? 'uri_fragment' : null;
}

/** An address that a browser goes to. RFC 9700 section 2.1: https, but for an app on the same machine. */
export function webUriFault(value: string, { allowLoopback }: AppRules): AppFaultCode | null {
  const fault = addressFault(value);
  if (fault !== null) return fault;
  const url = new URL(value);
  if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:' && loopback(url.hostname)))
    return 'uri_https';
  return null;
}

/**
 * An address that an app on somebody's device is called back at (RFC 8252 section 7): a scheme of its own named after a
 * domain, a claimed https address, or plain http on the device itself.
 */
function nativeUriFault(value: string): AppFaultCode | null {
  const fault = addressFault(value);
  if (fault !== null) return fault;
  const { protocol, hostname } = new URL(value);
  if (protocol === 'https:') return loopback(hostname) ? 'uri_scheme' : null;
  if (protocol === 'http:') return loopback(hostname) ? null : 'uri_https';
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol) ? null : 'uri_scheme';
}

/** Where an app is called back, by what it says it is. */
export const landingFault = (value: string, native: boolean, rules: AppRules): AppFaultCode | null =>
  native ? nativeUriFault(value) : webUriFault(value, rules);

/** Wrong whatever the app is: for a place where that is not known yet. */
export function anyLandingFault(value: string, rules: AppRules): AppFaultCode | null {
  const fault = webUriFault(value, rules);
  return fault !== null && nativeUriFault(value) === null ? null : fault;
}

/**
 * An address that our servers call themselves: none of our own network. Names are resolved and checked again at each
 * call, by the connection itself; this tells the admin early.
 */
export function outboundUriFault(value: string, rules: AppRules): AppFaultCode | null {
  const fault = webUriFault(value, rules);
  if (fault !== null) return fault;
  const { hostname } = new URL(value);
  if (rules.allowLoopback && loopback(hostname)) return null;
  const literal = literalAddress(hostname);
  if (literal !== null) return isPublicAddress(literal, rules.allowLoopback) ? null : 'uri_private';
  const inside = !hostname.includes('.') || /\.(localhost|local|internal|intranet|lan|home\.arpa)\.?$/.test(hostname);
  return inside ? 'uri_private' : null;
}

/** A text that passes the check, or its code as the message. */
export const checked = (check: (value: string) => AppFaultCode | null) =>
  z
    .string()
    .max(2000)
    .superRefine((value, ctx) => {
      const code = check(value);
      if (code !== null) ctx.addIssue({ code: 'custom', message: code });
    });

/** A list that names nothing twice. */
export const distinct = <T extends z.ZodType<string>>(each: T, most: number) =>
  z
    .array(each)
    .max(most, 'too_many')
    .superRefine((values, ctx) => {
      for (const [index, value] of values.entries())
        if (values.indexOf(value) !== index) ctx.addIssue({ code: 'custom', message: 'repeated', path: [index] });
    });

/** Public keys only: a private one that reaches us is no secret any more (RFC 7517 section 4, RFC 7518 section 6). */
const jwk = z
  .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']), kid: z.string().min(1).max(200) })
  .refine((key) => !['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((member) => member in key), 'keys_private')
  .refine(isKey, 'keys_unreadable');

/** A key set as apps register one (RFC 7517 section 5). */
export const keySet = z.strictObject({ keys: z.array(jwk).min(1, 'keys_unreadable').max(10, 'too_many') });

/** The engine reads keys when it first needs them: a wrong one would be found by the app's first sign-in. */
function isKey(jwk: JsonWebKey): boolean {
  try {
    createPublicKey({ key: jwk, format: 'jwk' });
    return true;
  } catch {
    return false; // Node says why in words of OpenSSL, which help nobody.
  }
}

const flag = z.boolean();
const word = z.string().min(1).max(200);
const words = (known: readonly string[]) =>
  z.string().refine((value) => value.split(' ').every((each) => known.includes(each)), 'invalid');
const signing = z.enum(signingAlgorithms);
const wrapping = z.enum(keyWraps);
const encrypting = z.enum(contentEncryptions);

/** Members of metadata that say how an app stands, not what it is: each has a command of its own. */
export const stateMembers = ['client_secret', 'shimin_retiring_secret', 'shimin_disabled', 'shimin_staff_roles'];

/**
 * Client metadata (RFC 7591 section 2, OpenID Connect Registration 1.0 section 2) that may stand. Members that nobody
 * here knows are ignored as the standards say; of our own, whose meaning is a rule, none may be misspelt.
 */
function metadataSchema(rules: AppRules, native: boolean) {
  const page = checked((value) => webUriFault(value, rules));
  const landing = checked((value) => landingFault(value, native, rules));
  const outbound = checked((value) => outboundUriFault(value, rules));
  const known = z.looseObject({
    client_id: z.string().min(1).max(255).optional(),
    client_name: z.string().max(200).optional(),
    application_type: z.enum(['web', 'native']).optional(),
    redirect_uris: distinct(landing, 20).optional(),
    post_logout_redirect_uris: distinct(landing, 20).optional(),
    client_uri: page.optional(),
    logo_uri: page.optional(),
    policy_uri: page.optional(),
    tos_uri: page.optional(),
    initiate_login_uri: page.optional(),
    jwks: keySet.optional(),
    jwks_uri: outbound.optional(),
    backchannel_logout_uri: outbound.optional(),
    backchannel_logout_session_required: flag.optional(),
    sector_identifier_uri: outbound.optional(),
    subject_type: z.enum(['pairwise', 'public']).optional(),
    scope: words(['openid', ...appScopes]).optional(),
    response_types: z
      .array(z.enum(['code']))
      .max(1)
      .optional(),
    grant_types: z
      .array(z.enum(['authorization_code', 'refresh_token', 'client_credentials']))
      .max(3)
      .optional(),
    token_endpoint_auth_method: z.enum(authMethods).optional(),
    token_endpoint_auth_signing_alg: z.enum(clientAuthAlgorithms).optional(),
    id_token_signed_response_alg: signing.optional(),
    userinfo_signed_response_alg: signing.optional(),
    introspection_signed_response_alg: signing.optional(),
    id_token_encrypted_response_alg: wrapping.optional(),
    userinfo_encrypted_response_alg: wrapping.optional(),
    id_token_encrypted_response_enc: encrypting.optional(),
    userinfo_encrypted_response_enc: encrypting.optional(),
    require_pushed_authorization_requests: flag.optional(),
    require_auth_time: flag.optional(),
    dpop_bound_access_tokens: flag.optional(),
    default_max_age: z.int().min(0).optional(),
    default_acr_values: z.array(word).max(20).optional(),
    client_secret: z.string().optional(),
    shimin_first_party: flag.optional(),
    shimin_pkce_exempt: flag.optional(),
    shimin_profile: z.enum(['singpass']).optional(),
    shimin_disabled: flag.optional(),
    shimin_retiring_secret: z.strictObject({ hash: z.string(), until: z.number() }).optional(),
    shimin_staff_roles: z.array(z.string()).optional(),
  });
  return known.superRefine((metadata, ctx) => {
    const complain = (path: string, message: AppFaultCode) => ctx.addIssue({ code: 'custom', message, path: [path] });
    for (const name of Object.keys(metadata))
      if (name.startsWith('shimin_') && !(name in known.shape)) complain(name, 'unknown_member');
    for (const [path, code] of conflicts(metadata)) complain(path, code);
  });
}

interface Fitting {
  readonly redirect_uris?: readonly string[] | undefined;
  readonly jwks?: unknown;
  readonly jwks_uri?: string | undefined;
  readonly sector_identifier_uri?: string | undefined;
  readonly subject_type?: string | undefined;
  readonly application_type?: string | undefined;
  readonly scope?: string | undefined;
  readonly response_types?: readonly string[] | undefined;
  readonly token_endpoint_auth_method?: string | undefined;
}

/** Members that are well each by itself and do not go together. */
export function* conflicts(metadata: Fitting): Generator<[keyof Fitting, AppFaultCode]> {
  const { jwks, jwks_uri, redirect_uris = [], token_endpoint_auth_method: method = 'private_key_jwt' } = metadata;
  if (jwks !== undefined && jwks_uri !== undefined) yield ['jwks_uri', 'keys_both'];
  if (method === 'private_key_jwt' && jwks === undefined && jwks_uri === undefined) yield ['jwks', 'keys_needed'];
  if (redirect_uris.length === 0 && metadata.response_types?.length !== 0) yield ['redirect_uris', 'required'];
  // OpenID Connect Core 8.1: redirects to several hosts need to say which sector they are one of.
  const hosts = new Set(redirect_uris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).host));
  const pairwise = metadata.subject_type !== 'public' && metadata.application_type !== 'native';
  if (pairwise && hosts.size > 1 && metadata.sector_identifier_uri === undefined)
    yield ['sector_identifier_uri', 'sector_needed'];
  if (method === 'none' && (metadata.scope ?? '').split(' ').some((scope) => ownScopes.includes(scope)))
    yield ['scope', 'signals_need_secret'];
}

/** Everything that is wrong with an app's metadata. The one judge: whatever writes an app asks it, whoever wants it. */
export function metadataFaults(metadata: Readonly<Record<string, unknown>>, rules: AppRules): readonly AppFault[] {
  const parsed = metadataSchema(rules, metadata.application_type === 'native').safeParse(metadata);
  return parsed.success ? [] : faultsOf(parsed.error);
}

/** Every fault and its place, by the codes of ours. */
export function faultsOf(error: z.ZodError): AppFault[] {
  return error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    code: codeOf(issue),
  }));
}

function codeOf(issue: z.core.$ZodIssue): AppFaultCode {
  const own = appFaultCodes.find((code) => code === issue.message);
  if (own !== undefined) return own;
  if (issue.code === 'too_big') return 'too_long';
  if (issue.code === 'too_small') return 'required';
  return issue.path[0] === 'jwks' ? 'keys_unreadable' : 'invalid';
}
