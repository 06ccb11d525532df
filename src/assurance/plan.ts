import { type Acceptance, acceptedEvidence, anything, personCategory } from './accepted.ts';
import { type Assessment, assess } from './assess.ts';
import { type AuthenticationEvent, type Evidence, type EvidenceKind, isAlive } from './evidence.ts';
import type { Aal } from './level.ts';
import type { AssurancePolicy } from './policy.ts';
import { progressMeter } from './progress.ts';
import type { ReasonCode } from './reasons.ts';
import { type Requirement, satisfies } from './requirement.ts';

export const offerKinds = ['authenticate', 'enrol', 'prove'] as const;
export type OfferKind = (typeof offerKinds)[number];

/** Something this person could do now, and what it would prove. */
export interface Offer {
  readonly id: string;
  readonly kind: OfferKind;
  readonly minutes: number;
  readonly available: boolean;
  readonly unavailableReason?: ReasonCode;
  /** What must be there before: living evidence of these kinds, an authentication of this level. */
  readonly requires: { readonly evidence: readonly EvidenceKind[]; readonly aal: Aal };
  readonly yields: {
    readonly event?: Pick<
      AuthenticationEvent,
      'method' | 'factors' | 'userVerified' | 'phishingResistant' | 'deviceBound'
    >;
    /** Without a category: of the person's own, as far as that is known. */
    readonly evidence?: readonly (Pick<Evidence, 'kind' | 'source' | 'strength' | 'confirmed'> &
      Partial<Pick<Evidence, 'category'>>)[];
  };
  /** Locale keys of what to have at hand. */
  readonly have: readonly string[];
  /** Offers whose proof is part of this one's: where one of them is enough, this one is no way of its own. */
  readonly exceeds?: readonly string[];
}

export interface Way {
  /** Offer ids in the order to do them. */
  readonly steps: readonly string[];
  readonly minutes: number;
}

export type Plan =
  | { readonly kind: 'met' }
  /** Shortest first; `blocked` are ways that need something out of service now. */
  | { readonly kind: 'ways'; readonly ways: readonly Way[]; readonly blocked: readonly Way[] }
  | { readonly kind: 'unreachable'; readonly because: readonly ReasonCode[]; readonly blocked: readonly Way[] };

export interface PlanInput {
  readonly policy: AssurancePolicy;
  readonly requirement: Requirement;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly offers: readonly Offer[];
  readonly now: Date;
  readonly interaction: string | null;
}

interface State {
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
}

/**
 * The ways from what is proved now to what is needed: every smallest set of offers that gets there, in an order in
 * which each can be done. No way holds a step that it does not need. A voluntary wish that nothing leads to falls back
 * to the app's floor.
 */
export function plan(input: PlanInput): Plan {
  const found = search(input, input.requirement);
  const { requirement } = input;
  if (found.kind !== 'unreachable' || requirement.essential || requirement.wanted.length === 0) return found;
  const lesser = search(input, { ...requirement, wanted: [] });
  return lesser.kind === 'unreachable' ? found : lesser;
}

function search(input: PlanInput, requirement: Requirement): Plan {
  const { offers, now } = input;
  const start: State = { evidence: input.evidence, events: input.events };
  if (reaches(input, requirement, start)) return { kind: 'met' };
  const goals: Way[] = [];
  const progressOf = progressMeter(input, requirement);
  // Uniform-cost search over sets of offers: the outcome of a set does not depend on its order, only doing it does.
  const seen = new Set<string>();
  const queue: { way: Way; state: State }[] = [{ way: { steps: [], minutes: 0 }, state: start }];
  for (let here = queue.shift(); here !== undefined; here = queue.shift()) {
    const { way, state } = here;
    const key = way.steps.toSorted().join('\n');
    if (seen.has(key) || goals.some((goal) => isWithin(goal.steps, way.steps, offers))) continue;
    seen.add(key);
    if (reaches(input, requirement, state)) {
      goals.push(way);
      continue;
    }
    const assessment = assessed(input, state);
    const progress = progressOf(state);
    for (const offer of offers) {
      if (way.steps.includes(offer.id) || !isOpen(offer, state, assessment, now) || isAnothers(offer, state)) continue;
      const after = applyOffer(state, offer, now, input.interaction);
      // A proof that meets nothing new meets nothing later either: without this a dozen bridges make thousands of sets.
      if (progressOf(after) === progress) continue;
      queue.push({ way: { steps: [...way.steps, offer.id], minutes: way.minutes + offer.minutes }, state: after });
    }
    queue.sort((a, b) => a.way.minutes - b.way.minutes || a.way.steps.length - b.way.steps.length);
  }
  const minimal = goals.filter(
    (goal) => !goals.some((other) => other !== goal && isWithin(other.steps, goal.steps, offers)),
  );
  const isBlocked = (way: Way) =>
    way.steps.some((step) => offers.some((offer) => offer.id === step && !offer.available));
  const ways = minimal.filter((way) => !isBlocked(way));
  const blocked = minimal.filter(isBlocked);
  return ways.length > 0
    ? { kind: 'ways', ways, blocked }
    : { kind: 'unreachable', because: because(input, requirement, blocked), blocked };
}

