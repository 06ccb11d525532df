import { parseBridgeStep } from '../assurance/bridge-offers.ts';
import { levelShown } from '../assurance/level-shown.ts';
import type { Offer, Plan, Way } from '../assurance/plan.ts';
import type { Situation } from './gather.ts';

/** The step-up page's finished values: what is needed, why, what is missing, and each way with its steps and minutes. */
export function stepUpData(
  situation: Situation,
  plan: Plan | undefined,
  offers: readonly Offer[],
  /** How near a step is to this reader: 0 for what most of them have. */
  rankOf: (step: string) => number,
): object {
  const { citizen } = situation;
  const verdict = citizen?.verdict;
  const target = verdict?.kind === 'short' ? verdict.target[0] : undefined;
  const byId = new Map(offers.map((offer) => [offer.id, offer]));
  const rank = ({ steps }: Way) => Math.max(0, ...steps.map(rankOf));
  const open = plan?.kind === 'ways' ? plan.ways.toSorted((a, b) => rank(a) - rank(b)) : [];
  // What is out of service now is shown, too: whoever has nothing else knows that it is worth coming back.
  const closed = plan && plan.kind !== 'met' ? plan.blocked.toSorted((a, b) => rank(a) - rank(b)).slice(0, 4) : [];
  const ways = [...open, ...closed];
  return {
    level: target === undefined ? null : levelShown(situation.policy, target),
    why: verdict?.kind === 'short' ? verdict.reasons : [],
    missing: plan?.kind === 'unreachable' ? plan.because : missingOf(open[0]?.steps ?? [], byId),
    acceptable: plan?.kind === 'ways',
    /** How many are shown at once; the rest is behind one word. */
    shown: ways.length <= 4 ? ways.length : 3,
    ways: ways.map((way) => ({
      id: way.steps.join(' '),
      steps: way.steps,
      minutes: way.minutes,
      have: [...new Set(way.steps.flatMap((step) => byId.get(step)?.have ?? []))],
      available: way.steps.every((step) => byId.get(step)?.available !== false),
      unavailableReason:
        way.steps.map((step) => byId.get(step)?.unavailableReason).find((reason) => reason !== undefined) ?? null,
    })),
  };
}

/** In words of what is not there yet rather than of what to do. */
function missingOf(steps: readonly string[], offers: ReadonlyMap<string, Offer>): string[] {
  return steps.map((step) => {
    const offer = offers.get(step);
    if (parseBridgeStep(step) !== null) return 'missing_upstream';
    if (offer?.kind === 'prove') return `missing_${step}`;
    return offer?.kind === 'enrol' ? 'missing_passkey' : 'missing_authentication';
  });
}
