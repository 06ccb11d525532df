import { z } from 'zod';
import type { App } from '../storage/apps.ts';
import { appScopes, authMethods, ownScopes } from './app-check.ts';
import { type AppSettings, appLocales } from './app-settings.ts';

/** OpenID Connect client metadata (RFC 7591 section 2) from settings; what settings don't speak of stays as it was. */
export function metadataWith(known: Readonly<Record<string, unknown>>, settings: AppSettings): Record<string, unknown> {
  const ownTokens = settings.scopes.some((scope) => ownScopes.includes(scope));
  const logout = settings.backchannelLogoutUri;
  // A signing algorithm was chosen for keys; without keys the engine refuses it.
  const { token_endpoint_auth_signing_alg: alg, ...rest } = known;
  const next = {
    ...rest,
    application_type: settings.applicationType === 'native' ? 'native' : null,
    subject_type: known.subject_type ?? 'pairwise',
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      ...(settings.refreshTokens ? ['refresh_token'] : []),
      ...(ownTokens ? ['client_credentials'] : []),
    ],
    scope: ['openid', ...settings.scopes].join(' '),
    client_name: settings.name['zh-Hans'],
    redirect_uris: settings.redirectUris,
    post_logout_redirect_uris: settings.postLogoutUris,
    client_uri: settings.clientUri,
    logo_uri: settings.logoUri,
    token_endpoint_auth_method: settings.authMethod,
    token_endpoint_auth_signing_alg: settings.authMethod === 'private_key_jwt' ? alg : null,
    jwks: settings.jwks,
    jwks_uri: settings.jwksUri,
    backchannel_logout_uri: logout,
    backchannel_logout_session_required: logout === null ? null : true,
    sector_identifier_uri: settings.sectorIdentifierUri,
    shimin_first_party: settings.firstParty ? true : null,
  };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null && value !== undefined));
}

const uris = z.array(z.string()).catch([]);
const uri = z.string().nullable().catch(null);
const metadataShape = z.object({
  application_type: z.enum(['web', 'native']).catch('web'),
  redirect_uris: uris,
  post_logout_redirect_uris: uris,
  client_uri: uri,
  logo_uri: uri,
  token_endpoint_auth_method: z.enum(authMethods).catch('private_key_jwt'),
  jwks: z
    .object({ keys: z.array(z.looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']), kid: z.string() })) })
    .nullable()
    .catch(null),
  jwks_uri: uri,
  backchannel_logout_uri: uri,
  sector_identifier_uri: uri,
  scope: z.string().catch(''),
  grant_types: uris,
  shimin_first_party: z.boolean().catch(false),
});

/** The settings of an app that exists, for a form. */
export function settingsOf(app: App): AppSettings {
  const metadata = metadataShape.parse(app.metadata);
  const scopes = metadata.scope.split(' ');
  const texts = (given: App['name']): AppSettings['name'] => {
    const [zhHans = '', zhHant = '', en = '', pt = ''] = appLocales.map((locale) => given[locale] ?? '');
    return { 'zh-Hans': zhHans, 'zh-Hant': zhHant, en, pt };
  };
  return {
    name: texts(app.name),
    purpose: texts(app.purpose),
    ownerName: app.ownerName,
    applicationType: metadata.application_type,
    redirectUris: metadata.redirect_uris,
    postLogoutUris: metadata.post_logout_redirect_uris,
    clientUri: metadata.client_uri,
    logoUri: metadata.logo_uri,
    authMethod: metadata.token_endpoint_auth_method,
    jwks: metadata.jwks,
    jwksUri: metadata.jwks_uri,
    backchannelLogoutUri: metadata.backchannel_logout_uri,
    sectorIdentifierUri: metadata.sector_identifier_uri,
    scopes: appScopes.filter((scope) => scopes.includes(scope)),
    refreshTokens: metadata.grant_types.includes('refresh_token'),
    firstParty: metadata.shimin_first_party,
  };
}
