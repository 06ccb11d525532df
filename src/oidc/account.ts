import type { Client, Account as EngineAccount, KoaContextWithOIDC } from 'oidc-provider';
import { assess, bestLevel, isAlive } from '../assurance/assess.ts';
import { assuranceClaim } from '../assurance/claims.ts';
import { inForce, stops } from '../assurance/interventions.ts';
import { requirementFor, satisfies } from '../assurance/requirement.ts';
import { verifiedClaims } from '../assurance/verified-claims.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import { contactsOf } from '../storage/accounts.ts';
import { personOf } from '../storage/persons.ts';
import { type LevelNames, levelNames } from './profiles.ts';
import { rowsOfRequest } from './request-rows.ts';
import { loadStanding, type Standing, type StandingDeps } from './standing.ts';

interface Deps extends StandingDeps {
  readonly clock: Clock;
  readonly keyring: Keyring;
}

/** What the engine's codes and tokens have in common, as far as levels go. */
interface Source {
  readonly kind?: string;
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly sessionUid?: string | undefined;
  readonly scope?: string | undefined;
  acr?: string | undefined;
  authTime?: number | undefined;
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
    if (source.kind !== 'AccessToken') {
      if (!stillGood(standing, source, deps.clock())) return undefined;
      source.acr = acrNow(standing, source, names);
    }
    return {
      accountId: sub,
      claims: async (_use, scope, requested) => claimsOf(deps, { standing, source, names }, scope, requested),
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
  if (source.acr === undefined) return levelClaims(standing, source, names);
  if (!stillGood(standing, source, deps.clock())) return null;
  return levelClaims(standing, { acr: acrNow(standing, source, names) }, names);
}

function standingOf(deps: Deps, source: Source): Promise<Standing | null> {
  if (!source.accountId) return Promise.resolve(null);
  return loadStanding(deps, {
    accountId: source.accountId,
    sessionUid: source.sessionUid ?? null,
    interaction: 'newest',
    now: deps.clock(),
    clientId: source.clientId ?? null,
  });
}

function judge(standing: Standing, source: Source, label: string | undefined, at = standing.assessment) {
  const claimsAcr = label === undefined ? undefined : { essential: true, values: [label] };
  const requirement = requirementFor(standing.policy, source.clientId ?? '', {
    acrValues: [],
    prompt: [],
    scopes: (source.scope ?? '').split(' '),
    ...(claimsAcr ? { claimsAcr } : undefined),
  });
  return satisfies(at, requirement, standing.policy, { interaction: null, offered: true, events: standing.events });
}

/** The label the token was made with while it holds, else the best that does; as the app calls it. */
function acrNow(standing: Standing, source: Source, names: LevelNames): string | undefined {
  const asked = judge(standing, source, names.in(source.acr));
  const now = asked.kind === 'met' ? asked.label : bestLevel(standing.policy, standing.assessment)?.level;
  return now === undefined ? undefined : names.out(now);
}

/**
 * The age of a sign-in alone does not end a refresh token (it has a lifetime of its own); a lost identity does. So the
 * app's floor is judged as of the sign-in, with only the evidence that is still alive.
 */
function stillGood(standing: Standing, source: Source, now: Date): boolean {
  if (judge(standing, source, undefined).kind === 'met') return true;
  const alive = standing.evidence.filter((item) => isAlive(item, now));
  const signedInAt = new Date(Math.max(0, ...standing.events.map((event) => event.at.getTime())));
  const then = assess(standing.policy, alive, standing.events, signedInAt, { interaction: null });
  return judge(standing, source, undefined, then).kind === 'met';
}

function levelClaims(standing: Standing, source: Source, names: LevelNames): Record<string, unknown> {
  const { assessment, policy } = standing;
  const best = bestLevel(policy, assessment)?.level;
  const acr = source.acr ?? (best === undefined ? undefined : names.out(best));
  return {
    ...(acr === undefined ? undefined : { acr }),
    amr: assessment.amr,
    ...(assessment.authTime ? { auth_time: Math.floor(assessment.authTime.getTime() / 1000) } : undefined),
    assurance: assuranceClaim(assessment, best ?? null),
  };
}

async function claimsOf(
  deps: Deps,
  { standing, source, names }: { standing: Standing; source: Source; names: LevelNames },
  scope: string,
  requested: Record<string, unknown>,
): Promise<{ sub: string; [claim: string]: unknown }> {
  const scopes = new Set(scope.split(' '));
  const { account } = standing;
  const claims: { sub: string; [claim: string]: unknown } = {
    sub: account.id,
    ...levelClaims(standing, source, names),
  };
  const wants = (name: string, byScope: string) => scopes.has(byScope) || name in requested;
  const person =
    wants('name', 'profile') || 'verified_claims' in requested
      ? await personOf(deps.db, deps.keyring, account.id)
      : null;
  if (wants('locale', 'profile')) claims.locale = account.locale;
  if (person && wants('name', 'profile')) claims.name = person.name;
  if (wants('phone_number', 'phone') || 'phone_number_verified' in requested) {
    const phone = (await contactsOf(deps.db, deps.keyring, account.id)).find((contact) => contact.kind === 'phone');
    if (phone) Object.assign(claims, { phone_number: phone.value, phone_number_verified: true });
  }
  if ('verified_claims' in requested && person) {
    const known = { name: person.name, ...(person.birthDate ? { birthdate: person.birthDate } : undefined) };
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
