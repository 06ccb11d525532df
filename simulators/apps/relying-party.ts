import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteJWKSet, decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import type { AppConfig, LevelName } from './config.ts';
import { decrypting, newProofKeys, proof, unwrapped } from './fapi.ts';
import type { Locale } from './language.ts';
import { createLogoutTokenVerifier, type LogoutTokenVerifier } from './logout-token.ts';
import type { Pending, SignedIn, Tokens } from './sessions.ts';

const RETRY_AFTER_MS = [200, 600, 1200];
const METADATA_MS = 3600 * 1000;
const ID_TOKEN_ALG = 'ES256';

/** The provider could not be reached or has no usable metadata. */
export class ProviderUnreachable extends Error {
  override name = 'ProviderUnreachable';
}

export interface StartOptions {
  readonly locale: Locale;
  readonly level: LevelName;
  /** Essential: the provider meets the level or refuses. Otherwise it is the level we would like (acr_values). */
  readonly essential?: boolean;
  readonly prompt?: 'none' | 'login' | 'consent';
  readonly idTokenHint?: string;
  readonly expectedSub?: string;
  readonly withdraw?: Pending['withdraw'];
}

export interface RelyingParty {
  start(options: StartOptions): Promise<{ url: URL; pending: Pending }>;
  finish(currentUrl: URL, pending: Pending): Promise<SignedIn>;
  refresh(person: SignedIn): Promise<SignedIn>;
  userinfo(person: SignedIn): Promise<SignedIn>;
  endSessionUrl(idToken: string, locale: Locale): Promise<URL>;
  verifyLogoutToken: LogoutTokenVerifier;
}

interface Known {
  readonly config: client.Configuration;
  readonly verify: LogoutTokenVerifier;
  readonly until: number;
}

async function clientAuth(app: AppConfig): Promise<client.ClientAuth> {
  if ('secret' in app.auth) return client.ClientSecretBasic(app.auth.secret);
  const { privateJwk } = app.auth;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', privateJwk, algorithm, false, ['sign']);
  return client.PrivateKeyJwt({ key, kid: privateJwk.kid });
}

function personFrom(response: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers): SignedIn {
  const claims = response.claims();
  const idToken = response.id_token;
  if (claims === undefined || idToken === undefined) throw new Error('the answer holds no ID token');
  const text = (name: string) => (typeof claims[name] === 'string' ? claims[name] : undefined);
  const tokens: Tokens = {
    access_token: response.access_token,
    token_type: response.token_type,
    expires_in: response.expires_in,
    scope: response.scope,
    refresh_token: response.refresh_token,
  };
  return {
    sub: claims.sub,
    acr: text('acr'),
    amr: Array.isArray(claims.amr) ? claims.amr.filter((each) => typeof each === 'string') : [],
    authTime: typeof claims.auth_time === 'number' ? claims.auth_time : undefined,
    sid: text('sid'),
    idToken,
    header: { ...decodeProtectedHeader(idToken) },
    claims,
    tokens,
    userinfo: undefined,
  };
}

/** What the app asks of claims: the level as essential (OIDC Core 5.5.1.1), and the checked name where it is of use. */
function claimsParameter(app: AppConfig, options: StartOptions, server: client.ServerMetadata): string | undefined {
  const idToken = options.essential === true ? { acr: { essential: true, value: options.level } } : undefined;
  const verified = server.verified_claims_supported === true && app.kind === 'social-insurance';
  const userinfo = verified
    ? { verified_claims: { verification: { trust_framework: null }, claims: { name: null } } }
    : undefined;
  if (idToken === undefined && userinfo === undefined) return undefined;
  return JSON.stringify({ ...(idToken && { id_token: idToken }), ...(userinfo && { userinfo }) });
}