/** What would be proved after an offer was taken up. */
export function applyOffer(state: State, offer: Offer, now: Date, interaction: string | null): State {
  const { event, evidence = [] } = offer.yields;
  const category = personCategory(state.evidence);
  return {
    evidence: [
      ...state.evidence,
      ...evidence.map((item, i) => ({
        ...item,
        category: item.category ?? category,
        id: `${offer.id}:${i}`,
        recordedAt: now,
        expiresAt: null,
        revokedAt: null,
      })),
    ],
    events: event
      ? [...state.events, { ...event, id: offer.id, at: now, credentialId: null, interaction }]
      : state.events,
  };
}

/** Whether each step of the one is a step of the other, or part of one. */
function isWithin(small: readonly string[], large: readonly string[], offers: readonly Offer[]): boolean {
  const parts = offers.filter(({ id }) => large.includes(id)).flatMap(({ exceeds = [] }) => exceeds);
  return small.every((step) => large.includes(step) || parts.includes(step));
}

const assessed = (input: PlanInput, state: State, acceptance: Acceptance = anything): Assessment =>
  assess(input.policy, acceptedEvidence(acceptance, state.evidence), state.events, input.now, {
    interaction: input.interaction,
  });

function reaches(input: PlanInput, requirement: Requirement, state: State): boolean {
  const context = { interaction: input.interaction, offered: false, events: state.events };
  return satisfies(assessed(input, state, requirement), requirement, input.policy, context).kind === 'met';
}

/** Nobody is of two categories: what proves somebody of another one proves somebody else. */
function isAnothers({ yields }: Offer, { evidence }: State): boolean {
  const category = personCategory(evidence);
  return category !== null && (yields.evidence ?? []).some((item) => (item.category ?? category) !== category);
}

function isOpen(offer: Offer, state: State, assessment: Assessment, now: Date): boolean {
  const kinds = new Set(state.evidence.filter((item) => isAlive(item, now)).map((item) => item.kind));
  return assessment.aal >= offer.requires.aal && offer.requires.evidence.every((kind) => kinds.has(kind));
}

/** Why nothing leads there: what is out of service where that is all, else what no offer proves. */
function because(input: PlanInput, requirement: Requirement, blocked: readonly Way[]): ReasonCode[] {
  if (requirement.wanted.length === 0 && requirement.essential) return ['unknown_level'];
  if (blocked.length > 0) {
    const steps = new Set(blocked.flatMap((way) => way.steps));
    const down = input.offers.filter((offer) => steps.has(offer.id) && !offer.available);
    return [...new Set(down.map((offer) => offer.unavailableReason ?? 'register_unavailable'))];
  }
  const wanted = requirement.wanted.map((meaning) => (meaning.kind === 'level' ? meaning.level : requirement.floor));
  const targets = [...wanted, ...requirement.floors];
  const all = input.offers.reduce<State>(
    (state, offer) => applyOffer(state, offer, input.now, input.interaction),
    input,
  );
  const missing = (acceptance: Acceptance) => {
    const { identities } = assessed(input, all, acceptance);
    return targets.some((level) => !identities.includes(level));
  };
  if (!missing(requirement)) return ['needs_authenticator'];
  if (missing(anything)) return ['needs_identity'];
  // All is there or could be, but not such as this app accepts.
  return [
    missing({ ...anything, categories: requirement.categories }) ? 'category_not_accepted' : 'source_not_accepted',
  ];
}
