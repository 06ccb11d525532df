import type { Provider } from 'oidc-provider';
import { type SigningAlgorithm, signingAlgorithms } from '../lib/jwk.ts';

/** Scopes of an app's own token (client credentials) for its security event streams. */
export const signalScopes = ['ssf.manage', 'ssf.read'] as const;
export type SignalScope = (typeof signalScopes)[number];

export interface AppToken {
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
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
  return { clientId: token.clientId, scopes: new Set((token.scope ?? '').split(' ').filter(Boolean)) };
}

/** How events about an account reach one app. */
export interface Recipient {
  /** The same `sub` as in the app's ID tokens. */
  readonly subject: string;
  /** What the app agreed to check ID tokens with. */
  readonly algorithm: SigningAlgorithm;
}

/** Null when the app is gone. */
export async function recipientOf(
  provider: Provider,
  subjects: (accountId: string, sector: string) => string,
  clientId: string,
  accountId: string,
): Promise<Recipient | null> {
  const client = await provider.Client.find(clientId);
  if (!client) return null;
  const { sectorIdentifier, idTokenSignedResponseAlg: agreed } = client;
  return {
    subject: client.subjectType === 'pairwise' ? subjects(accountId, String(sectorIdentifier)) : accountId,
    algorithm: signingAlgorithms.find((known) => known === agreed) ?? 'ES256',
  };
}
