import type { AssurancePolicy } from './policy.ts';
import { type Outcome, outcomeUnder, type RecordedDecision } from './preview.ts';

/** How a draft would have decided beside the live policy: `stepped_up` asks for more, `lowered` for less. */
export const shadowOutcomes = ['same', 'stepped_up', 'refused', 'lowered'] as const;
export type ShadowOutcome = (typeof shadowOutcomes)[number];

/** From what asks nothing to what can't be had. */
const strictness: Readonly<Record<Outcome, number>> = { met: 0, reauthenticate: 1, step_up: 2, refused: 3 };

export function compareOutcomes(live: Outcome, draft: Outcome): ShadowOutcome {
  const difference = strictness[draft] - strictness[live];
  if (difference === 0) return 'same';
  if (difference < 0) return 'lowered';
  return draft === 'refused' ? 'refused' : 'stepped_up';
}

/** The same facts under the draft: nothing of it reaches the answer. */
export function shadowOf(draft: AssurancePolicy, decision: RecordedDecision): ShadowOutcome {
  return compareOutcomes(decision.outcome, outcomeUnder(draft, decision));
}
