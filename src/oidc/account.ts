import type { Client, Account as EngineAccount, KoaContextWithOIDC } from 'oidc-provider';
import { assuranceClaim } from '../assurance/claims.ts';
import { isAlive } from '../assurance/evidence.ts';
import { inForce, stops } from '../assurance/interventions.ts';
import { askedFor, narrowVerified } from '../assurance/release.ts';
import { verifiedClaims } from '../assurance/verified-claims.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import { answerOf, type GrantAnswer, type GrantSource, isStillGood } from '../standing/grant.ts';
import { type Standing, type StandingDeps, standingInSession } from '../standing/session.ts';
import { tellable } from '../standing/told.ts';
import type { GrantOrigin } from './grant-origin.ts';
import { releasedNow } from './grants.ts';
import { type LevelNames, levelNames } from './profiles.ts';
import { rowsOfRequest } from './request-rows.ts';

interface Deps extends StandingDeps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

/** What the engine's codes and tokens have in common, as far as levels go. */
interface Source extends GrantOrigin {
  readonly kind?: string;
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly sessionUid?: string | undefined;
  scope?: string | undefined;
  /** The request's `claims` parameter, parsed. */
  readonly claims?: unknown;
}

interface Answerable {
  readonly standing: Standing;
  readonly answer: GrantAnswer;
  readonly names: LevelNames;
  /** Claims that the person agreed to, or that a department is passed, at this moment. */
  readonly may: ReadonlySet<string>;
}

/**
 * The engine's account look-up. At the token endpoint it receives the code or refresh token before tokens are made
 * from it: the level is assessed anew there, so that no token claims more than what holds now. Undefined (refused as
 * `invalid_grant`) when the account may not be used or its identity no longer reaches what the app must have.
 */
export function accountFinder(deps: Deps) {
  return async (ctx: KoaContextWithOIDC, sub: string, source?: Source): Promise<EngineAccount | undefined> => {
    if (!source) {
      const { account, interventions } = await rowsOfRequest(deps, ctx, sub);
      const usable =
        account?.status === 'active' && !inForce(interventions, deps.clock()).some(({ kind }) => stops(kind));
      return usable ? { accountId: sub, claims: () => ({ sub }) } : undefined;
    }
    const standing = await standingOf(deps, { ...source, accountId: sub });
    if (!standing) return undefined;
    const names = levelNames(ctx.oidc.client, standing.policy);
    const grant = grantOf(source, names);
    if (source.kind !== 'AccessToken' && !isStillGood(standing, grant)) return undefined;
    const answer = answerOf(standing, grant);
    const released = await releasedNow(deps.db, ctx.oidc.client, { ...source, accountId: sub });
    // Written on with the token that comes of it: what is agreed to later was not in this one.
    if (source.scope !== undefined) source.scope = released.scope;
    // What is made of a code or refresh token says what holds now; an access token is only answered for.
    if (source.kind !== 'AccessToken') {
      source.acr = answer.acr === undefined ? undefined : names.out(answer.acr);
      source.amr = [...answer.amr];
      source.authTime = answer.authTime;
    }
    return {
      accountId: sub,
      claims: async (_use, scope, requested) =>
        claimsOf(deps, { standing, answer, names, may: released.claims }, scope, requested),
    };
  };
}

/**
 * acr, amr, auth_time and assurance for an introspection answer; null when the token is worth nothing any more. What a
 * refresh token remembers of its sign-in counts only as far as it still holds: a refresh would say no more.
 */
export async function assuranceOfToken(
  deps: Deps,
  source: Source,
  client: Client | undefined,
): Promise<Record<string, unknown> | null> {
  const standing = await standingOf(deps, source);
  if (!standing) return null;
  const names = levelNames(client, standing.policy);
  const grant = grantOf(source, names);
  if (source.kind !== 'AccessToken' && !isStillGood(standing, grant)) return null;
  return levelClaims(standing, answerOf(standing, grant), names);
}

function standingOf(deps: Deps, source: Source): Promise<Standing | null> {
  if (!source.accountId) return Promise.resolve(null);
  return standingInSession(deps, {
    accountId: source.accountId,
    sessionUid: source.sessionUid ?? null,
    interaction: source.made?.interaction ?? null,
    now: deps.clock(),
    clientId: source.clientId ?? null,
  });
}

/** A token of before this was kept came of no interaction, and its label is taken for one that was asked for. */
const grantOf = ({ clientId = '', scope = '', acr, made }: Source, names: LevelNames): GrantSource => ({
  clientId,
  scopes: scope.split(' '),
  made: made ?? { asked: names.in(acr), interaction: null },
});

function levelClaims(
  { assessment }: Standing,
  { acr, amr, authTime, level }: GrantAnswer,
  names: LevelNames,
): Record<string, unknown> {
  return {
    ...(acr === undefined ? undefined : { acr: names.out(acr) }),
    amr,
    ...(authTime === undefined ? undefined : { auth_time: authTime }),
    assurance: assuranceClaim(assessment, level),
  };
}

async function claimsOf(
  deps: Deps,
  { standing, answer, names, may }: Answerable,
  scope: string,
  requested: Record<string, unknown>,
): Promise<{ sub: string; [claim: string]: unknown }> {
  // Of what may leave, what goes into this answer.
  const wanted = askedFor(scope, { userinfo: requested }).claims.filter((claim) => may.has(claim));
  const told = await tellable(deps, standing, new Set(wanted));
  const claims: { sub: string; [claim: string]: unknown } = {
    sub: standing.account.id,
    ...levelClaims(standing, answer, names),
  };
  for (const claim of wanted) {
    const value = claim === 'phone_number_verified' ? told.has('phone_number') || undefined : told.get(claim);
    if (value !== undefined && !claim.includes('.')) claims[claim] = value;
  }
  if (told.has('verified_claims.name')) {
    const known = ['name', 'birthdate'].flatMap((name) => {
      const value = told.get(`verified_claims.${name}`);
      return value === undefined ? [] : [[name, value] as const];
    });
    const verified = verifiedClaims(narrowVerified(requested.verified_claims, new Set(wanted)), {
      assessment: standing.assessment,
      evidence: standing.evidence.filter((item) => isAlive(item, deps.clock())),
      claims: Object.fromEntries(known),
      now: deps.clock(),
    });
    if (verified !== null) claims.verified_claims = verified;
  }
  return claims;
}
