import { type Acceptance, anything } from './accepted.ts';
import { type Assessment, type HeldLevel, isOfInteraction } from './assess.ts';
import { meetRules } from './authentication.ts';
import type { AuthenticationEvent } from './evidence.ts';
import { dominates } from './level.ts';
import { type Meaning, meaningOf } from './mapping.ts';
import type { AppRule, AssurancePolicy } from './policy.ts';
import type { ReasonCode } from './reasons.ts';

/** What a request says about the level (OpenID Connect Core 3.1.2.1, 5.5.1.1). */
export interface AcrRequest {
  /** `acr_values`, in order of preference; voluntary. */
  readonly acrValues: readonly string[];
  /** `acr` in the `claims` parameter. */
  readonly claimsAcr?: { readonly essential: boolean; readonly values: readonly string[] };
  /** Seconds. */
  readonly maxAge?: number;
  readonly prompt: readonly string[];
  /** OAuth scopes, resource indicators (RFC 8707) and kinds of action (RFC 9396 `type`): an app may need more for some. */
  readonly scopes?: readonly string[];
  readonly resources?: readonly string[];
  readonly actions?: readonly string[];
}

/** What this answer needs: the app's floor joined with what the request asks for. */
export interface Requirement extends Acceptance {
  /** The first of `floors`. */
  readonly floor: string;
  /** Minimum of the app, and of each scope, resource and action asked for: all must be held, always essential. */
  readonly floors: readonly string[];
  /** In order of preference; the first that can be met wins. */
  readonly wanted: readonly Meaning[];
  readonly essential: boolean;
  /** Seconds since the authentication; null: any that the level takes. */
  readonly maxAge: number | null;
  /** Only authentication in this very interaction counts. */
  readonly fresh: boolean;
}

export type Verdict =
  /** `label` is the acr to answer; `level` the level it rests on. */
  | { readonly kind: 'met'; readonly level: string; readonly label: string; readonly authTime: Date }
  | {
      readonly kind: 'short';
      /** Level ids in order of preference; empty when only unknown labels were essential. */
      readonly target: readonly string[];
      readonly reasons: readonly ReasonCode[];
      /** The floor is met: the citizen may go on with less. */
      readonly voluntary: boolean;
      /** Who the person is suffices; authenticating (again) is all that is missing. */
      readonly reauthenticate: boolean;
    };

export interface SatisfyContext {
  readonly interaction: string | null;
  /** A voluntary level was offered and left: answer with what was reached. */
  readonly offered: boolean;
  readonly events: readonly AuthenticationEvent[];
}

export function requirementFor(policy: AssurancePolicy, clientId: string, request: AcrRequest): Requirement {
  const { essential: marked = false, values = [] } = request.claimsAcr ?? {};
  const essential = marked && values.length > 0;
  // An essential request is the request; voluntary labels beside it could but weaken it.
  const labels = essential ? values : [...request.acrValues, ...values];
  const app = Object.hasOwn(policy.apps, clientId) ? policy.apps[clientId] : undefined;
  const floors = app ? floorsFor(policy, app, request) : [policy.defaultFloor];
  const [floor = policy.defaultFloor] = floors;
  return {
    floor,
    floors,
    categories: app?.categories ?? null,
    sources: app?.sources ?? anything.sources,
    wanted: labels.map((label) => meaningOf(policy, label)).filter((meaning) => meaning !== null),
    essential,
    maxAge: request.maxAge ?? null,
    fresh: request.prompt.includes('login'),
  };
}

const none: readonly string[] = [];

/** The floors of what is asked for, without those that another one of them dominates. */
function floorsFor(policy: AssurancePolicy, app: AppRule, request: AcrRequest): readonly string[] {
  const { scopes = none, resources = none, actions = none } = request;
  const floors = [app.floor];
  const add = (rules: AppRule['scopes'], names: readonly string[]) => {
    for (const name of names) {
      const floor = Object.hasOwn(rules, name) ? rules[name]?.floor : undefined;
      if (floor !== undefined && !floors.includes(floor)) floors.push(floor);
    }
  };
  add(app.scopes, scopes);
  add(app.resources, resources);
  add(app.actions, actions);
  if (floors.length === 1) return floors;
  return floors.filter((id) => !floors.some((other) => other !== id && dominates(policy.levels, other, id)));
}

