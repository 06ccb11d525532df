import { exportJWK, importJWK } from 'jose';
import * as oidc from 'openid-client';
import { z } from 'zod';
import { guardedFetch } from '../../lib/http.ts';
import type { Bridge, BridgePorts, BridgeStart, ExternalClaims } from '../bridge.ts';
import {
  claimsOfLogin,
  claimsOfMyinfo,
  FOREIGN,
  type IdTokenClaims,
  idTokenClaims,
  levelOf,
  methodsOf,
  userinfoClaims,
} from './claims.ts';
import { isPublished, type OwnKey } from './keys.ts';
import { outcomeOf, refused, statusOf, unavailable } from './outcomes.ts';
import type { SingpassSettings } from './settings.ts';

/** Seconds by which clocks may differ. */
const TOLERANCE = 30;
/** Discovery is asked again after an hour: Singpass wants it kept at least that long. */
const REMEMBER_MS = 3_600_000;
/** Both are in use: one for ID tokens and one for userinfo by the documents, and the other way round in the field. */
const ENCRYPTIONS = ['A256CBC-HS512', 'A256GCM'];

const kept = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  since: z.number(),
  /** The private half of this sign-in's own DPoP key: one key for all its calls, and never for another sign-in. */
  proof: z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() }),
});
type Kept = z.infer<typeof kept>;

/** Singpass by its FAPI 2.0 profile: everything is pushed, each call is signed by us and bound to a key of the sign-in. */
export function singpassBridge(settings: SingpassSettings, keys: readonly OwnKey[], ports: BridgePorts): Bridge {
  let found: { at: number; configuration: Promise<oidc.Configuration> } | null = null;
  const seconds = () => Math.floor(ports.clock().getTime() / 1000);
  const forget = () => {
    found = null;
  };
  const configuration = () => {
    if (found === null || Date.now() - found.at > REMEMBER_MS) {
      const asked = discover(settings, keys, ports).catch((error: unknown) => {
        forget();
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
        const pair = await oidc.randomDPoPKeyPair('ES256', { extractable: true });
        const keep: Kept = {
          state: request.state,
          nonce: oidc.randomNonce(),
          verifier: oidc.randomPKCECodeVerifier(),
          since: seconds(),
          proof: kept.shape.proof.parse(await exportJWK(pair.privateKey)),
        };
        const challenge = await oidc.calculatePKCECodeChallenge(keep.verifier);
        const DPoP = proofs(config, pair);
        const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters(settings, request, keep, challenge), {
          DPoP,
        });
        return { outcome: 'started', url: url.href, keep };
      } catch (error) {
        // Whatever was refused of a pushed request, the person had no part in it.
        return unavailable(error);
      }
    },
    async finish(callback, keep) {
      const own = kept.parse(keep);
      try {
        // RFC 9207, whether the metadata says so or not: with several upstreams, no answer is taken from a wrong one.
        const [issuer, ...more] = callback.searchParams.getAll('iss');
        if (issuer !== settings.issuer || more.length > 0) return refused('answer_invalid', new Error('iss of answer'));
        const config = await configuration();
        const DPoP = proofs(config, await pairOf(own));
        const tokens = await oidc.authorizationCodeGrant(
          config,
          callback,
          {
            expectedState: own.state,
            expectedNonce: own.nonce,
            pkceCodeVerifier: own.verifier,
            idTokenExpected: true,
          },
          undefined,
          { DPoP },
        );
        if (tokens.token_type !== 'dpop') return refused('answer_invalid', new Error('token is not bound to a key'));
        if (!isEncrypted(tokens.id_token ?? '')) return refused('answer_invalid', new Error('ID token not encrypted'));
        const token = idTokenClaims.safeParse(tokens.claims());
        if (!token.success) return refused('answer_invalid', token.error);
        const untimely = timeFault(token.data, own.since, seconds());
        if (untimely !== null) return refused('answer_invalid', new Error(untimely));
        const claims =
          settings.product === 'login'
            ? claimsOfLogin(token.data)
            : await myinfo(config, tokens.access_token, token.data.sub, DPoP);
        return {
          outcome: 'identified',
          identity: {
            subjects: [{ part: 'sub', of: [settings.issuer, settings.clientId, token.data.sub] }],
            level: levelOf(token.data, claims),
            methods: methodsOf(token.data),
            // Singpass tells no auth_time and keeps no session: whoever comes back has just acted in the app.
            authTime: new Date(token.data.iat * 1000),
            claims,
          },
        };
      } catch (error) {
        // An unknown key there may be a new one: the next sign-in looks again.
        if (error instanceof oidc.ClientError && error.code === 'OAUTH_KEY_SELECTION_FAILED') forget();
        return outcomeOf(error);
      }
    },
  };
}

