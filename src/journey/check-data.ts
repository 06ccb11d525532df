import type { Context } from 'koa';
import type { Offer } from '../assurance/plan.ts';
import { outsideOffers } from '../commands/outside-offers.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';

/** What services of others could prove for somebody who is signed in. */
export async function outsideWays(deps: JourneyDeps, situation: Situation, citizen: Citizen): Promise<Offer[]> {
  const [checks, bridges] = await Promise.all([deps.checks.list(), deps.bridges.list()]);
  const outside = { checks, bridges, faceHealthy: deps.health().face };
  return outsideOffers(outside, citizen.evidence, situation.requirement.categories, deps.clock());
}

/** What the form of one check asks. */
export async function checkData(deps: JourneyDeps, ctx: Context, step: string | undefined): Promise<object> {
  const id = typeof ctx.state.check === 'string' ? ctx.state.check : step;
  const open = (await deps.checks.list()).find(({ traits }) => traits.id === id);
  const documents = open?.traits.documents ?? [];
  return { check: id ?? '', documents, asks: open?.traits.asks ?? [] };
}
