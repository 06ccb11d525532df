import { type Acceptance, acceptedEvents, acceptedEvidence, anything } from '../assurance/accepted.ts';
import { type Assessment, assess } from '../assurance/assess.ts';
import { type AuthenticationEvent, bridgeOf, type Evidence } from '../assurance/evidence.ts';
import { type Standing as OpenIntervention, underInterventions } from '../assurance/interventions.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';

/** By what, and when, somebody is judged: as it is now, as it was at a decision, or as it would be under a draft. */
export interface Grounds {
  readonly policy: AssurancePolicy;
  /** Sources and bridges that are switched off. */
  readonly off: ReadonlySet<string>;
  readonly at: Date;
}

/** What the ledgers hold about one account. */
export interface Facts<E extends AuthenticationEvent = AuthenticationEvent> {
  readonly evidence: readonly Evidence[];
  /** Of one session or interaction. */
  readonly events: readonly E[];
  /** Those nobody has ended. */
  readonly interventions: readonly OpenIntervention[];
}

/** What of it counts, for anybody. */
export interface Counting<E extends AuthenticationEvent = AuthenticationEvent> {
  /** False: staff stopped the account. */
  readonly usable: boolean;
  /** There were sign-ins, and an intervention asks for new ones instead of every one of them. */
  readonly signInAnew: boolean;
  readonly evidence: readonly Evidence[];
  readonly events: readonly E[];
}

/** What counts for one app in one interaction, and what that is worth. */
export interface Judged<E extends AuthenticationEvent = AuthenticationEvent> extends Counting<E> {
  readonly accepted: { readonly evidence: readonly Evidence[]; readonly events: readonly E[] };
  readonly assessment: Assessment;
}

/** The one order of what takes facts away: switched-off sources and bridges, then what staff put on the account. */
export function whatCounts<E extends AuthenticationEvent>(
  { evidence, events, interventions }: Facts<E>,
  { off, at }: Omit<Grounds, 'policy'>,
): Counting<E> {
  const open = {
    evidence: off.size === 0 ? evidence : evidence.filter((item) => !off.has(item.source)),
    events: off.size === 0 ? events : events.filter((event) => !off.has(bridgeOf(event) ?? '')),
  };
  const left = underInterventions(interventions, open, at);
  return { ...left, signInAnew: open.events.length > 0 && left.events.length === 0 };
}

/**
 * What somebody is worth: what counts, of it what the app takes, and the levels that makes. The one place where they come
 * together, for a request, for an account without a session, and for each of a cohort.
 */
export function judged<E extends AuthenticationEvent>(
  grounds: Grounds,
  facts: Facts<E>,
  { acceptance = anything, interaction = null }: { acceptance?: Acceptance; interaction?: string | null } = {},
): Judged<E> {
  const counting = whatCounts(facts, grounds);
  const accepted = {
    evidence: acceptedEvidence(acceptance, counting.evidence),
    events: acceptedEvents(acceptance, counting.events),
  };
  const assessment = assess(grounds.policy, accepted.evidence, accepted.events, grounds.at, { interaction });
  return { ...counting, accepted, assessment };
}
