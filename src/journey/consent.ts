import type Router from '@koa/router';
import type { Context } from 'koa';
import {
  agreementNow,
  isDepartment,
  isPassedOn,
  itemsOf,
  type Release,
  releaseOf,
  toAsk,
} from '../assurance/release.ts';
import { giveConsent } from '../commands/give-consent.ts';
import { requestedRelease } from '../oidc/request.ts';
import { consentWith } from '../storage/consents.ts';
import { seeOther } from '../web/forms.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { saveState } from './state.ts';

export interface ConsentNeed {
  /** What the citizen is asked about. */
  readonly ask: Release;
  /** What the app receives already; null: nothing, it is new. */
  readonly held: Release | null;
}

/** What the app asks for and the citizen has not agreed to; null when nothing is missing. */
export async function missingConsent(
  deps: JourneyDeps,
  situation: Situation,
  accountId: string,
): Promise<ConsentNeed | null> {
  const { interaction, app } = situation;
  const asked = requestedRelease(interaction.params);
  const department = isDepartment(app.metadata);
  const on = await consentWith(deps.db, accountId, app.id);
  if (isPassedOn(asked, on, department)) return null;
  const held = agreementNow(on, department);
  const ask = toAsk(asked, on, department);
  if (ask !== null) return { ask, held };
  const forced = (interaction.params.prompt ?? '').split(' ').includes('consent');
  // prompt=consent asks again, once per request (OpenID Connect Core 3.1.2.1).
  return forced && on !== null && on.givenAt.getTime() < startedAt(situation) ? { ask: asked, held: null } : null;
}

const interactionSeconds = 30 * 60;
const startedAt = (situation: Situation) => situation.interaction.expiresAt.getTime() - interactionSeconds * 1000;

/**
 * The request says what can be agreed to, and the page what of it was shown: nothing in the form can widen it, and what was
 * taken back while the page stood open is asked about anew.
 */
const allow: Handler = async (deps, ctx, situation) => {
  const { citizen, app } = situation;
  const need = citizen ? await missingConsent(deps, situation, citizen.account.id) : null;
  if (citizen && need) {
    const shown = textField(ctx, 'shown')?.split(' ').filter(Boolean) ?? itemsOf(need.ask);
    await giveConsent(deps, {
      accountId: citizen.account.id,
      clientId: app.id,
      department: isDepartment(app.metadata),
      release: releaseOf([...shown, ...itemsOf(need.held ?? nothing)], requestedRelease(situation.interaction.params)),
      cause: causeOf(ctx, situation),
    });
  }
  seeOther(ctx, situation.base);
};

const nothing: Release = { scopes: [], claims: [] };

function textField(ctx: Context, name: string): string | undefined {
  const body: unknown = ctx.request.body;
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

const consent: Handler = async (deps, ctx, situation) => {
  if (textField(ctx, 'decision') === 'allow') return allow(deps, ctx, situation);
  return seeOther(ctx, await deps.engine.refuse(ctx, 'access_denied', 'the citizen declined'));
};

const choose: Handler = async (deps, ctx, situation) => {
  const way = textField(ctx, 'way') ?? '';
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
