import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Db } from '../storage/db.ts';
import { findConsent } from '../storage/consents.ts';
import { requestedClaims } from './request.ts';

/**
 * Gives the engine a grant of what the citizen agreed to, once per session and app. The engine's grant is what tokens
 * hang on and dies with the session; the consent is remembered on its own.
 */
export function grantLoader(deps: { db: Db }) {
  return async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    const { client, session, provider } = oidc;
    if (!client || !session?.accountId) return undefined;
    const grantId = session.grantIdFor(client.clientId);
    const existing = grantId ? await provider.Grant.find(grantId) : undefined;
    const wanted = { scopes: [...oidc.requestParamScopes], claims: requestedClaims(oidc.params ?? {}) };
    if (existing && covers(existing, wanted)) return existing;
    const agreed = client.shimin_first_party === true ? wanted : await findConsent(deps.db, session.accountId, client.clientId);
    if (!agreed) return existing;
    const grant = existing ?? new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(agreed.scopes.join(' '));
    grant.addOIDCClaims([...agreed.claims]);
    await grant.save();
    return grant;
  };
}

function covers(
  grant: { getOIDCScopeEncountered(): string; getOIDCClaimsEncountered(): string[] },
  wanted: { scopes: readonly string[]; claims: readonly string[] },
): boolean {
  const scopes = new Set(grant.getOIDCScopeEncountered().split(' '));
  const claims = new Set(grant.getOIDCClaimsEncountered());
  return wanted.scopes.every((scope) => scopes.has(scope)) && wanted.claims.every((claim) => claims.has(claim));
}
