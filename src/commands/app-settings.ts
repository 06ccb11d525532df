import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import { isPublicAddress, literalAddress } from '../lib/outbound-address.ts';

/** The city speaks four languages: what people read about an app is there in each. */
export const appLocales = ['zh-Hans', 'zh-Hant', 'en', 'pt'] as const;
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
  'keys_unreadable',
  'keys_private',
  'keys_needed',
  'keys_both',
  'sector_needed',
  'sector_unreadable',
  'sector_incomplete',
  'signals_need_secret',
] as const;
export type AppFaultCode = (typeof appFaultCodes)[number];

/** Where in the settings, and what. */
export interface AppFault {
  readonly path: readonly (string | number)[];
  readonly code: AppFaultCode;
}

const text = (longest: number) => z.string().trim().min(1).max(longest);
const texts = (longest: number) =>
  z.strictObject({ 'zh-Hans': text(longest), 'zh-Hant': text(longest), en: text(longest), pt: text(longest) });

interface Rules {
  /** The city on one machine: plain http to this machine is well. Refused in production by the settings. */
  readonly allowLoopback: boolean;
}

const loopback = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '[::1]';

function webUri(value: string, { allowLoopback }: Rules): AppFaultCode | null {
  if (!URL.canParse(value) || /[\s\\*]/.test(value)) return 'uri_invalid';
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return 'uri_credentials';
  // RFC 6749 section 3.1.2: no fragment. RFC 9700 section 2.1: https, but for an app on the same machine.
  if (value.includes('#')) return 'uri_fragment';
  if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:' && loopback(url.hostname)))
    return 'uri_https';
  return null;
}

/**
 * An address that our servers call themselves: none of our own network (reference/security.md, SSRF). Names are resolved
 * and checked again at each call, by the connection itself; this tells the admin early.
 */
function outboundUri(value: string, rules: Rules): AppFaultCode | null {
  const fault = webUri(value, rules);
  if (fault !== null) return fault;
  const { hostname } = new URL(value);
  if (rules.allowLoopback && loopback(hostname)) return null;
  const literal = literalAddress(hostname);
  if (literal !== null) return isPublicAddress(literal, rules.allowLoopback) ? null : 'uri_private';
  const inside = !hostname.includes('.') || /\.(localhost|local|internal|intranet|lan|home\.arpa)\.?$/.test(hostname);
  return inside ? 'uri_private' : null;
}

const checked = (check: (value: string) => AppFaultCode | null) =>
  z
    .string()
    .max(2000)
    .superRefine((value, ctx) => {
      const code = check(value);
      if (code !== null) ctx.addIssue({ code: 'custom', message: code });
    });

const distinct = <T extends z.ZodType<string>>(each: T, most: number) =>
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
  .refine((key) => !['d', 'p', 'q', 'k'].some((member) => member in key), 'keys_private')
  .refine(isKey, 'keys_unreadable');

/** The engine reads keys when it first needs them: a wrong one would be found by the app's first sign-in. */
function isKey(jwk: JsonWebKey): boolean {
  try {
    createPublicKey({ key: jwk, format: 'jwk' });
    return true;
  } catch {
    return false; // Node says why in words of OpenSSL, which help nobody.
  }
}

export const appSettingsSchema = (rules: Rules) => {
  const page = checked((value) => webUri(value, rules));
  const outbound = checked((value) => outboundUri(value, rules));
  return z
    .strictObject({
      name: texts(60),
      purpose: texts(200),
      ownerName: text(100),
      redirectUris: distinct(page, 20).min(1),
      postLogoutUris: distinct(page, 20),
      clientUri: page.nullable(),
      logoUri: page.nullable(),
      authMethod: z.enum(authMethods),
      jwks: z.strictObject({ keys: z.array(jwk).min(1, 'keys_unreadable').max(10, 'too_many') }).nullable(),
      jwksUri: outbound.nullable(),
      backchannelLogoutUri: outbound.nullable(),
      sectorIdentifierUri: outbound.nullable(),
      scopes: z.array(z.enum(appScopes)),
      refreshTokens: z.boolean(),
      /** A department of the city: people are told what it receives, and not asked. */
      firstParty: z.boolean(),
    })
    .superRefine((settings, ctx) => {
      const complain = (path: string, message: AppFaultCode) => ctx.addIssue({ code: 'custom', message, path: [path] });
      const { jwks, jwksUri } = settings;
      if (jwks !== null && jwksUri !== null) complain('jwksUri', 'keys_both');
      if (settings.authMethod === 'private_key_jwt' && jwks === null && jwksUri === null)
        complain('jwks', 'keys_needed');
      // OpenID Connect Core 8.1: redirects to several hosts need to say which sector they are one of.
      const hosts = new Set(settings.redirectUris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri).host));
      if (hosts.size > 1 && settings.sectorIdentifierUri === null) complain('sectorIdentifierUri', 'sector_needed');
      if (settings.authMethod === 'none' && settings.scopes.some((scope) => ownScopes.includes(scope)))
        complain('scopes', 'signals_need_secret');
    });
};

export type AppSettings = z.infer<ReturnType<typeof appSettingsSchema>>;

/** Settings that may stand, or every fault and its place. */
export function parseAppSettings(
  input: unknown,
  rules: Rules,
): { ok: true; settings: AppSettings } | { ok: false; faults: readonly AppFault[] } {
  const parsed = appSettingsSchema(rules).safeParse(input);
  if (parsed.success) return { ok: true, settings: parsed.data };
  const faults = parsed.error.issues.map((issue) => ({
    path: issue.path.map((part) => (typeof part === 'number' ? part : String(part))),
    code: codeOf(issue),
  }));
  return { ok: false, faults };
}

function codeOf(issue: z.core.$ZodIssue): AppFaultCode {
  const own = appFaultCodes.find((code) => code === issue.message);
  if (own !== undefined) return own;
  if (issue.code === 'too_big') return 'too_long';
  if (issue.code === 'too_small') return 'required';
  return issue.path[0] === 'jwks' ? 'keys_unreadable' : 'invalid';
}

/** Short and lower-case, since it is in addresses; `new` is a page. */
export const appId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,62}[a-z0-9]$/)
  .refine((id) => id !== 'new');
