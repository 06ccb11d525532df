import { acceptedEvents, acceptedEvidence, notAccepted } from './accepted.ts';
import { assess, counted, type HeldLevel } from './assess.ts';
import { meetRules } from './authentication.ts';
import type { AuthenticationEvent, Evidence } from './evidence.ts';
import { endOf, meetWays } from './identity.ts';
import { missingCodes, missingEvent, missingEvidence } from './missing.ts';
import { type Offer, type Plan, plan } from './plan.ts';
import type { AssurancePolicy, AuthenticationRule, EvidenceRule, IdentityWay } from './policy.ts';
import { type AcrRequest, type Requirement, requirementFor, satisfies, type Verdict } from './requirement.ts';
import { type Words, words, wordsOfAuthentication, wordsOfEvidence, wordsOfWay } from './words.ts';

/** What a decision rested on, and what else could have been done. */
export interface Facts {
  readonly clientId: string;
  readonly request: AcrRequest;
  /** The whole ledger, revoked and expired rows too: they are what is missing. */
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly at: Date;
  readonly interaction: string | null;
  /** A voluntary level was offered and left. */
  readonly offered?: boolean;
  /** Given, the planner's alternatives are said too. */
  readonly offers?: readonly Offer[];
}

/** One rule of a level: met by what and until when, or what was missing. */
export interface RuleExplained {
  readonly rule: Words;
  readonly met: boolean;
  /** Evidence or events that met it. */
  readonly ids: readonly string[];
  /** When the newest of them was recorded, when they end; null: not met, or never. */
  readonly since: Date | null;
  readonly until: Date | null;
  readonly missing: Words | null;
}

export interface WayExplained {
  readonly way: Words;
  readonly met: boolean;
  readonly rules: readonly RuleExplained[];
  /** Each rule could be met, but not all of them by evidence of independent sources about one category of person. */
  readonly missing: Words | null;
}

export interface LevelExplained {
  readonly level: string;
  readonly held: boolean;
  /** Held because a higher level is, not by its own rules. */
  readonly through: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
  readonly authTime: Date | null;
  readonly identity: readonly WayExplained[];
  readonly authentication: readonly RuleExplained[];
}

export interface Explanation {
  readonly policyVersion: number;
  readonly at: Date;
  readonly clientId: string;
  readonly requirement: Requirement;
  readonly verdict: Verdict;
  /** The decision in sentences, most important first. */
  readonly said: readonly Words[];
  /** Each level of the policy, in its order. */
  readonly levels: readonly LevelExplained[];
  /** Evidence that did not count for this app. */
  readonly ignored: readonly { readonly id: string; readonly why: Words }[];
  readonly alternatives: Plan | null;
}

/** Explains a decision, rule by rule, from the same facts and by the same functions that made it. */
export function explain(policy: AssurancePolicy, facts: Facts): Explanation {
  const { at, interaction, clientId, offered = false } = facts;
  const requirement = requirementFor(policy, clientId, facts.request);
  const events = acceptedEvents(requirement, facts.events);
  const accepted = acceptedEvidence(requirement, facts.evidence);
  const assessment = assess(policy, accepted, events, at, { interaction });
  const verdict = satisfies(assessment, requirement, policy, { interaction, offered, events });
  const levels = policy.levels.map((level): LevelExplained => {
    const held = assessment.held.find((item) => item.level === level.id);
    const identity = level.identity.map((way) => explainWay(way, accepted, at));
    const authentication = level.authentication.map((rule) => {
      const usable = counted(level.rideOnSso, events, { interaction });
      return explainRule(rule, usable, events, at);
    });
    const own = identity.some(({ met }) => met) && authentication.some(({ met }) => met);
    return {
      level: level.id,
      held: held !== undefined,
      through: own ? null : above(policy, assessment.held, level.id),
      since: held?.since ?? null,
      until: held?.until ?? null,
      authTime: held?.authTime ?? null,
      identity,
      authentication,
    };
  });
  return {
    policyVersion: policy.version,
    at,
    clientId,
    requirement,
    verdict,
    said: sentences(requirement, verdict, policy.version),
    levels,
    ignored: facts.evidence.flatMap((item) => {
      const why = notAccepted(requirement, item);
      return why === null ? [] : [{ id: item.id, why: words(`explain.${why}`, { source: item.source }) }];
    }),
    alternatives: facts.offers
      ? plan({ policy, requirement, evidence: facts.evidence, events, offers: facts.offers, now: at, interaction })
      : null,
  };
}

/** A held level that says it dominates this one. */
const above = (policy: AssurancePolicy, held: readonly HeldLevel[], level: string): string | null =>
  policy.levels.find((other) => other.dominates.includes(level) && held.some((item) => item.level === other.id))?.id ??
  null;

function explainWay(way: IdentityWay, evidence: readonly Evidence[], at: Date): WayExplained {
  const whole = meetWays([way], evidence, at.getTime());
  const rules = way.rules.map((rule, i): RuleExplained => {
    // Where the way as a whole is not met, each rule is looked at alone.
    const alone = meetWays([{ ...way, independent: false, rules: [rule] }], evidence, at.getTime());
    const item = (whole ?? alone)?.evidence[whole ? i : 0];
    const said = wordsOfEvidence(rule);
    return item
      ? { rule: said, met: true, ids: [item.id], since: item.recordedAt, until: untilOf(rule, item), missing: null }
      : {
          rule: said,
          met: false,
          ids: [],
          since: null,
          until: null,
          missing: missingEvidence(way, rule, evidence, at),
        };
  });
  const apart = whole === null && rules.every(({ met }) => met);
  return { way: wordsOfWay(way), met: whole !== null, rules, missing: apart ? words('explain.not_together') : null };
}

function untilOf(rule: EvidenceRule, item: Evidence): Date | null {
  const end = endOf(rule, item);
  return Number.isFinite(end) ? new Date(end) : null;
}

function explainRule(
  rule: AuthenticationRule,
  usable: readonly AuthenticationEvent[],
  events: readonly AuthenticationEvent[],
  at: Date,
): RuleExplained {
  const met = meetRules([rule], usable, at);
  return {
    rule: wordsOfAuthentication(rule),
    met: met !== null,
    ids: met?.events.map(({ id }) => id) ?? [],
    since: met?.authTime ?? null,
    until: met?.end ?? null,
    missing: met ? null : missingEvent(rule, usable, events, at),
  };
}

function sentences(requirement: Requirement, verdict: Verdict, version: number): Words[] {
  const asked = requirement.wanted.map(({ label }) => label).join(', ');
  return [
    verdict.kind === 'met'
      ? words('explain.met', { level: verdict.level, label: verdict.label })
      : words(verdict.reauthenticate ? 'explain.reauthenticate' : 'explain.short', {
          levels: verdict.target.join(', '),
        }),
    words('explain.floor', { levels: requirement.floors.join(', ') }),
    ...(asked === ''
      ? []
      : [words(requirement.essential ? 'explain.essential' : 'explain.voluntary', { labels: asked })]),
    ...(requirement.essential && asked === '' ? [words('explain.unknown')] : []),
    ...(requirement.maxAge === null ? [] : [words('explain.max_age', { seconds: requirement.maxAge })]),
    ...(requirement.fresh ? [words('explain.fresh')] : []),
    words('explain.policy', { version }),
  ];
}

export const explainCodes = [
  ...['met', 'short', 'reauthenticate', 'floor', 'essential', 'voluntary', 'unknown', 'max_age', 'fresh', 'policy'],
  ...['source_denied', 'category_refused', 'not_together'],
  ...missingCodes,
] as const;
