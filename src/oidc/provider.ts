import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import Provider, { type Adapter, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { acrLabels } from '../assurance/mapping.ts';
import { claimsOfScope } from '../assurance/release.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { ShiminError } from '../lib/errors.ts';
import { clientAuthAlgorithms, contentEncryptions, keyWraps, signingAlgorithms } from '../lib/jwk.ts';
import type { Db } from '../storage/db.ts';
import type { Decision } from '../storage/decisions.ts';
import { subjectAccount } from '../storage/merges.ts';
import { currentPolicy } from '../storage/policies.ts';
import type { StandingReader } from '../storage/standing.ts';
import { accountFinder, assuranceOfToken } from './account.ts';
import { apiScope, tokenResource } from './api-tokens.ts';
import { asRegistered, ifRegistered, narrowGrants, scopesNow } from './app-now.ts';
import { type Browsers, bindToBrowser, guardResume } from './browser-binding.ts';
import { clientDefaults, rememberClients, retiringMatches, secretMatches } from './clients.ts';
import { carryOrigins } from './grant-origin.ts';
import { grantLoader, releasedNow } from './grants.ts';
import type { KeySet } from './keys.ts';
import { boundWork, countBegun, type OpenWork } from './open-work.ts';
import { engineFetch } from './outgoing.ts';
import { assurancePolicy } from './policy.ts';
import { assertionCheck, fapiOf, profileDoor, profileFault } from './profiles.ts';
import type { ShadowWatch } from './shadow.ts';
import { signalScopes } from './signals.ts';

/** Pages that the engine asks for, made by the web folder. */
export interface EnginePages {
  error(
    ctx: KoaContextWithOIDC,
    out: { error: string; error_description?: string | undefined },
    cause: unknown,
  ): Promise<void>;
  logout(ctx: KoaContextWithOIDC, formHtml: string): Promise<void>;
  loggedOut(ctx: KoaContextWithOIDC): Promise<void>;
}

export interface ProviderDeps {
  readonly issuer: string;
  readonly db: Db;
  readonly readStanding: StandingReader;
  readonly clock: Clock;
  readonly keyring: Keyring;
  readonly keys: KeySet;
  readonly acrValues: readonly string[];
  readonly adapter: (name: string) => Adapter;
  /** True for exactly one caller per issuer and jti, over all processes. */
  readonly recordDecision: (decision: Decision) => Promise<void>;
  readonly shadow: ShadowWatch;
  readonly replayUnique: (issuer: string, jti: string, expSeconds: number) => Promise<boolean>;
  /** One unit of work per request of the engine. */
  readonly requestScope: () => (ctx: unknown, next: () => Promise<unknown>) => Promise<void>;
  readonly pages: EnginePages;
  readonly browsers: Browsers;
  readonly openWork: OpenWork;
  readonly trustedProxies: number;
  /** Refused in production by the settings; the engine otherwise cuts connections to special-use addresses. */
  readonly allowLoopback: boolean;
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** The engine, configured. Made anew when keys rotate; all state is in the store, so that costs nobody a session. */
export function createProvider(deps: ProviderDeps): Provider {
  const provider = new Provider(deps.issuer, configuration(deps));
  if (deps.trustedProxies > 0) provider.proxy = true;
  hardenClient(provider, deps.clock);
  rememberClients(provider, deps.db);
  narrowGrants(provider);
  carryOrigins(provider);
  // The engine's own check is find-then-save: two at once would both pass (RFC 7523 section 3, jti).
  Object.assign(provider.ReplayDetection, { unique: deps.replayUnique });
  provider.use(deps.requestScope());
  const refuse = async (ctx: KoaContextWithOIDC, error: ShiminError) => {
    ctx.status = error.status;
    if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter));
    const out = { error: error.status === 429 ? error.code : 'invalid_request' };
    // An app's own server reads no page.
    if (ctx.oidc?.route === 'pushed_authorization_request') ctx.body = out;
    else await deps.pages.error(ctx, out, error);
  };
  boundWork(provider, deps.openWork, refuse);
  guardResume(provider, deps.browsers, refuse);
  provider.use(async (ctx, next) => {
    await next();
    await answerIntrospection(deps, ctx as KoaContextWithOIDC);
    await answerDiscovery(deps, ctx as KoaContextWithOIDC);
  });
  return provider;
}

