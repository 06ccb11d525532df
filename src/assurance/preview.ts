import { acceptedEvents, acceptedEvidence, personCategory } from './accepted.ts';
import { assess } from './assess.ts';
import type { AuthenticationEvent, Evidence, PersonCategory } from './evidence.ts';
import { type Offer, plan } from './plan.ts';
import type { AssurancePolicy } from './policy.ts';
import { type AcrRequest, requirementFor, satisfies } from './requirement.ts';

export { type Change, changeCodes, describeChanges } from './differences.ts';

/** People with the same evidence and the same ways to sign in. */
export interface Cohort {
  readonly count: number;
  readonly evidence: readonly Evidence[];
  /** What they would have shown if they had just signed in with all they have. */
  readonly events: readonly AuthenticationEvent[];
}

/** How many people of a category come to hold a level, or hold it no more. */
export interface Movement {
  readonly category: PersonCategory | null;
  readonly level: string;
  readonly rise: number;
  readonly drop: number;
}

export interface Comparison {
  readonly people: number;
  /** People who gain at least one level, and who lose at least one; somebody may do both. */
  readonly rising: number;
  readonly dropping: number;
  readonly movements: readonly Movement[];
}

/** Puts people of the same standing together; what is asked afterwards costs one answer for all of them. */
export function cohortsOf(people: Iterable<Omit<Cohort, 'count'>>): Cohort[] {
  const cohorts = new Map<string, { count: number; evidence: Cohort['evidence']; events: Cohort['events'] }>();
  for (const { evidence, events } of people) {
    // Ids say nothing of what a row is worth.
    const key = JSON.stringify([evidence, events], (name, value) => (name === 'id' ? undefined : value));
    const cohort = cohorts.get(key);
    if (cohort) cohort.count += 1;
    else cohorts.set(key, { count: 1, evidence, events });
  }
  return [...cohorts.values()];
}

/** Who would hold more, who less, the moment `next` is published instead of `old`. */
export function compareCitizens(
  old: AssurancePolicy,
  next: AssurancePolicy,
  cohorts: Iterable<Cohort>,
  now: Date,
): Comparison {
  const movements = new Map<string, { category: PersonCategory | null; level: string; rise: number; drop: number }>();
  const total = { people: 0, rising: 0, dropping: 0 };
  for (const { count, evidence, events } of cohorts) {
    const context = { interaction: events[0]?.interaction ?? null };
    const had = new Set(assess(old, evidence, events, now, context).held.map(({ level }) => level));
    const has = new Set(assess(next, evidence, events, now, context).held.map(({ level }) => level));
    const gained = [...has].filter((level) => !had.has(level));
    const lost = [...had].filter((level) => !has.has(level));
    total.people += count;
    if (gained.length > 0) total.rising += count;
    if (lost.length > 0) total.dropping += count;
    const category = personCategory(evidence);
    const note = (level: string, change: 'rise' | 'drop') => {
      const key = `${category ?? ''} ${level}`;
      const movement = movements.get(key) ?? { category, level, rise: 0, drop: 0 };
      movement[change] += count;
      movements.set(key, movement);
    };
    for (const level of gained) note(level, 'rise');
    for (const level of lost) note(level, 'drop');
  }
  return { ...total, movements: [...movements.values()] };
}

export const outcomes = ['met', 'step_up', 'reauthenticate', 'refused'] as const;
export type Outcome = (typeof outcomes)[number];

/** A decision as it was recorded, with all it rested on. */
export interface RecordedDecision {
  readonly at: Date;
  readonly clientId: string;
  readonly outcome: Outcome;
  readonly request: AcrRequest;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  /** The interaction under way; left out: that of the newest event. */
  readonly interaction?: string | null;
  /** A voluntary level was offered and left. */
  readonly offered?: boolean;
}

