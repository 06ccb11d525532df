import type Router from '@koa/router';
import { giveConsent } from '../commands/give-consent.ts';
import { protocolClaims, requestedClaims } from '../oidc/request.ts';
import { findConsent, wasWithdrawn } from '../storage/consents.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { saveState } from './state.ts';

export interface ConsentNeed {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

/** What the app asks for and the citizen has not agreed to; null when nothing is missing. */
export async function missingConsent(
  deps: JourneyDeps,
  situation: Situation,
  accountId: string,
): Promise<ConsentNeed | null> {
  const { interaction, app } = situation;
  const need = asked(situation);
  const agreed = await findConsent(deps.db, accountId, app.id);
  // A department of the city is not asked about, unless the citizen took consent back before.
  if (app.metadata.shimin_first_party === true && (agreed || !(await wasWithdrawn(deps.db, accountId, app.id))))
    return null;
  const forced = (interaction.params.prompt ?? '').split(' ').includes('consent');
  // prompt=consent asks again, once per request (OpenID Connect Core 3.1.2.1).
  if (forced && !(agreed && agreed.givenAt.getTime() >= startedAt(situation))) return need;
  if (!agreed) return need;
  const known = new Set([...agreed.scopes, ...agreed.claims]);
  return [...need.scopes, ...need.claims].every((item) => known.has(item)) ? null : need;
}

const interactionSeconds = 30 * 60;
const startedAt = (situation: Situation) => situation.interaction.expiresAt.getTime() - interactionSeconds * 1000;

function asked(situation: Situation): ConsentNeed {
  const { params } = situation.interaction;
  const scopes = (params.scope ?? '').split(' ').filter(Boolean);
  return { scopes, claims: requestedClaims(params).filter((claim) => !protocolClaims.has(claim)) };
}

/** The request says what is agreed to; nothing in the form can widen it (security.md E01). */
const allow: Handler = async (deps, ctx, situation) => {
  const { citizen, app } = situation;
  if (citizen) {
    const need = asked(situation);
    const before = await findConsent(deps.db, citizen.account.id, app.id);
    await giveConsent(deps, {
      accountId: citizen.account.id,
      clientId: app.id,
      scopes: [...new Set([...(before?.scopes ?? []), ...need.scopes])],
      claims: [...new Set([...(before?.claims ?? []), ...need.claims])],
      cause: causeOf(ctx, situation),
    });
  }
  seeOther(ctx, situation.base);
};

const consent: Handler = async (deps, ctx, situation) => {
  const body: unknown = ctx.request.body;
  const decision = typeof body === 'object' && body !== null && 'decision' in body ? body.decision : undefined;
  if (decision === 'allow') return allow(deps, ctx, situation);
  return seeOther(ctx, await deps.engine.refuse(ctx, 'access_denied', 'the citizen declined'));
};

const choose: Handler = async (deps, ctx, situation) => {
  const body: unknown = ctx.request.body;
  const way =
    typeof body === 'object' && body !== null && 'way' in body && typeof body.way === 'string' ? body.way : '';
  await saveState(deps, situation.interaction, {
    ...situation.state,
    notice: null,
    way: way.split(' ').slice(0, 8).filter(Boolean),
  });
  seeOther(ctx, situation.base);
};

/** Back to the app without the level: refused when it was needed, not answered with less. */
const decline: Handler = async (deps, ctx, situation) => {
  const error = situation.citizen ? 'unmet_authentication_requirements' : 'access_denied';
  const description = situation.citizen
    ? 'the requested level of assurance was not reached'
    : 'the citizen did not sign in';
  seeOther(ctx, await deps.engine.refuse(ctx, error, description));
};

/** A voluntary level was offered and left: answer with what was reached. */
const goOn: Handler = async (deps, ctx, situation) => {
  await saveState(deps, situation.interaction, { ...situation.state, offered: true, notice: null });
  seeOther(ctx, situation.base);
};

export function consentRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/consent', withSituation(deps, consent));
  router.post('/interaction/:uid/choose', withSituation(deps, choose));
  router.post('/interaction/:uid/decline', withSituation(deps, decline, { evenStopped: true }));
  router.post('/interaction/:uid/continue', withSituation(deps, goOn));
}