function configuration(deps: ProviderDeps): Configuration {
  const secure = deps.issuer.startsWith('https:');
  const cookie = (name: string) => `shimin_${name}`;
  const pairwise = pairwiseSubjects(deps.keyring.pairwiseSalt);
  return {
    adapter: deps.adapter,
    jwks: deps.keys.jwks,
    clientDefaults,
    findAccount: asRegistered(accountFinder(deps)),
    loadExistingGrant: ifRegistered(grantLoader(deps)),
    acrValues: [...deps.acrValues],
    subjectTypes: ['pairwise', 'public'],
    pairwiseIdentifier: async (_ctx, accountId, client) => {
      const sector = String(client.sectorIdentifier);
      return pairwise(await subjectAccount(deps.db, accountId, sector), sector);
    },
    responseTypes: ['code'],
    // The last two are for apps' own tokens: security event streams (CAEP interoperability profile, 2.7.2).
    // What is asked for, where the policy holds resources and actions to levels of their own.
    extraParams: { resource: null, action: null, authentication_context_type: profileDoor(deps) },
    scopes: ['openid', 'offline_access', 'profile', 'phone', ...signalScopes, apiScope],
    extraTokenClaims: tokenResource(deps.issuer),
    // Listed under openid, so that they are in every ID token without being asked for (design, section 1).
    claims: {
      openid: [...claimsOfScope.openid],
      profile: [...claimsOfScope.profile],
      phone: [...claimsOfScope.phone],
      verified_claims: null,
    },
    interactions: {
      policy: assurancePolicy(deps),
      async url(ctx, interaction) {
        if (await countBegun(deps.openWork, ctx, interaction)) await bindToBrowser(deps.browsers, ctx, interaction);
        return `/interaction/${interaction.uid}`;
      },
    },
    pkce: { required: (_ctx, client) => client.shimin_pkce_exempt !== true },
    rotateRefreshToken: true,
    // Bound to the SSO session unless offline_access was asked for and agreed to.
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    extraClientMetadata: {
      properties: ['shimin_pkce_exempt', 'shimin_first_party', 'shimin_retiring_secret', 'shimin_profile'],
      validator: (_ctx, name, value) => profileFault(name, value),
    },
    assertJwtClientAuthClaimsAndHeader: async (ctx, claims, _header, client) => assertionCheck(ctx, claims, client),
    enabledJWA: {
      idTokenSigningAlgValues: [...signingAlgorithms],
      userinfoSigningAlgValues: [...signingAlgorithms],
      introspectionSigningAlgValues: [...signingAlgorithms],
      clientAuthSigningAlgValues: [...clientAuthAlgorithms],
      dPoPSigningAlgValues: ['ES256', 'EdDSA'],
      idTokenEncryptionAlgValues: [...keyWraps],
      idTokenEncryptionEncValues: [...contentEncryptions],
      userinfoEncryptionAlgValues: [...keyWraps],
      userinfoEncryptionEncValues: [...contentEncryptions],
    },
    clientAuthMethods: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      claimsParameter: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: { enabled: true },
      // For apps under a profile only; encryption for any that registers it.
      fapi: { enabled: true, profile: (_ctx, client) => fapiOf(client) },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      introspection: {
        enabled: true,
        // A token is nobody's business but its own client's (RFC 7662 section 4).
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => deps.pages.logout(ctx, form),
        postLogoutSuccessSource: (ctx) => deps.pages.loggedOut(ctx),
      },
      userinfo: { enabled: true },
      resourceIndicators: { enabled: false },
    },
    renderError: (ctx, out, error) => deps.pages.error(ctx, out, error),
    cookies: {
      keys: deps.keyring.cookieKeys,
      names: {
        session: secure ? '__Host-shimin_session' : cookie('session'),
        interaction: cookie('interaction'),
        resume: cookie('resume'),
      },
      long: { httpOnly: true, sameSite: 'lax', signed: true, secure, path: '/' },
      short: { httpOnly: true, sameSite: 'lax', signed: true, secure },
    },
    ttl: {
      AccessToken: 10 * minute,
      AuthorizationCode: minute,
      ClientCredentials: 10 * minute,
      IdToken: 10 * minute,
      Interaction: 30 * minute,
      PushedAuthorizationRequest: minute,
      RefreshToken: (_ctx, token) => Math.max(1, 14 * day - token.totalLifetime()),
      Session: 30 * day,
      Grant: 30 * day,
    },
    // The engine reads bodies without a limit unless told (reference/security.md 2.2).
    fetchResponseBodyLimits: { jwks_uri: 64 * 1024, sector_identifier_uri: 64 * 1024 },
    fetch: engineFetch({ allowLoopback: deps.allowLoopback }),
  };
}