/** What another policy would have decided on the same facts. Also the shadow of a draft beside the live policy. */
export function outcomeUnder(policy: AssurancePolicy, decision: Omit<RecordedDecision, 'outcome'>): Outcome {
  const { request, at } = decision;
  const interaction = decision.interaction === undefined ? newestInteraction(decision.events) : decision.interaction;
  const requirement = requirementFor(policy, decision.clientId, request);
  const events = acceptedEvents(requirement, decision.events);
  const assessment = assess(policy, acceptedEvidence(requirement, decision.evidence), events, at, { interaction });
  const silent = request.prompt.includes('none');
  const offered = silent || decision.offered === true;
  const verdict = satisfies(assessment, requirement, policy, { interaction, offered, events });
  if (verdict.kind === 'met') return 'met';
  // With prompt=none there is nobody to ask, and nobody can do what has no name here.
  if (silent || verdict.target.length === 0) return 'refused';
  return verdict.reauthenticate ? 'reauthenticate' : 'step_up';
}

function newestInteraction(events: readonly AuthenticationEvent[]): string | null {
  let newest: AuthenticationEvent | null = null;
  for (const event of events) if (newest === null || event.at > newest.at) newest = event;
  return newest?.interaction ?? null;
}

export interface AppReplay {
  readonly clientId: string;
  readonly decisions: number;
  readonly changed: number;
  /** How often one outcome would have been another; only where they differ. */
  readonly moves: readonly { readonly from: Outcome; readonly to: Outcome; readonly count: number }[];
}

/** Which recorded decisions would have gone differently, by app; apps in the order in which they first appear. */
export function replayDecisions(next: AssurancePolicy, decisions: Iterable<RecordedDecision>): AppReplay[] {
  const apps = new Map<string, { decisions: number; moves: Map<string, AppReplay['moves'][number]> }>();
  for (const decision of decisions) {
    const app = apps.get(decision.clientId) ?? { decisions: 0, moves: new Map() };
    apps.set(decision.clientId, app);
    app.decisions += 1;
    const { outcome: from } = decision;
    const to = outcomeUnder(next, decision);
    if (from === to) continue;
    const key = `${from} ${to}`;
    app.moves.set(key, { from, to, count: (app.moves.get(key)?.count ?? 0) + 1 });
  }
  return [...apps].map(([clientId, app]) => {
    const moves = [...app.moves.values()];
    return { clientId, decisions: app.decisions, changed: moves.reduce((sum, { count }) => sum + count, 0), moves };
  });
}

/** Where a typical person stands, and what they could do. */
export interface Start {
  readonly name: string;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly offers: readonly Offer[];
}

export interface NewWay {
  readonly clientId: string;
  readonly start: string;
  readonly steps: readonly string[];
  readonly minutes: number;
}

/**
 * The longest way that a policy newly puts before somebody: of each app and start the shortest one, where it is longer
 * than under `old`. `closed`: where there was a way and is none any more.
 */
export function longestWay(
  next: AssurancePolicy,
  { old, starts, now }: { old: AssurancePolicy; starts: readonly Start[]; now: Date },
): { longest: NewWay | null; closed: readonly Pick<NewWay, 'clientId' | 'start'>[] } {
  let longest: NewWay | null = null;
  const closed: Pick<NewWay, 'clientId' | 'start'>[] = [];
  for (const clientId of new Set([...Object.keys(next.apps), ...Object.keys(old.apps)])) {
    for (const start of starts) {
      const before = shortest(old, clientId, start, now);
      const after = shortest(next, clientId, start, now);
      if (after === null) {
        if (before !== null) closed.push({ clientId, start: start.name });
      } else if (after.minutes > (before?.minutes ?? 0) && after.minutes > (longest?.minutes ?? 0)) {
        longest = { clientId, start: start.name, ...after };
      }
    }
  }
  return { longest, closed };
}

function shortest(
  policy: AssurancePolicy,
  clientId: string,
  { evidence, events, offers }: Start,
  now: Date,
): { steps: readonly string[]; minutes: number } | null {
  const requirement = requirementFor(policy, clientId, { acrValues: [], prompt: [] });
  const found = plan({ policy, requirement, evidence, events, offers, now, interaction: 'preview' });
  if (found.kind === 'met') return { steps: [], minutes: 0 };
  const [way = null] = found.kind === 'ways' ? found.ways : [];
  return way;
}
