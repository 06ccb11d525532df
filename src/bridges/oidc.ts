import * as oidc from 'openid-client';
import { z } from 'zod';
import { ShiminError } from '../lib/errors.ts';
import { guardedFetch } from '../lib/http.ts';
import type { Upstream } from '../lib/upstream.ts';
import type { Bridge, BridgeRefusal, BridgeResult, BridgeStart, ExternalClaims, ExternalIdentity } from './bridge.ts';

export interface OidcBridgeSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /** The one algorithm of its ID tokens: whoever could choose it could choose a weak one. */
  readonly algorithm: 'RS256' | 'PS256' | 'ES256' | 'EdDSA';
  /** Sends the level wanted as an essential `acr`; false for providers that break on it. */
  readonly asksLevel: boolean;
  /** Which of its levels will do where one is wanted: that one and those above it. That one alone unless given. */
  readonly levelsFrom?: (level: string) => readonly string[];
  /** What its claims say in our words. */
  readonly claims: (claims: Readonly<Record<string, unknown>>) => ExternalClaims;
  readonly allowLoopback?: boolean;
  readonly timeoutMs?: number;
  readonly upstream: Upstream;
}

const kept = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  freshSince: z.number().nullable(),
});
const texts = z.array(z.string()).catch([]);

/** Seconds by which clocks may differ. */
const TOLERANCE = 30;

