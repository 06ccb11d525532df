import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';

export interface AreaClient {
  readonly issuer: string;
  readonly clientId: string;
  /** A shared secret, or a private key for `private_key_jwt` (RFC 7523). */
  readonly clientSecret?: string;
  readonly privateKey?: { key: CryptoKey; kid: string };
}

/** What a login asks of the issuer beyond a plain sign-in. */
export interface LoginWish {
  readonly acr?: string | undefined;
  readonly maxAge?: number | undefined;
  readonly locale?: string | undefined;
}

/** Our own area's side of OpenID Connect: discovery is done on first use, because the issuer is this very server. */
export function areaClient(client: AreaClient, redirectUri: string, scope: string) {
  let found: Promise<oidc.Configuration> | undefined;
  const configuration = () => {
    found ??= discover(client).catch((error) => {
      found = undefined; // The next person tries again.
      throw unreachable(error) ?? error;
    });
    return found;
  };
  return {
    async begin(wish: LoginWish) {
      const config = await configuration();
      const keep = { state: oidc.randomState(), nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() };
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope,
        state: keep.state,
        nonce: keep.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(keep.verifier),
        code_challenge_method: 'S256',
        ...(wish.locale === undefined ? undefined : { ui_locales: wish.locale }),
        ...(wish.maxAge === undefined ? undefined : { max_age: String(wish.maxAge) }),
        // Essential: the issuer reaches the level or refuses (OpenID Connect Core 5.5.1.1); acr_values alone is a wish.
        ...(wish.acr === undefined
          ? undefined
          : {
              acr_values: wish.acr,
              claims: JSON.stringify({ id_token: { acr: { essential: true, values: [wish.acr] } } }),
            }),
      });
      return { url: url.href, keep };
    },
    async finish(url: URL, keep: { state: string; nonce: string; verifier: string; maxAge?: number | undefined }) {
      const tokens = await oidc
        .authorizationCodeGrant(await configuration(), url, {
          expectedState: keep.state,
          expectedNonce: keep.nonce,
          pkceCodeVerifier: keep.verifier,
          idTokenExpected: true,
          ...(keep.maxAge === undefined ? undefined : { maxAge: keep.maxAge }),
        })
        .catch((error: unknown) => {
          throw unreachable(error) ?? error;
        });
      return { claims: tokens.claims() ?? {}, idToken: tokens.id_token ?? '' };
    },
    /** `state` comes back with the person, whatever they chose. */
    async endSessionUrl(idToken: string, postLogoutRedirectUri: string | undefined, state: string) {
      return oidc.buildEndSessionUrl(await configuration(), {
        id_token_hint: idToken,
        ...(postLogoutRedirectUri === undefined
          ? undefined
          : { post_logout_redirect_uri: postLogoutRedirectUri, state }),
      }).href;
    },
    async logoutToken(token: string, now: Date) {
      const metadata = (await configuration()).serverMetadata();
      const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''));
      return verifyLogoutToken(token, { keys, issuer: metadata.issuer, clientId: client.clientId, now });
    },
  };
}

/**
 * The issuer is this very server, yet it is asked over the network: a proxy, a name or a certificate in between can be broken.
 * Null: it was reached.
 */
function unreachable(error: unknown): ShiminError | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    const status =
      each instanceof oidc.ResponseBodyError || each instanceof oidc.WWWAuthenticateChallengeError ? each.status : 0;
    const odd = each instanceof oidc.ClientError && each.cause instanceof Response ? each.cause.status : status;
    const timedOut = each instanceof oidc.ClientError && each.code === 'OAUTH_TIMEOUT';
    if (odd < 500 && !timedOut && !(each instanceof TypeError && each.message === 'fetch failed')) continue;
    return new ShiminError('upstream_unavailable', {
      status: 503,
      retryAfter: 5,
      cause: error,
      message: 'our own issuer can not be reached',
    });
  }
  return null;
}

async function discover(client: AreaClient): Promise<oidc.Configuration> {
  const server = new URL(client.issuer);
  const auth = client.privateKey
    ? oidc.PrivateKeyJwt(client.privateKey)
    : client.clientSecret === undefined
      ? oidc.None()
      : oidc.ClientSecretBasic(client.clientSecret);
  // Plain http only where the issuer itself is plain http, which configuration allows on loopback alone.
  const execute = server.protocol === 'http:' ? [oidc.allowInsecureRequests] : [];
  return oidc.discovery(server, client.clientId, undefined, auth, { execute });
}

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
const logoutClaims = z
  .object({
    iat: z.number(),
    jti: z.string().min(1),
    sub: z.string().optional(),
    sid: z.string().optional(),
    // A nonce would make it an ID token: section 2.4 forbids it.
    nonce: z.undefined().optional(),
    events: z.object({ [logoutEvent]: z.object({}) }),
  })
  .refine((claims) => claims.sub !== undefined || claims.sid !== undefined);

export type LogoutClaims = z.infer<typeof logoutClaims>;

/** OpenID Connect Back-Channel Logout 1.0, section 2.6. */
export async function verifyLogoutToken(
  token: string,
  expected: { keys: Parameters<typeof jwtVerify>[1]; issuer: string; clientId: string; now: Date },
): Promise<LogoutClaims> {
  const { payload } = await jwtVerify(token, expected.keys, {
    issuer: expected.issuer,
    audience: expected.clientId,
    typ: 'logout+jwt',
    currentDate: expected.now,
    clockTolerance: 30,
    maxTokenAge: 300,
  });
  return logoutClaims.parse(payload);
}