export function createRelyingParty(app: AppConfig, issuer: string, base: string): RelyingParty {
  let known: Known | undefined;
  let asking: Promise<Known> | undefined;
  const redirectUri = `${base}/callback`;

  async function discover(): Promise<Known> {
    const server = new URL(issuer);
    const metadata = {
      id_token_signed_response_alg: ID_TOKEN_ALG,
      ...(app.fapi && { userinfo_signed_response_alg: ID_TOKEN_ALG }),
      [client.clockTolerance]: 5,
    };
    const execute = server.protocol === 'http:' ? [client.allowInsecureRequests] : [];
    for (let attempt = 0; ; attempt += 1) {
      try {
        const config = await client.discovery(server, app.clientId, metadata, await clientAuth(app), {
          execute,
          timeout: 10,
        });
        if (app.fapi) await decrypting(config, app.fapi);
        const jwksUri = config.serverMetadata().jwks_uri;
        if (jwksUri === undefined) throw new Error('the provider publishes no keys');
        const verify = createLogoutTokenVerifier({
          issuer: config.serverMetadata().issuer,
          clientId: app.clientId,
          keys: createRemoteJWKSet(new URL(jwksUri)),
          algorithms: [ID_TOKEN_ALG],
        });
        // The verifier remembers used tokens, so it outlives a renewal of the metadata.
        return { config, verify: known?.verify ?? verify, until: Date.now() + METADATA_MS };
      } catch (cause) {
        const wait = RETRY_AFTER_MS[attempt];
        if (wait === undefined) throw new ProviderUnreachable('discovery failed', { cause });
        await sleep(wait);
      }
    }
  }

  /** Lazy: the provider may start after the app; stale metadata is better than none. */
  async function provider(): Promise<Known> {
    if (known !== undefined && known.until > Date.now()) return known;
    asking ??= discover().finally(() => {
      asking = undefined;
    });
    try {
      known = await asking;
    } catch (error) {
      if (known === undefined) throw error;
    }
    return known;
  }

  async function readUserinfo(person: SignedIn): Promise<SignedIn> {
    const { config } = await provider();
    const { access_token } = person.tokens;
    const bound = proof(config, person.proofKeys);
    // The sub of userinfo must be that of the ID token (OIDC Core 5.3.2); openid-client compares them.
    return { ...person, userinfo: await client.fetchUserInfo(config, access_token, person.sub, bound) };
  }

  return {
    async start(options) {
      const { config } = await provider();
      const pending: Pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
        level: options.level,
        createdAt: Date.now(),
        ...(app.fapi && { proofKeys: await newProofKeys() }),
        ...(options.expectedSub !== undefined && { expectedSub: options.expectedSub }),
        ...(options.withdraw !== undefined && { withdraw: options.withdraw }),
      };
      // OIDC Core 11: offline_access is ignored unless the request asks for consent.
      const offline = app.scope.split(' ').includes('offline_access');
      const prompt = options.prompt ?? (offline ? 'consent' : undefined);
      const claims = claimsParameter(app, options, config.serverMetadata());
      const parameters = {
        redirect_uri: redirectUri,
        scope: app.scope,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256',
        ui_locales: options.locale,
        ...(options.essential !== true && { acr_values: options.level }),
        ...(prompt !== undefined && { prompt }),
        ...(claims !== undefined && { claims }),
        ...(options.idTokenHint !== undefined && { id_token_hint: options.idTokenHint }),
      };
      const url = app.pushed
        ? await client.buildAuthorizationUrlWithPAR(config, parameters, proof(config, pending.proofKeys))
        : client.buildAuthorizationUrl(config, parameters);
      return { url, pending };
    },
    async finish(currentUrl, pending) {
      const { config } = await provider();
      const checks = {
        pkceCodeVerifier: pending.codeVerifier,
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
      };
      const bound = proof(config, pending.proofKeys);
      const response = await client.authorizationCodeGrant(config, currentUrl, checks, undefined, bound);
      const person = { ...personFrom(response), proofKeys: pending.proofKeys };
      // Name and phone are a courtesy of the page: signing in does not fail for want of them.
      return await readUserinfo(person).catch(() => person);
    },
    async refresh(person) {
      const { config } = await provider();
      const response = await client.refreshTokenGrant(config, person.tokens.refresh_token ?? '');
      // A refresh need not bring an ID token or a new refresh token (OIDC Core 12.2): then the old ones stay.
      const next = response.id_token === undefined ? undefined : personFrom(response);
      if (next !== undefined && next.sub !== person.sub)
        throw new Error('the refreshed ID token is about another person');
      return {
        ...person,
        ...next,
        sid: next?.sid ?? person.sid,
        userinfo: person.userinfo,
        tokens: {
          access_token: response.access_token,
          token_type: response.token_type,
          expires_in: response.expires_in,
          scope: response.scope ?? person.tokens.scope,
          refresh_token: response.refresh_token ?? person.tokens.refresh_token,
        },
      };
    },
    userinfo: readUserinfo,
    async endSessionUrl(idToken, locale) {
      const { config } = await provider();
      return client.buildEndSessionUrl(config, {
        // One that only we can read would tell the provider nothing.
        ...(app.fapi === undefined && { id_token_hint: idToken }),
        post_logout_redirect_uri: `${base}/`,
        ui_locales: locale,
      });
    },
    async verifyLogoutToken(token) {
      const { verify } = await provider();
      return verify(app.fapi ? await unwrapped(token, app.fapi) : token);
    },
  };
}