/** Any OpenID Connect provider that keeps to the standard: code flow with PKCE, nonce and `iss` (RFC 9207, RFC 9700 2.1). */
export function oidcBridge(settings: OidcBridgeSettings): Bridge {
  let found: { at: number; configuration: Promise<oidc.Configuration> } | null = null;
  const configuration = () => {
    // Asked again every ten minutes, so that what the provider changes is noticed without a restart.
    if (found === null || Date.now() - found.at > 600_000) {
      const asked = discover(settings).catch((error: unknown) => {
        found = null;
        throw error;
      });
      found = { at: Date.now(), configuration: asked };
    }
    return found.configuration;
  };

  return {
    async start(request) {
      try {
        const config = await configuration();
        const keep = {
          state: request.state,
          nonce: oidc.randomNonce(),
          verifier: oidc.randomPKCECodeVerifier(),
          freshSince: request.fresh ? Math.floor(Date.now() / 1000) : null,
        };
        const challenge = await oidc.calculatePKCECodeChallenge(keep.verifier);
        const url = oidc.buildAuthorizationUrl(config, parameters(settings, request, keep.nonce, challenge));
        return { outcome: 'started', url: url.href, keep };
      } catch (error) {
        return unavailable(error);
      }
    },
    async finish(callback, keep) {
      const own = kept.parse(keep);
      try {
        const config = await configuration();
        const tokens = await oidc.authorizationCodeGrant(config, callback, {
          expectedState: own.state,
          expectedNonce: own.nonce,
          pkceCodeVerifier: own.verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) return refused('answer_invalid');
        const untimely = timeFault(claims, own.freshSince);
        if (untimely !== null) return refused('answer_invalid', new Error(untimely));
        const more = config.serverMetadata().userinfo_endpoint
          ? await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
          : {};
        return { outcome: 'identified', identity: identityOf(settings, claims, { ...more, ...claims }) };
      } catch (error) {
        return resultOf(error);
      }
    },
  };
}

async function discover(settings: OidcBridgeSettings): Promise<oidc.Configuration> {
  const { issuer, clientId, clientSecret, algorithm, allowLoopback = false, timeoutMs, upstream } = settings;
  const server = new URL(issuer);
  const guards = { allowLoopback, upstream, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const metadata = { id_token_signed_response_alg: algorithm, [oidc.clockTolerance]: TOLERANCE };
  return oidc.discovery(server, clientId, metadata, oidc.ClientSecretBasic(clientSecret), {
    [oidc.customFetch]: guardedFetch(guards),
    // The ID token's signature is checked although it comes from the token endpoint: a bridge trusts nobody's transport alone.
    execute: [oidc.enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [oidc.allowInsecureRequests] : [])],
  });
}

function parameters(
  { scope, asksLevel, levelsFrom = (each) => [each] }: OidcBridgeSettings,
  { redirectUri, state, level, locale, fresh }: BridgeStart,
  nonce: string,
  challenge: string,
): Record<string, string> {
  const acr =
    asksLevel && level !== null ? { id_token: { acr: { essential: true, values: levelsFrom(level) } } } : null;
  return {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ui_locales: locale,
    ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
    ...(acr === null ? {} : { claims: JSON.stringify(acr) }),
  };
}

/** What the library leaves to its callers: tokens from the future (OpenID Connect Core 3.1.3.7, 10), and sign-ins that were asked for anew. */
function timeFault(claims: Readonly<Record<string, unknown>>, freshSince: number | null): string | null {
  const latest = Date.now() / 1000 + TOLERANCE;
  const { iat, auth_time: authTime } = claims;
  if (typeof iat === 'number' && iat > latest) return 'iat is in the future';
  if (typeof authTime === 'number' && authTime > latest) return 'auth_time is in the future';
  if (freshSince === null) return null;
  return typeof authTime === 'number' && authTime >= freshSince - TOLERANCE ? null : 'not signed in anew';
}

/** How and when the person signed in only the signed ID token says; what else there is of them may come from userinfo. */
function identityOf(
  settings: OidcBridgeSettings,
  signed: Readonly<Record<string, unknown>>,
  all: Readonly<Record<string, unknown>>,
): ExternalIdentity {
  const { sub, acr, amr, auth_time: authTime } = signed;
  return {
    // A subject is its issuer's and, being pairwise perhaps, its client's (OpenID Connect Core 8).
    subjects: [{ part: 'sub', of: [settings.issuer, settings.clientId, String(sub)] }],
    level: typeof acr === 'string' ? acr : null,
    methods: texts.parse(amr),
    authTime: typeof authTime === 'number' ? new Date(authTime * 1000) : null,
    claims: settings.claims({ ...all, acr, amr, auth_time: authTime }),
  };
}

const refused = (reason: BridgeRefusal, cause?: unknown): BridgeResult => ({
  outcome: 'refused',
  reason,
  ...(cause === undefined ? {} : { cause }),
});

function unavailable(cause: unknown): { outcome: 'unavailable'; retryAfter: number; cause: unknown } {
  const fault = faultOfUpstream(cause);
  return { outcome: 'unavailable', retryAfter: fault?.retryAfter ?? 30, cause };
}

/** Our own fault of the outbound call, however deep the library has wrapped it. */
function faultOfUpstream(error: unknown): ShiminError | null {
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth += 1)
    if (each instanceof ShiminError && each.code.startsWith('upstream_')) return each;
  return null;
}

/** Not what the protocol speaks at all: an error page of something in between. */
const unusable = new Set(['OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_RESPONSE_IS_NOT_CONFORM']);

const byAuthorizationError: Readonly<Record<string, BridgeRefusal>> = {
  access_denied: 'cancelled',
  login_required: 'cancelled',
  interaction_required: 'cancelled',
  consent_required: 'cancelled',
};

function resultOf(error: unknown): BridgeResult {
  if (faultOfUpstream(error)) return unavailable(error);
  if (error instanceof oidc.AuthorizationResponseError) {
    if (['temporarily_unavailable', 'server_error'].includes(error.error)) return unavailable(error);
    return refused(byAuthorizationError[error.error] ?? 'denied', error);
  }
  if (error instanceof oidc.ResponseBodyError) {
    if (error.status >= 500) return unavailable(error);
    // A code that was used or is too old (RFC 6749 5.2).
    return refused(error.error === 'invalid_grant' ? 'expired' : 'denied', error);
  }
  // Our own credentials are not taken, or the token that was just given is not.
  if (error instanceof oidc.WWWAuthenticateChallengeError) return refused('denied', error);
  if (error instanceof oidc.ClientError && unusable.has(error.code ?? '')) return unavailable(error);
  return refused('answer_invalid', error);
}
