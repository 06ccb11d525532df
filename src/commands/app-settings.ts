import { z } from 'zod';
import {
  type AppFault,
  type AppFaultCode,
  type AppRules,
  anyLandingFault,
  appScopes,
  authMethods,
  checked,
  conflicts,
  distinct,
  faultsOf,
  keySet,
  landingFault,
  outboundUriFault,
  webUriFault,
} from './app-check.ts';

/** The city speaks four languages: what people read about an app is there in each. */
export const appLocales = ['zh-Hans', 'zh-Hant', 'en', 'pt'] as const;

const text = (longest: number) => z.string().trim().min(1).max(longest);
const texts = (longest: number) =>
  z.strictObject({ 'zh-Hans': text(longest), 'zh-Hant': text(longest), en: text(longest), pt: text(longest) });

/** Settings as the console's form and the Admin API take them; their values are judged as those of metadata are. */
export const appSettingsSchema = (rules: AppRules) => {
  const page = checked((value) => webUriFault(value, rules));
  const landing = checked((value) => anyLandingFault(value, rules));
  const outbound = checked((value) => outboundUriFault(value, rules));
  return z
    .strictObject({
      name: texts(60),
      purpose: texts(200),
      ownerName: text(100),
      /** `native`: it runs on people's own devices (RFC 8252), and may be called back by a scheme of its own. */
      applicationType: z.enum(['web', 'native']).default('web'),
      redirectUris: distinct(landing, 20).min(1),
      postLogoutUris: distinct(landing, 20),
      clientUri: page.nullable(),
      logoUri: page.nullable(),
      authMethod: z.enum(authMethods),
      jwks: keySet.nullable(),
      jwksUri: outbound.nullable(),
      backchannelLogoutUri: outbound.nullable(),
      sectorIdentifierUri: outbound.nullable(),
      scopes: z.array(z.enum(appScopes)),
      refreshTokens: z.boolean(),
      /** A department of the city: people are told what it receives, and not asked. */
      firstParty: z.boolean(),
    })
    .superRefine((settings, ctx) => {
      const complain = (path: (string | number)[], message: AppFaultCode) =>
        ctx.addIssue({ code: 'custom', message, path });
      const native = settings.applicationType === 'native';
      for (const field of ['redirectUris', 'postLogoutUris'] as const)
        for (const [index, uri] of settings[field].entries()) {
          const code = landingFault(uri, native, rules);
          if (code !== null && anyLandingFault(uri, rules) === null) complain([field, index], code);
        }
      const said = {
        application_type: settings.applicationType,
        redirect_uris: settings.redirectUris,
        jwks: settings.jwks ?? undefined,
        jwks_uri: settings.jwksUri ?? undefined,
        sector_identifier_uri: settings.sectorIdentifierUri ?? undefined,
        token_endpoint_auth_method: settings.authMethod,
        scope: settings.scopes.join(' '),
      };
      // An empty list is a fault of the list itself.
      for (const [member, code] of conflicts(said)) if (member !== 'redirect_uris') complain([settingOf(member)], code);
    });
};

const settingNames: Readonly<Record<string, keyof AppSettings>> = {
  client_uri: 'clientUri',
  logo_uri: 'logoUri',
  redirect_uris: 'redirectUris',
  post_logout_redirect_uris: 'postLogoutUris',
  token_endpoint_auth_method: 'authMethod',
  jwks: 'jwks',
  jwks_uri: 'jwksUri',
  backchannel_logout_uri: 'backchannelLogoutUri',
  sector_identifier_uri: 'sectorIdentifierUri',
  scope: 'scopes',
};

/** The setting that a member of metadata comes from; a member without one keeps its name. */
export const settingOf = (member: string): string => settingNames[member] ?? member;

export type AppSettings = z.infer<ReturnType<typeof appSettingsSchema>>;

/** Settings that may stand, or every fault and its place. */
export function parseAppSettings(
  input: unknown,
  rules: AppRules,
): { ok: true; settings: AppSettings } | { ok: false; faults: readonly AppFault[] } {
  const parsed = appSettingsSchema(rules).safeParse(input);
  return parsed.success ? { ok: true, settings: parsed.data } : { ok: false, faults: faultsOf(parsed.error) };
}

/** Short and lower-case, since it is in addresses; `new` is a page. */
export const appId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,62}[a-z0-9]$/)
  .refine((id) => id !== 'new');
