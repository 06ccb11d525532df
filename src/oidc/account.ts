import type { Client, Account as EngineAccount, KoaContextWithOIDC } from 'oidc-provider';
import { assuranceClaim } from '../assurance/claims.ts';
import { isAlive } from '../assurance/evidence.ts';
import { inForce, stops } from '../assurance/interventions.ts';
import { isNamed } from '../assurance/untied.ts';
import { verifiedClaims } from '../assurance/verified-claims.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import { answerOf, type GrantAnswer, type GrantSource, isStillGood } from '../standing/grant.ts';
import { namedRecord } from '../standing/named-record.ts';
import { type Standing, type StandingDeps, standingInSession } from '../standing/session.ts';
import { contactsOf } from '../storage/accounts.ts';
import { personOf } from '../storage/persons.ts';
import type { GrantOrigin } from './grant-origin.ts';
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
  readonly scope?: string | undefined;
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
    // What is made of a code or refresh token says what holds now; an access token is only answered for.
    if (source.kind !== 'AccessToken') {
      source.acr = answer.acr === undefined ? undefined : names.out(answer.acr);
      source.amr = [...answer.amr];
      source.authTime = answer.authTime;
    }
    return {
      accountId: sub,
      claims: async (_use, scope, requested) => claimsOf(deps, { standing, answer, names }, scope, requested),
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
  { standing, answer, names }: { standing: Standing; answer: GrantAnswer; names: LevelNames },
  scope: string,
  requested: Record<string, unknown>,
): Promise<{ sub: string; [claim: string]: unknown }> {
  const scopes = new Set(scope.split(' '));
  const { account } = standing;
  const claims: { sub: string; [claim: string]: unknown } = {
    sub: account.id,
    ...levelClaims(standing, answer, names),
  };
  const wants = (name: string, byScope: string) => scopes.has(byScope) || name in requested;
  const person =
    isNamed(standing.assessment) && (wants('name', 'profile') || 'verified_claims' in requested)
      ? await personOf(deps.db, deps.keyring, account.id)
      : null;
  if (wants('locale', 'profile')) claims.locale = account.locale;
  const proved = namedRecord(person, standing.assessment);
  if (proved?.name && wants('name', 'profile')) claims.name = proved.name;
  if (wants('phone_number', 'phone') || 'phone_number_verified' in requested) {
    const phone = (await contactsOf(deps.db, deps.keyring, account.id)).find((contact) => contact.kind === 'phone');
    if (phone) Object.assign(claims, { phone_number: phone.value, phone_number_verified: true });
  }
  if ('verified_claims' in requested && proved?.name) {
    const known = { name: proved.name, ...(proved.birthDate ? { birthdate: proved.birthDate } : undefined) };
    const verified = verifiedClaims(requested.verified_claims, {
      assessment: standing.assessment,
      evidence: standing.evidence.filter((item) => isAlive(item, deps.clock())),
      claims: known,
      now: deps.clock(),
    });
    if (verified !== null) claims.verified_claims = verified;
  }
  return claims;
}
