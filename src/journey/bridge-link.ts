import type Router from '@koa/router';
import type { Context } from 'koa';
import { linkIdentity } from '../commands/link-identity.ts';
import { registerCitizen } from '../commands/register-citizen.ts';
import { count } from '../commands/throttles.ts';
import { ShiminError } from '../lib/errors.ts';
import { seeOther } from '../web/forms.ts';
import { ceremonyOf, mayBindHere, pendingUpstream } from './binding.ts';
import { refuse } from './bridge-arrival.ts';
import { causeOf, type Handler, withSituation } from './context.ts';
import type { JourneyDeps } from './deps.ts';
import type { Situation } from './gather.ts';
import { saveState } from './state.ts';

/** What a page about the upstream says, with an audit line; anything else is a fault of ours. */
const told: readonly string[] = ['identity_in_use', 'identity_mismatch', 'identity_minor', 'binding_too_weak'];

/** The person is signed in on both sides and says that they belong together. */
const link: Handler = async (deps, ctx, situation) => {
  const { citizen, interaction } = situation;
  const now = deps.clock();
  const facts = pendingUpstream(situation, now);
  if (facts === null || citizen === null) return seeOther(ctx, situation.base);
  // Too long ago meanwhile: the hub asks for the sign-in.
  if (!(await mayBindHere(deps, situation, { kind: 'identity', event: facts.event })))
    return seeOther(ctx, situation.base);
  // Switched off meanwhile: nothing more comes of what it said.
  await deps.bridges.get(facts.bridge);
  try {
    await linkIdentity(deps, {
      accountId: citizen.account.id,
      facts,
      interaction: interaction.cid,
      ground: ceremonyOf(situation),
      cause: causeOf(ctx, situation),
    });
  } catch (error) {
    if (!(error instanceof ShiminError) || !told.includes(error.code)) throw error;
    return refuse(deps, ctx, situation, facts.bridge, error.code, error);
  }
  return forgotten(deps, ctx, situation);
};

const forget: Handler = (deps, ctx, situation) => forgotten(deps, ctx, situation);

async function forgotten(deps: JourneyDeps, ctx: Context, situation: Situation): Promise<void> {
  await saveState(deps, situation.interaction, { ...situation.state, upstream: null, notice: null });
  seeOther(ctx, situation.base);
}

/** A new account whose first way in is the upstream's: with a confirmed phone number, as every other. */
const register: Handler = async (deps, ctx, situation) => {
  const { registration } = situation.state;
  const facts = pendingUpstream(situation, deps.clock());
  if (!registration?.confirmed || registration.taken || facts === null)
    return seeOther(ctx, `${situation.base}?show=register`);
  if (situation.citizen) throw new ShiminError('interaction_foreign', { status: 409 });
  const open = await deps.bridges.get(facts.bridge);
  if (open.use !== 'sign_in' || facts.event === null) return refuse(deps, ctx, situation, facts.bridge, 'link_only');
  await count(deps, 'createAddress', deps.clientAddress(ctx));
  try {
    await registerCitizen(deps, {
      accountId: registration.accountId,
      userHandle: registration.userHandle,
      phone: registration.phone,
      locale: ctx.state.locale,
      interaction: situation.interaction.cid,
      first: { kind: 'bridge', facts },
      facts: [],
      cause: causeOf(ctx, situation),
    });
  } catch (error) {
    if (!(error instanceof ShiminError) || !told.includes(error.code)) throw error;
    return refuse(deps, ctx, situation, facts.bridge, error.code, error);
  }
  const done = { registration: null, upstream: null, notice: null };
  await saveState(deps, situation.interaction, { ...situation.state, ...done });
  return seeOther(ctx, situation.base);
};

export function bridgeLinkRoutes(router: Router, deps: JourneyDeps): void {
  router.post('/interaction/:uid/bridge/link', withSituation(deps, link));
  router.post('/interaction/:uid/bridge/forget', withSituation(deps, forget));
  router.post('/interaction/:uid/register/bridge', withSituation(deps, register));
}