/** A keyed hash over sector and account (OpenID Connect Core 8.1); the engine asks several times per answer. */
export function pairwiseSubjects(salt: string): (accountId: string, sector: string) => string {
  const known = new LRUCache<string, string>({ max: 10_000 });
  return (accountId, sector) => {
    const name = `${sector}\n${accountId}`;
    const subject = known.get(name) ?? createHmac('sha256', salt).update(name).digest('base64url');
    known.set(name, subject);
    return subject;
  };
}

function hardenClient(provider: Provider, clock: Clock): void {
  Object.defineProperty(provider.Client.prototype, 'compareClientSecret', {
    value(this: { clientSecret?: string; shimin_retiring_secret?: unknown }, actual: string) {
      return (
        secretMatches(actual, this.clientSecret ?? '') || retiringMatches(actual, this.shimin_retiring_secret, clock())
      );
    },
  });
}

/** Introspection does not look the account up: answer from the ledger, so that a level never outlives its evidence. */
async function answerIntrospection(deps: ProviderDeps, ctx: KoaContextWithOIDC): Promise<void> {
  if (ctx.oidc?.route !== 'introspection' || typeof ctx.body !== 'object' || ctx.body === null) return;
  const body = ctx.body as { active?: boolean };
  const token = ctx.oidc.entities.AccessToken ?? ctx.oidc.entities.RefreshToken;
  if (!body.active || !token) return;
  const claims = await assuranceOfToken(deps, token, ctx.oidc.client);
  const registered = scopesNow(ctx.oidc.client, token.scope);
  const { scope } = await releasedNow(deps.db, ctx.oidc.client, { accountId: token.accountId, scope: registered });
  ctx.body = claims ? { ...body, ...(registered === undefined ? {} : { scope }), ...claims } : { active: false };
}

/** The engine lists the levels of the policy it was made under; another may be in force since. */
async function answerDiscovery({ db }: ProviderDeps, ctx: KoaContextWithOIDC): Promise<void> {
  if (ctx.oidc?.route !== 'discovery' || typeof ctx.body !== 'object' || ctx.body === null) return;
  ctx.body = { ...ctx.body, acr_values_supported: acrLabels((await currentPolicy(db)).document) };
}

/** Puts that answer in place of the one with tokens which were never written, shaped as the engine shapes errors. */
export function answerReplay(context: unknown, error: Error): void {
  const ctx = context as KoaContextWithOIDC;
  const { status, error: code, error_description } = replayError();
  ctx.status = status;
  ctx.body = { error: code, error_description };
  ctx.oidc.provider.emit('grant.error', ctx, error);
}

/** What a replayed single-use artefact answers (RFC 6749 section 5.2). */
export function replayError(): InstanceType<typeof errors.InvalidGrant> {
  return new errors.InvalidGrant('grant request is invalid');
}
