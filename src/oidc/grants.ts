import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import { append } from '../storage/audit.ts';
import { findConsent, saveConsent, wasWithdrawn } from '../storage/consents.ts';
import { type Db, transaction } from '../storage/db.ts';
import { requestedClaims } from './request.ts';

/**
 * Gives the engine a grant of what the citizen agreed to, once per session and app. The engine's grant is what tokens
 * hang on and dies with the session; the consent is remembered on its own.
 */
export function grantLoader(deps: { db: Db; clock: Clock }) {
  return async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    const { client, session, provider } = oidc;
    if (!client || !session?.accountId) return undefined;
    const grantId = session.grantIdFor(client.clientId);
    const existing = grantId ? await provider.Grant.find(grantId) : undefined;
    const wanted = { scopes: [...oidc.requestParamScopes], claims: requestedClaims(oidc.params ?? {}) };
    if (existing && covers(existing, wanted)) return existing;
    const agreed = await agreedTo(deps, session.accountId, client, wanted);
    if (!agreed) return existing;
    const grant = existing ?? new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(agreed.scopes.join(' '));
    grant.addOIDCClaims([...agreed.claims]);
    await grant.save();
    return grant;
  };
}

interface Release {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

/**
 * A department of the city itself is not asked about again (ASVS 10.7.1), but what it was given is written down where
 * the citizen sees it and can take it back.
 */
async function agreedTo(
  deps: { db: Db; clock: Clock },
  accountId: string,
  client: { clientId: string; shimin_first_party?: unknown },
  wanted: Release,
): Promise<Release | null> {
  // Nothing but who signed in: there is nothing to agree to.
  if (client.shimin_first_party === true && wanted.scopes.join() === 'openid' && wanted.claims.length === 0)
    return wanted;
  const known = await findConsent(deps.db, accountId, client.clientId);
  if (client.shimin_first_party !== true) return known;
  if (!known && (await wasWithdrawn(deps.db, accountId, client.clientId))) return null;
  const scopes = [...new Set([...(known?.scopes ?? []), ...wanted.scopes])];
  const claims = [...new Set([...(known?.claims ?? []), ...wanted.claims])];
  if (!known || scopes.length > known.scopes.length || claims.length > known.claims.length) {
    const givenAt = deps.clock();
    await transaction(deps.db, async (tx) => {
      await saveConsent(tx, { accountId, clientId: client.clientId, scopes, claims, givenAt });
      await append(tx, {
        at: givenAt,
        type: 'consent.given',
        actor: { kind: 'app', id: client.clientId },
        accountId,
        clientId: client.clientId,
        requestId: null,
        outcome: 'ok',
        reason: 'city_department',
        data: { scopes, claims },
      });
    });
  }
  return { scopes, claims };
}

function covers(
  grant: { getOIDCScopeEncountered(): string; getOIDCClaimsEncountered(): string[] },
  wanted: { scopes: readonly string[]; claims: readonly string[] },
): boolean {
  const scopes = new Set(grant.getOIDCScopeEncountered().split(' '));
  const claims = new Set(grant.getOIDCClaimsEncountered());
  return wanted.scopes.every((scope) => scopes.has(scope)) && wanted.claims.every((claim) => claims.has(claim));
}
