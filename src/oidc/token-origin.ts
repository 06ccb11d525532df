import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { Provider } from 'oidc-provider';
import { z } from 'zod';
import type { Keyring } from '../lib/crypto.ts';
import type { Db } from '../storage/db.ts';
import { sessionsOfSecond } from '../storage/past.ts';
import { signingKeys } from '../storage/signing-keys.ts';
import { pairwiseSubjects } from './provider.ts';
import { recipientOf } from './signals.ts';

/** Where a token comes from: enough to find the decision it rests on. */
export interface TokenOrigin {
  readonly accountId: string;
  readonly clientId: string;
  readonly sessionUid: string;
  readonly issuedAt: Date;
}

/**
 * Reads a token that somebody complains about: an access or refresh token of ours while it is on file, or an ID token
 * that any of our keys ever signed, however old. Null: it is none of these, or what it says leads nowhere.
 */
export async function tokenOrigin(
  deps: { provider: Provider; db: Db; keyring: Keyring },
  token: string,
): Promise<TokenOrigin | null> {
  return token.split('.').length === 3 ? ofIdToken(deps, token) : ofOpaqueToken(deps.provider, token);
}

async function ofOpaqueToken(provider: Provider, token: string): Promise<TokenOrigin | null> {
  const found = (await provider.AccessToken.find(token)) ?? (await provider.RefreshToken.find(token));
  const { accountId, clientId, sessionUid, iat } = found ?? {};
  if (!accountId || !clientId || !sessionUid || iat === undefined) return null;
  return { accountId, clientId, sessionUid, issuedAt: new Date(iat * 1000) };
}

const claimsOfIdToken = z.object({
  sub: z.string(),
  aud: z.string(),
  iat: z.number().int(),
  auth_time: z.number().int(),
});

/** `sub` is a keyed hash that nobody can turn back; the second of the authentication leaves few accounts to try. */
async function ofIdToken(deps: Parameters<typeof tokenOrigin>[0], token: string): Promise<TokenOrigin | null> {
  const claims = claimsOfIdToken.safeParse(await signedByUs(deps.db, token));
  if (!claims.success) return null;
  const { sub, aud: clientId, iat, auth_time: authTime } = claims.data;
  const subjects = pairwiseSubjects(deps.keyring.pairwiseSalt);
  for (const { accountId, sessionUid } of await sessionsOfSecond(deps.db, new Date(authTime * 1000))) {
    const recipient = await recipientOf(deps, subjects, clientId, accountId);
    if (recipient?.subject === sub) return { accountId, clientId, sessionUid, issuedAt: new Date(iat * 1000) };
  }
  return null;
}

/** What a JWT of ours says; null: we did not sign it. Its lifetime is not asked: old tokens are what is explained. */
async function signedByUs(db: Db, token: string): Promise<unknown> {
  const keys = await signingKeys(db);
  try {
    const { kid, alg = '' } = decodeProtectedHeader(token);
    const key = keys.find((each) => each.kid === kid && each.alg === alg);
    if (!key) return null;
    const { payload } = await compactVerify(token, await importJWK(key.publicJwk, alg), { algorithms: [alg] });
    return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return null; // Not a JWT, or not as we signed it: both are somebody else's tokens.
  }
}
