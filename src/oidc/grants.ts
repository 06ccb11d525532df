import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import {
  type Agreement,
  agreementNow,
  askedFor,
  isBare,
  isDepartment,
  isPassedOn,
  type Release,
  toAsk,
  together,
  within,
} from '../assurance/release.ts';
import type { Clock } from '../lib/clock.ts';
import { append } from '../storage/audit.ts';
import { consentWith, saveConsent } from '../storage/consents.ts';
import { type Db, transaction } from '../storage/db.ts';
import { requestedRelease } from './request.ts';

interface Deps {
  readonly db: Db;
  readonly clock: Clock;
}

interface Owner {
  readonly clientId: string;
  readonly shimin_first_party?: unknown;
}

/** Requests about which nothing is left to ask. */
const settled = new WeakSet<object>();

/**
 * Gives the engine a grant of what the citizen agreed to, once per session and app. The engine's grant is what tokens
 * hang on and dies with the session; the consent is remembered on its own, and is asked anew by each request.
 */
export function grantLoader(deps: Deps) {
  return async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    const { client, session, provider } = oidc;
    if (!client || !session?.accountId) return undefined;
    const grantId = session.grantIdFor(client.clientId);
    const existing = grantId ? await provider.Grant.find(grantId) : undefined;
    const asked = requestedRelease(oidc.params ?? {});
    const held = await heldBy(deps, session.accountId, client, asked);
    if (held === null) return existing;
    const granted = within(asked, held);
    const claims = [...new Set(granted.claims.map((claim) => claim.split('.')[0] ?? claim))];
    if (toAsk(asked, { ...held, basis: 'agreed', withdrawn: false }, false) === null) settled.add(ctx);
    if (existing && covers(existing, { scopes: granted.scopes, claims })) return existing;
    const grant = existing ?? new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(granted.scopes.join(' '));
    grant.addOIDCClaims(claims);
    await grant.save();
    return grant;
  };
}

/**
 * The engine asks for consent by scopes and names of claims; in place of that, claim by claim as it leaves. With
 * `prompt=none` there is nobody to ask: the app is told so (OpenID Connect Core 3.1.2.6), and gets nothing less instead.
 */
export function askAboutClaims(policy: interactionPolicy.DefaultPolicy): void {
  const consent = policy.get('consent');
  if (!consent) throw new Error('engine without consent prompt');
  for (const reason of ['op_scopes_missing', 'op_claims_missing']) consent.checks.remove(reason);
  consent.checks.add(
    new interactionPolicy.Check(
      'claims_missing',
      'the End-User has not agreed to all that is requested',
      'consent_required',
      (ctx) => !settled.has(ctx),
    ),
  );
}

async function heldBy(deps: Deps, accountId: string, client: Owner, asked: Release): Promise<Release | null> {
  const department = isDepartment(client);
  if (department && isBare(asked)) return asked;
  const on = await consentWith(deps.db, accountId, client.clientId);
  if (!isPassedOn(asked, on, department)) return agreementNow(on, department);
  return grows(on, asked) ? passOn(deps, accountId, client, asked) : on;
}

const grows = (on: Release | null, asked: Release) => {
  const all = together(on, asked);
  return on === null || all.scopes.length > on.scopes.length || all.claims.length > on.claims.length;
};

/**
 * What a department of the city receives is not asked about, but written down where the citizen sees it and can take it back.
 * Judged once more where nobody else writes: what is being taken back meanwhile is not brought back.
 */
function passOn(deps: Deps, accountId: string, { clientId }: Owner, asked: Release): Promise<Release | null> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const on: Agreement | null = await consentWith(tx, accountId, clientId);
    if (!isPassedOn(asked, on, true) || !grows(on, asked)) return agreementNow(on, true);
    const { scopes, claims } = together(on, asked);
    await saveConsent(tx, { accountId, clientId, scopes, claims, basis: 'city_rules', givenAt: at });
    await append(tx, {
      at,
      type: 'claims.passed_on',
      actor: { kind: 'app', id: clientId },
      accountId,
      clientId,
      requestId: null,
      outcome: 'ok',
      reason: 'city_department',
      data: { scopes: [...scopes], claims: [...claims] },
    });
    return { scopes, claims };
  });
}

/**
 * What was asked for when a code or token was made and may still be told: what is agreed to at this moment, whatever was when
 * the token was made.
 */
export async function releasedNow(
  db: Db,
  client: Owner | undefined,
  source: { readonly accountId?: string | undefined; readonly scope?: string | undefined; readonly claims?: unknown },
): Promise<{ scope: string; claims: ReadonlySet<string> }> {
  const asked = askedFor(source.scope, source.claims);
  if (asked.claims.length === 0 || !client || !source.accountId)
    return { scope: source.scope ?? '', claims: new Set<string>() };
  const held = agreementNow(await consentWith(db, source.accountId, client.clientId), isDepartment(client));
  const { claims } = within(asked, held);
  // Of scopes, those that stand for claims: what else an app may do hangs on its registration.
  const { scopes } = within(asked, { scopes: asked.scopes, claims });
  return { scope: scopes.join(' '), claims: new Set(claims) };
}

function covers(
  grant: { getOIDCScopeEncountered(): string; getOIDCClaimsEncountered(): string[] },
  wanted: { scopes: readonly string[]; claims: readonly string[] },
): boolean {
  const scopes = new Set(grant.getOIDCScopeEncountered().split(' '));
  const claims = new Set(grant.getOIDCClaimsEncountered());
  return wanted.scopes.every((scope) => scopes.has(scope)) && wanted.claims.every((claim) => claims.has(claim));
}
