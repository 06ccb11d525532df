import { acceptedEvents, acceptedEvidence } from './accepted.ts';
import { isOfInteraction } from './assess.ts';
import { meetRules } from './authentication.ts';
import type { AuthenticationEvent, Evidence, EvidenceKind } from './evidence.ts';
import { endOf, fits, recordOf } from './identity.ts';
import { dominates } from './level.ts';
import type { Offer, PlanInput } from './plan.ts';
import type { EvidenceRule } from './policy.ts';
import type { Requirement } from './requirement.ts';

interface Slot {
  readonly rule: EvidenceRule;
  readonly categories: readonly (Evidence['category'] | null)[];
  /** Rules of one way that must be met by different sources: which source it is matters, too. */
  readonly independent: boolean;
  /** Rules of one way that must be met about one record of a person: which records it is matters, too. */
  readonly together: boolean;
}

/**
 * Says how far evidence has come towards a requirement, as a text: two states with the same text reach the same levels, now
 * and after the same further steps. What it looks at: each rule of each level that could satisfy the requirement, by
 * category of person, the kinds of evidence that some offer needs to be there first, and each rule of authentication by
 * all sign-ins, those of this request and those that are recent enough.
 */
export function progressMeter(
  { policy, offers, now, interaction }: Pick<PlanInput, 'policy' | 'offers' | 'now' | 'interaction'>,
  requirement: Requirement,
): (state: { readonly evidence: readonly Evidence[]; readonly events: readonly AuthenticationEvent[] }) => string {
  const wanted = requirement.wanted.flatMap((meaning) => (meaning.kind === 'level' ? [meaning.level] : []));
  const targets = [...wanted, ...requirement.floors, requirement.floor];
  const levels = policy.levels.filter(({ id }) => targets.some((target) => dominates(policy.levels, id, target)));
  const slots = levels.flatMap(({ identity }) =>
    identity.flatMap(({ rules, categories, independent }): Slot[] =>
      rules.map((rule) => ({ rule, categories: categories ?? [null], independent, together: rules.length > 1 })),
    ),
  );
  const needed = stepsTowards(offers, slots);
  const at = now.getTime();
  // Also what says how strongly somebody signed in at all, since offers and labels ask for it.
  const authentication = [...policy.levels, ...policy.authenticationLabels].flatMap((rule) => rule.authentication);
  return ({ evidence, events }) => {
    const counting = acceptedEvidence(requirement, evidence);
    const marks = slots.map(({ rule, categories, independent, together }) =>
      categories
        .map((category) => {
          const meeting = counting.filter((item) => fits(rule, category, item) && endOf(rule, item) > at);
          if (meeting.length === 0) return '0';
          const sources = independent ? [...new Set(meeting.map(({ source }) => source))].sort().join('+') : '1';
          return together ? `${sources}@${recordsIn(meeting)}` : sources;
        })
        .join(','),
    );
    const kinds = needed.filter((kind) => evidence.some((item) => item.kind === kind));
    const signIns = acceptedEvents(requirement, events);
    const here = signIns.filter((event) => isOfInteraction(event, interaction));
    const recent = signIns.filter((event) => event.at.getTime() > at - (requirement.maxAge ?? 0) * 1000);
    const met = [signIns, here, requirement.maxAge === null ? [] : recent].map((some) =>
      authentication.map((rule) => (meetRules([rule], some, now) === null ? '0' : '1')).join(''),
    );
    return [marks.join(';'), kinds.join(','), ...met, here.length > 0 ? '1' : '0'].join('|');
  };
}

/** Of which records evidence is; one that would be of any makes the others no matter. */
function recordsIn(evidence: readonly Evidence[]): string {
  const records = new Set(evidence.map(recordOf));
  return records.has(null) ? '*' : [...records].sort().join('+');
}

/** Kinds of evidence that open a way to something that counts: directly, or by an offer that opens one. */
function stepsTowards(offers: readonly Offer[], slots: readonly Slot[]): EvidenceKind[] {
  const needed = new Set<EvidenceKind>();
  const counts = (kind: EvidenceKind) => needed.has(kind) || slots.some(({ rule }) => rule.kind === kind);
  for (let before = -1; before < needed.size; ) {
    before = needed.size;
    for (const { requires, yields } of offers)
      if (yields.event !== undefined || (yields.evidence ?? []).some(({ kind }) => counts(kind)))
        for (const kind of requires.evidence) needed.add(kind);
  }
  return [...needed];
}
