import { type CryptoKey, importJWK, SignJWT } from 'jose';
import type { Provider } from 'oidc-provider';
import type { Keyring } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type SigningAlgorithm, signingAlgorithms } from '../lib/jwk.ts';
import type { Db } from '../storage/db.ts';
import { subjectAccount } from '../storage/merges.ts';
import { keyEpoch } from '../storage/signing-keys.ts';
import { resourceOf } from './api-tokens.ts';
import { scopesNow } from './app-now.ts';
import { clientEvenIfOff } from './clients.ts';
import { loadKeySet } from './keys.ts';

/** Scopes of an app's own token (client credentials) for its security event streams. */
export const signalScopes = ['ssf.manage', 'ssf.read'] as const;
export type SignalScope = (typeof signalScopes)[number];

export interface AppToken {
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** The resource it is for (RFC 8707); null: none in particular. */
  readonly resource: string | null;
}

/**
 * The app behind a bearer token of its own; null for anything else, so that no token a citizen's sign-in yielded ever
 * manages a stream. A token bound to a key needs a proof that these endpoints don't take, and is refused too.
 */
export async function appOfToken(provider: Provider, value: string): Promise<AppToken | null> {
  const token = await provider.ClientCredentials.find(value);
  if (!token?.clientId || token.isSenderConstrained() || !token.isValid) return null;
  const client = await provider.Client.find(token.clientId);
  if (!client?.grantTypeAllowed('client_credentials')) return null;
  const scopes = new Set((scopesNow(client, token.scope) ?? '').split(' ').filter(Boolean));
  return { clientId: token.clientId, scopes, resource: resourceOf(token) };
}

/** How events about an account reach one app. */
export interface Recipient {
  /** The same `sub` as in the app's ID tokens. */
  readonly subject: string;
  /** What the app agreed to check ID tokens with. */
  readonly algorithm: SigningAlgorithm;
}

/** Null when the app is gone; one that is switched off has its events kept until it is on again. */
export async function recipientOf(
  { provider, db }: { provider: Provider; db: Db },
  subjects: (accountId: string, sector: string) => string,
  clientId: string,
  accountId: string,
): Promise<Recipient | null> {
  const client = await clientEvenIfOff(provider, db, clientId);
  if (!client) return null;
  const { sectorIdentifier, idTokenSignedResponseAlg: agreed } = client;
  const sector = String(sectorIdentifier);
  return {
    subject:
      client.subjectType === 'pairwise' ? subjects(await subjectAccount(db, accountId, sector), sector) : accountId,
    algorithm: signingAlgorithms.find((known) => known === agreed) ?? 'ES256',
  };
}

/** The algorithm in which an app checks what we sign. */
export async function algorithmOf(provider: Provider, clientId: string): Promise<SigningAlgorithm> {
  const agreed = (await provider.Client.find(clientId))?.idTokenSignedResponseAlg;
  return signingAlgorithms.find((known) => known === agreed) ?? 'ES256';
}

interface Signer {
  readonly kid: string;
  readonly key: CryptoKey | Uint8Array;
}

/**
 * Signs security event tokens with the keys that sign ID tokens, so that one `jwks_uri` serves both; the explicit type
 * keeps them apart (RFC 8417 section 4.6). Rotated keys are taken up with the next token.
 */
export function setSigner(deps: { db: Db; keyring: Keyring }) {
  let known: { epoch: number; signers: ReadonlyMap<string, Signer> } | null = null;
  const load = async () => {
    const { jwks, epoch } = await loadKeySet(deps.db, deps.keyring);
    const signers = new Map<string, Signer>();
    // The current key of an algorithm comes first.
    for (const jwk of jwks.keys) {
      const { alg = '', kid = '' } = jwk;
      if (!signers.has(alg)) signers.set(alg, { kid, key: await importJWK(jwk, alg) });
    }
    return { epoch, signers };
  };
  return async (claims: Readonly<Record<string, unknown>>, algorithm: string): Promise<string> => {
    if (known?.epoch !== (await keyEpoch(deps.db))) known = await load();
    const signer = known.signers.get(algorithm);
    if (!signer) throw new ShiminError('key_missing', { status: 500, message: `no current key for ${algorithm}` });
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithm, kid: signer.kid, typ: 'secevent+jwt' })
      .sign(signer.key);
  };
}
