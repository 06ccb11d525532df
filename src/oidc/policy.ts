import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { type AcrRequest, requirementFor, satisfies, type Verdict } from '../assurance/requirement.ts';
import type { Clock } from '../lib/clock.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Standing, type StandingDeps, standingInSession } from '../standing/session.ts';
import { transaction } from '../storage/db.ts';
import type { Decision } from '../storage/decisions.ts';
import { adoptEvents, upsertSessionRecord } from '../storage/sessions.ts';
import { decisionOf } from './decision.ts';
import { noteMade } from './grant-origin.ts';
import { askAboutClaims } from './grants.ts';
import { wasOffered } from './interaction.ts';
import { levelNames } from './profiles.ts';
import { acrRequest } from './request.ts';
import { forgetRows, rowsOfRequest } from './request-rows.ts';
import type { ShadowWatch } from './shadow.ts';

/** `reauthenticate`: the person has to act again; `level`: more has to be proved than the session holds. */
type Answer = 'satisfied' | 'reauthenticate' | 'level';

interface PolicyDeps extends StandingDeps {
  readonly clock: Clock;
  readonly recordDecision: (decision: Decision) => Promise<void>;
  readonly shadow: ShadowWatch;
}

const { base, Check } = interactionPolicy;
const replaced = ['max_age', 'essential_acrs', 'essential_acr'];

/**
 * The engine's interaction policy with its three string comparisons replaced by one assessment of evidence and events
 * at the time of the request. The check that passes writes `acr`, `amr` and `auth_time` for this answer; nobody reads
 * them back as the truth.
 */
export function assurancePolicy(deps: PolicyDeps): interactionPolicy.Prompt[] {
  const policy = base();
  askAboutClaims(policy);
  const login = policy.get('login');
  if (!login) throw new ShiminError('internal', { status: 500, message: 'engine without login prompt' });
  for (const reason of replaced) login.checks.remove(reason);

  // The engine runs the checks of one prompt together: both share one decision.
  const decisions = new WeakMap<object, Promise<Answer>>();
  const decision = (ctx: KoaContextWithOIDC) => {
    const known = decisions.get(ctx);
    if (known) return known;
    const fresh = decide(deps, ctx);
    decisions.set(ctx, fresh);
    return fresh;
  };
  login.checks.add(
    new Check(
      'reauthentication',
      'End-User has to authenticate again',
      'login_required',
      async (ctx) => (await decision(ctx)) === 'reauthenticate',
    ),
  );
  login.checks.add(
    new Check(
      'assurance',
      'the requested level of assurance is not met',
      'unmet_authentication_requirements',
      async (ctx) => (await decision(ctx)) === 'level',
    ),
  );
  return policy;
}

async function decide(deps: PolicyDeps, ctx: KoaContextWithOIDC): Promise<Answer> {
  const { oidc } = ctx;
  const session = oidc.session;
  const accountId = session?.accountId;
  // Nobody is signed in: the engine's own `no_session` check asks.
  if (!session || !accountId || !oidc.client) return 'satisfied';
  const now = deps.clock();
  const interaction = oidc.entities.Interaction?.cid ?? null;
  if (interaction !== null && oidc.result?.login) {
    await adopt(deps, ctx, { interaction, accountId, uid: session.uid, now });
  }
  const rows = await rowsOfRequest(deps, ctx, accountId);
  const standing = await standingInSession(deps, {
    accountId,
    sessionUid: session.uid,
    interaction,
    now,
    clientId: oidc.client.clientId,
    rows,
  });
  if (!standing) return 'reauthenticate';
  const request = acrRequest(oidc.params ?? {});
  const verdict = judge(standing, ctx, request, interaction);
  const silent = request.prompt.includes('none');
  if (deps.shadow.isOn()) {
    const { clientId } = oidc.client;
    const { outcome } = silent && verdict.kind !== 'met' ? ({ outcome: 'refused' } as const) : recorded(verdict);
    deps.shadow.note({
      ...{ at: now, clientId, request, interaction, outcome, offered: wasOffered(oidc.result) },
      ...standing.all,
    });
  }
  // With prompt=none a short verdict is an error to the app, which is recorded as such (`recordRefusals`).
  if (verdict.kind === 'met' || !silent) {
    await deps.recordDecision({
      ...decisionOf(ctx, { at: now, accountId, interaction, policyVersion: standing.policy.version, request }),
      ...recorded(verdict),
    });
  }
  if (verdict.kind === 'met') {
    session.acr = levelNames(oidc.client, standing.policy).out(verdict.label);
    session.amr = [...standing.assessment.amr];
    session.loginTs = Math.floor(verdict.authTime.getTime() / 1000);
    const asked = [...request.acrValues, ...(request.claimsAcr?.values ?? [])].includes(verdict.label);
    noteMade(ctx, {
      ...(asked ? { asked: verdict.label } : undefined),
      ...{ said: verdict.label, amr: session.amr, authTime: session.loginTs, interaction },
    });
    return 'satisfied';
  }
  return verdict.reauthenticate ? 'reauthenticate' : 'level';
}

function recorded(verdict: Verdict): Pick<Decision, 'outcome' | 'level' | 'acr'> {
  if (verdict.kind === 'met') return { outcome: 'met', level: verdict.level, acr: verdict.label };
  // Nobody can do what has no name here: the journey just says so.
  if (verdict.target.length === 0) return { outcome: 'refused', level: null, acr: null };
  return { outcome: verdict.reauthenticate ? 'reauthenticate' : 'step_up', level: null, acr: null };
}

function judge(standing: Standing, ctx: KoaContextWithOIDC, request: AcrRequest, interaction: string | null) {
  const { oidc } = ctx;
  // A voluntary level is tried once; with prompt=none there is nobody to ask (OpenID Connect Core 5.5.1.1).
  const offered = wasOffered(oidc.result) || request.prompt.includes('none');
  const requirement = requirementFor(standing.policy, oidc.client?.clientId ?? '', request);
  return satisfies(standing.assessment, requirement, standing.policy, {
    interaction,
    offered,
    events: standing.events,
  });
}

/** Events of the interaction become the session's, once; the session shows on the citizen's page from here on. */
async function adopt(
  deps: PolicyDeps,
  ctx: KoaContextWithOIDC,
  { interaction, accountId, uid, now }: { interaction: string; accountId: string; uid: string; now: Date },
): Promise<void> {
  const userAgent = ctx.get('user-agent').slice(0, 300);
  const adopted = await transaction(deps.db, async (tx) => {
    const count = await adoptEvents(tx, { interactionUid: interaction, accountId, sessionUid: uid, at: now });
    if (count > 0)
      await upsertSessionRecord(tx, { uid, accountId, userAgent, ip: null, createdAt: now, lastSeenAt: now });
    return count;
  });
  if (adopted > 0) forgetRows(ctx);
}
