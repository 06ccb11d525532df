import { acceptedEvidence } from './accepted.ts';
import type { Evidence } from './evidence.ts';
import { endOf, fits } from './identity.ts';
import { dominates } from './level.ts';
import type { PlanInput } from './plan.ts';
import type { EvidenceRule } from './policy.ts';
import type { Requirement } from './requirement.ts';

interface Slot {
  readonly rule: EvidenceRule;
  readonly categories: readonly (Evidence['category'] | null)[];
  /** Rules of one way that must be met by different sources: which source it is matters, too. */
  readonly independent: boolean;
}

/**
 * Says how far evidence has come towards a requirement, as a text: two states with the same text reach the same levels, now
 * and after the same further steps. What it looks at: each rule of each level that could satisfy the requirement, by
 * category of person, and the kinds of evidence that some offer needs to be there first.
 */
export function progressMeter(
  { policy, offers, now }: Pick<PlanInput, 'policy' | 'offers' | 'now'>,
  requirement: Requirement,
): (state: { readonly evidence: readonly Evidence[] }) => string {
  const wanted = requirement.wanted.flatMap((meaning) => (meaning.kind === 'level' ? [meaning.level] : []));
  const targets = [...wanted, ...requirement.floors, requirement.floor];
  const levels = policy.levels.filter(({ id }) => targets.some((target) => dominates(policy.levels, id, target)));
  const slots = levels.flatMap(({ identity }) =>
    identity.flatMap(({ rules, categories, independent }): Slot[] =>
      rules.map((rule) => ({ rule, categories: categories ?? [null], independent })),
    ),
  );
  const needed = [...new Set(offers.flatMap(({ requires }) => requires.evidence))];
  const at = now.getTime();
  return ({ evidence }) => {
    const counting = acceptedEvidence(requirement, evidence);
    const marks = slots.map(({ rule, categories, independent }) =>
      categories
        .map((category) => {
          const meeting = counting.filter((item) => fits(rule, category, item) && endOf(rule, item) > at);
          if (!independent) return meeting.length > 0 ? '1' : '0';
          return [...new Set(meeting.map(({ source }) => source))].sort().join('+');
        })
        .join(','),
    );
    const kinds = needed.filter((kind) => evidence.some((item) => item.kind === kind));
    // The person's category decides what later proofs without one are taken for.
    const categories = [...new Set(evidence.map(({ category }) => category))].sort();
    return [marks.join(';'), kinds.join(','), categories.join(',')].join('|');
  };
}