async function discover(
  settings: SingpassSettings,
  keys: readonly OwnKey[],
  { upstream, allowLoopback, timeoutMs }: BridgePorts,
): Promise<oidc.Configuration> {
  const { issuer, clientId } = settings;
  const server = new URL(issuer);
  const fetch = guardedFetch({ allowLoopback, upstream, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  // What they don't say could be anything: an algorithm that is not named here is refused whoever signed with it.
  const metadata = {
    id_token_signed_response_alg: 'ES256',
    userinfo_signed_response_alg: 'ES256',
    [oidc.clockTolerance]: TOLERANCE,
  };
  const config = await oidc.discovery(server, clientId, metadata, await ownAuthentication(keys), {
    [oidc.customFetch]: async (url, init) => onlyEncrypted(await fetch(url, init)),
    // The inner signature is checked although it comes from the token endpoint: a bridge trusts nobody's transport alone.
    execute: [oidc.enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [oidc.allowInsecureRequests] : [])],
  });
  const decrypting = keys.filter(({ use }) => use === 'enc');
  const imported = await Promise.all(decrypting.map(imports));
  oidc.enableDecryptingResponses(config, [...ENCRYPTIONS], ...imported);
  return config;
}

/** The first published key signs: the next one is published behind it, an hour before it takes its place. */
async function ownAuthentication(keys: readonly OwnKey[]): Promise<oidc.ClientAuth> {
  const signing = keys.find((key) => key.use === 'sig' && isPublished(key));
  if (!signing) throw new Error('no key to sign with');
  const { key, kid } = await imports(signing);
  return oidc.PrivateKeyJwt(
    { key, kid },
    {
      [oidc.modifyAssertion]: (header) => {
        header.typ = 'JWT';
      },
    },
  );
}

async function imports({ kty, crv, x, y, d, alg, kid }: OwnKey) {
  const key = await importJWK({ kty, crv, x, y, d }, alg);
  if (key instanceof Uint8Array) throw new Error('not an asymmetric key');
  return { key, alg, kid };
}

/** Singpass demands that a proof says when it ends; RFC 9449 does not know that. */
function proofs(config: oidc.Configuration, pair: oidc.CryptoKeyPair): oidc.DPoPHandle {
  return oidc.getDPoPHandle(config, pair, {
    [oidc.modifyAssertion]: (_header, payload) => {
      payload.exp = Number(payload.iat) + 60;
    },
  });
}

async function pairOf({ proof: { d, ...shared } }: Kept): Promise<oidc.CryptoKeyPair> {
  const [privateKey, publicKey] = await Promise.all([
    importJWK({ ...shared, d }, 'ES256'),
    importJWK(shared, 'ES256', { extractable: true }),
  ]);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new Error('not an asymmetric key');
  return { privateKey, publicKey };
}

function parameters(
  { product, scope, context, asksLevel }: SingpassSettings,
  { redirectUri, state, level }: BridgeStart,
  { nonce }: Kept,
  challenge: string,
): Record<string, string> {
  return {
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...(product === 'login' ? { authentication_context_type: context } : {}),
    ...(asksLevel === 'yes' && level !== null && level !== FOREIGN ? { acr_values: level } : {}),
  };
}

const isEncrypted = (jwt: string): boolean => jwt.trim().split('.').length === 5;

/** The library takes what is signed and not encrypted too; people's data are not sent to us so. */
async function onlyEncrypted(response: Response): Promise<Response> {
  if (!(response.headers.get('content-type') ?? '').startsWith('application/jwt')) return response;
  if (!isEncrypted(await response.clone().text())) throw new TypeError('userinfo not encrypted');
  return response;
}

async function myinfo(
  config: oidc.Configuration,
  accessToken: string,
  sub: string,
  DPoP: oidc.DPoPHandle,
): Promise<ExternalClaims> {
  const ask = () => oidc.fetchUserInfo(config, accessToken, sub, { DPoP });
  // `upstream_dependency_error`: one of the registers behind it did not answer; once more, with a proof of its own.
  const answer = await ask().catch((error: unknown) => {
    if (statusOf(error) === 502) return ask();
    throw error;
  });
  return claimsOfMyinfo(userinfoClaims.parse(answer).person_info);
}

/** What the library leaves to its callers: tokens from the future, and from before we asked. */
function timeFault({ iat }: IdTokenClaims, since: number, now: number): string | null {
  if (iat > now + TOLERANCE) return 'iat is in the future';
  return iat < since - TOLERANCE ? 'iat is before the request' : null;
}
