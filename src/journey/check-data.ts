import type { Context } from 'koa';
import { personCategory } from '../assurance/accepted.ts';
import { isAlive } from '../assurance/assess.ts';
import type { Offer } from '../assurance/plan.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen, Situation } from './gather.ts';

/** Checks at other people's books, for the planner; whom the city's own register knows needs no permit. */
export async function checkWays(deps: JourneyDeps, situation: Situation, citizen: Citizen): Promise<Offer[]> {
  const category = personCategory(citizen.evidence);
  const open = await deps.checks.list();
  const wanted = situation.requirement.categories?.find((each) => each !== 'mainland' && each !== 'legal_person');
  const offers = open
    .filter(({ traits }) => traits.yields.kind !== 'document' || category !== 'mainland')
    .map(({ traits, healthy }): Offer => {
      const { kind, strength, confirms } = traits.yields;
      const item = { kind, source: traits.id, strength, confirmed: confirms };
      // A permit shows of itself whose it is; until it was shown, that of somebody whom the app would take.
      const whose = kind === 'document' ? { category: category ?? wanted ?? ('hong_kong' as const) } : {};
      return {
        id: traits.id,
        kind: 'prove',
        minutes: traits.minutes,
        available: healthy,
        ...(healthy ? undefined : { unavailableReason: 'upstream_unavailable' as const }),
        requires: { evidence: ['contact'], aal: 2 },
        yields: { evidence: [{ ...item, ...whose }] },
        have: traits.have,
      };
    });
  const now = deps.clock();
  const registered = citizen.evidence.some((item) => item.kind === 'population' && isAlive(item, now));
  return registered || !open.some(({ traits }) => traits.yields.kind === 'document')
    ? offers
    : [...offers, facePermit(deps.health().face)];
}

/** The face compared with the photo of a permit instead of the register's. */
const facePermit = (healthy: boolean): Offer => ({
  id: 'face-permit',
  kind: 'prove',
  minutes: 3,
  available: healthy,
  ...(healthy ? undefined : { unavailableReason: 'face_unavailable' }),
  requires: { evidence: ['document'], aal: 2 },
  yields: { evidence: [{ kind: 'face', source: 'face', strength: 'strong', confirmed: ['liveness', 'photo'] }] },
  have: ['have.camera'],
});

/** What the form of one check asks. */
export async function checkData(deps: JourneyDeps, ctx: Context, step: string | undefined): Promise<object> {
  const id = typeof ctx.state.check === 'string' ? ctx.state.check : step;
  const open = (await deps.checks.list()).find(({ traits }) => traits.id === id);
  const documents = open?.traits.documents ?? [];
  return { check: id ?? '', documents, asks: open?.traits.asks ?? [] };
}