/** Compares what is held with what is needed. Never answers a level that is not held, nor less than an essential request. */
export function satisfies(
  assessment: Assessment,
  requirement: Requirement,
  policy: AssurancePolicy,
  context: SatisfyContext,
): Verdict {
  const recent = assessment.held.filter((held) => isRecent(assessment, requirement, context, held));
  const floor = recent.find((held) => held.level === requirement.floor);
  const floorsMet = requirement.floors.every((id) => recent.some((held) => held.level === id));
  if (floor && floorsMet) {
    for (const meaning of requirement.wanted) {
      const held = meet(assessment, requirement, meaning, recent, floor, context);
      if (held) return { kind: 'met', level: held.level, label: meaning.label, authTime: held.authTime };
    }
    const nothingAsked = requirement.wanted.length === 0 && !requirement.essential;
    if (nothingAsked || (context.offered && !requirement.essential)) {
      // Up from the floor: the best of what is recent enough.
      const best = recent.reduce((top, held) => (dominates(policy.levels, held.level, top.level) ? held : top), floor);
      return { kind: 'met', level: best.level, label: best.level, authTime: best.authTime };
    }
  }
  return short(assessment, requirement, floorsMet);
}

function meet(
  assessment: Assessment,
  requirement: Requirement,
  meaning: Meaning,
  recent: readonly HeldLevel[],
  floor: HeldLevel,
  context: SatisfyContext,
): HeldLevel | undefined {
  if (meaning.kind === 'level') return recent.find((held) => held.level === meaning.level);
  const set = meetRules(meaning.rules, context.events, assessment.at);
  // The label speaks of the authentication, so it is dated by the events that carry it.
  if (!set) return undefined;
  const held = { ...floor, authTime: set.authTime, eventIds: set.events.map((event) => event.id) };
  return isRecent(assessment, requirement, context, held) ? held : undefined;
}

function isRecent(assessment: Assessment, requirement: Requirement, context: SatisfyContext, held: HeldLevel): boolean {
  const age = (assessment.at.getTime() - held.authTime.getTime()) / 1000;
  const used = context.events.filter((event) => held.eventIds.includes(event.id));
  const here =
    used.length === held.eventIds.length && used.every((event) => isOfInteraction(event, context.interaction));
  if (requirement.fresh && !here) return false;
  // What was just done in this interaction is never too old for it, or max_age=0 could never be met; when somebody signed in
  // at an upstream that rides on a session of its own is not known.
  const known = !used.some(({ stale }) => stale === true);
  return requirement.maxAge === null || (known && age <= requirement.maxAge) || here;
}

function short(assessment: Assessment, requirement: Requirement, floorMet: boolean): Verdict {
  const levels = requirement.wanted.map((meaning) => (meaning.kind === 'level' ? meaning.level : requirement.floor));
  const target = requirement.essential ? levels : [...levels, ...requirement.floors];
  // Where the floor is met, the wish is what is missing: that the floor's identity is known does not help it.
  const missing = floorMet ? levels : target;
  const identityMet =
    missing.some((level) => isIdentified(assessment, level)) &&
    requirement.floors.every((level) => isIdentified(assessment, level));
  const asked: ReasonCode =
    target.length === 0 ? 'unknown_level' : requirement.wanted.length > 0 ? 'app_asked' : 'app_minimum';
  return {
    kind: 'short',
    target,
    reasons: identityMet && assessment.held.length > 0 ? ['sign_in_again', asked] : [asked],
    voluntary: floorMet && !requirement.essential,
    reauthenticate: identityMet,
  };
}

const isIdentified = (assessment: Assessment, level: string) => assessment.identities.includes(level);
