import type Router from '@koa/router';
import type { Offer } from '../assurance/plan.ts';
import { offersFor, type ServiceHealth } from '../commands/offers.ts';
import { forCategory } from '../commands/outside-offers.ts';
import { rememberDevice } from '../commands/throttles.ts';
import { underTie } from '../commands/tie-offer.ts';
import { anyCounter } from '../storage/counters.ts';
import { finishVisit } from '../storage/journey-visits.ts';
import { seeOther } from '../web/forms.ts';
import { boundBy, mayBindHere, pendingUpstream } from './binding.ts';
import { outsideWays } from './check-data.ts';
import { missingConsent } from './consent.ts';
import { type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';
import { renderPage } from './pages.ts';
import { qrHelps } from './qr-data.ts';
import { type Next, nextStep, waysFor } from './steps.ts';
import { tieOf } from './tie.ts';

/**
 * GET /interaction/:uid: the one place where the order of the journey is decided. Every other handler ends here.
 *
 *   stopped by staff     -> what happened and whom to ask
 *   nobody known         -> sign in, or register (phone, code, passkey or password with authenticator app)
 *   password entered     -> second factor
 *   passkey added here   -> the same request once more, where it counts
 *   level not reached    -> choose a way, then its steps, one page each; before one that adds a way in, sign in
 *   consent missing      -> consent
 *   all there            -> back to the engine, which checks the same once more
 */
const hub: Handler = async (deps, ctx, situation) => {
  const { citizen, state, interaction } = situation;
  const met = citizen?.verdict.kind === 'met';
  const counter = citizen !== null && !met && (await anyCounter(deps.db));
  const tie = citizen === null || met ? null : await tieOf(deps, situation, citizen);
  const health = { ...deps.health(), counter, silentTie: tie === 'silent' };
  const offers = citizen
    ? [...ownWays(citizen, health), ...(met ? [] : underTie(await outsideWays(deps, situation, citizen), tie))]
    : [];
  const ways = waysFor(situation, offers, deps.clock());
  const consent = citizen ? await missingConsent(deps, situation, citizen.account.id) : null;
  const now = deps.clock();
  const waiting = pendingUpstream(situation, now);
  const fresh = waiting !== null && (await mayBindHere(deps, situation, { kind: 'identity', event: waiting.event }));
  const upstream = { pending: waiting !== null, fresh };
  const show = typeof ctx.query.show === 'string' ? ctx.query.show : '';
  const seen = { consentMissing: consent !== null, show, upstream, phone: qrHelps(situation, now) };
  const next = await signInFirst(deps, situation, nextStep(situation, ways, seen));
  if (next.kind === 'finish' && citizen) {
    const outcome = {
      accountId: citizen.account.id,
      consented: interaction.prompt.name === 'consent',
      offered: state.offered || interaction.offered,
    };
    await finishVisit(deps.db, interaction.cid, deps.clock());
    await rememberDevice(deps, citizen.account.id, deps.browsers.of(ctx));
    seeOther(ctx, await deps.engine.finish(ctx, outcome));
    return;
  }
  if (next.kind === 'page')
    await renderPage(deps, ctx, situation, next.page, {
      ways,
      offers,
      consent,
      status: 200,
      errors: {},
      ...(next.step === undefined ? {} : { step: next.step }),
    });
};

/** Who was signed in by another device may sit at anybody's computer: nothing is added to the account from there. */
const ownWays = (citizen: Citizen, health: ServiceHealth): Offer[] => {
  const offers = forCategory(offersFor(citizen.holdings, health), citizen.evidence);
  const relayed = citizen.events.every(({ method }) => method === 'cross_device');
  return relayed ? offers.filter(({ kind }) => kind !== 'enrol') : offers;
};

/** Before a step that adds a way in: the sign-in in this request that it takes, however lately there was another. */
async function signInFirst(deps: JourneyDeps, situation: Situation, next: Next): Promise<Next> {
  if (next.kind !== 'page' || next.step === undefined) return next;
  const adding = await boundBy(deps, situation, next.step);
  if (adding === null || (await mayBindHere(deps, situation, adding))) return next;
  const { holdings } = situation.citizen ?? {};
  const password = holdings?.passkeys.length === 0 && holdings.hasPassword;
  return { kind: 'page', page: password ? 'password' : 'sign-in' };
}

export function hubRoutes(router: Router, deps: JourneyDeps): void {
  router.get('/interaction/:uid', withSituation(deps, hub, { evenStopped: true }));
}
