import { type AuthenticationEvent, type Evidence, isAlive } from './evidence.ts';
import type { Explanation, LevelExplained, RuleExplained, WayExplained } from './explain.ts';
import type { Way } from './plan.ts';
import type { AssurancePolicy } from './policy.ts';
import type { ReasonCode } from './reasons.ts';
import { proofOfEvent, proofOfEvidence, type Speech, sourceName, speechOf, type Teller } from './speech.ts';
import { words, wordsOfConfirmed } from './words.ts';

/** Something that met a rule. */
export interface Proof {
  readonly id: string;
  readonly what: string;
  readonly from: string | null;
  readonly at: Date;
}

export interface ToldRule {
  readonly line: string;
  readonly details: readonly string[];
  readonly met: boolean;
  readonly proofs: readonly Proof[];
  readonly until: Date | null;
  readonly missing: string | null;
}

export interface ToldWay {
  readonly met: boolean;
  /** Whom it is for, and whether its parts must be of different sources; none: everybody. */
  readonly conditions: readonly string[];
  readonly rules: readonly ToldRule[];
  readonly missing: string | null;
}

export interface ToldLevel {
  readonly id: string;
  readonly name: string;
  readonly held: boolean;
  readonly through: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
  /** What met it, or where nothing did, every way there was. */
  readonly identity: readonly ToldWay[];
  readonly authentication: readonly ToldRule[];
}

export interface ToldEvidence extends Proof {
  readonly confirms: readonly string[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** It met a rule of a level that the request was about; did not count; had ended; or was not needed. */
  readonly state: 'used' | 'ignored' | 'ended' | 'unused';
  /** Why it did not count. */
  readonly why: string | null;
}

export interface ToldEvent extends Proof {
  readonly properties: readonly string[];
  readonly state: 'used' | 'unused';
}

export interface Told {
  readonly said: readonly string[];
  /** The levels that the request was about, then the others. */
  readonly levels: readonly ToldLevel[];
  readonly others: readonly ToldLevel[];
  readonly evidence: readonly ToldEvidence[];
  readonly events: readonly ToldEvent[];
  /** What else could have been done; null: nothing was missing. */
  readonly alternatives: {
    readonly ways: readonly Way[];
    readonly blocked: readonly Way[];
    readonly because: readonly ReasonCode[];
  } | null;
}

/** What was on file, and which sources were switched off. */
export interface OnFile {
  readonly policy: AssurancePolicy;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly off: ReadonlySet<string>;
}

/** An explanation as its reader reads it: finished sentences, names instead of ids. */
export function tell(explained: Explanation, on: OnFile, teller: Teller): Told {
  const speech = speechOf(on.policy, teller);
  const proofs = new Map([
    ...on.evidence.map((item) => [item.id, proofOfEvidence(item, teller)] as const),
    ...on.events.map((event) => [event.id, proofOfEvent(event, teller)] as const),
  ]);
  const told = explained.levels.map((level) => levelTold(level, speech, proofs));
  const about = aboutLevels(explained);
  const levels = told.filter(({ id }) => about.has(id));
  const used = new Set(
    levels
      .flatMap(({ identity, authentication }) => [...identity.flatMap(({ rules }) => rules), ...authentication])
      .flatMap((rule) => rule.proofs.map(({ id }) => id)),
  );
  const { alternatives: found } = explained;
  return {
    // Which level is missing can't be said where only unknown ones were asked for.
    said: explained.said.filter(({ params }) => params.levels !== '').map(speech),
    levels,
    others: told.filter(({ id }) => !about.has(id)),
    evidence: evidenceTold(explained, on, teller, used),
    events: on.events.map((event) => ({
      ...proofOfEvent(event, teller),
      properties: propertiesOf(event).map((code) => speech(words(code))),
      state: used.has(event.id) ? 'used' : 'unused',
    })),
    alternatives:
      found === null || found.kind === 'met'
        ? null
        : {
            ways: found.kind === 'ways' ? found.ways : [],
            blocked: found.blocked,
            because: found.kind === 'unreachable' ? found.because : [],
          },
  };
}

function evidenceTold(
  { ignored, at }: Explanation,
  on: OnFile,
  teller: Teller,
  used: ReadonlySet<string>,
): ToldEvidence[] {
  const speech = speechOf(on.policy, teller);
  const refused = new Map(ignored.map(({ id, why }) => [id, speech(why)]));
  return on.evidence.map((item) => {
    const proof = proofOfEvidence(item, teller);
    const source = sourceName(item.source, teller);
    const off = on.off.has(item.source) ? teller.text('decisions.source_off', { source }) : null;
    const why = off ?? refused.get(item.id) ?? null;
    const counted = used.has(item.id) ? 'used' : isAlive(item, at) ? 'unused' : 'ended';
    return {
      ...proof,
      confirms: item.confirmed.map((word) => speech(wordsOfConfirmed(word))),
      expiresAt: item.expiresAt,
      revokedAt: item.revokedAt,
      state: why === null ? counted : 'ignored',
      why,
    };
  });
}

const propertiesOf = (event: AuthenticationEvent): string[] => [
  ...(event.userVerified ? ['rule.user_verified'] : []),
  ...(event.phishingResistant ? ['rule.phishing_resistant'] : []),
  ...(event.deviceBound ? ['rule.device_bound'] : []),
];

function aboutLevels({ requirement, verdict }: Explanation): ReadonlySet<string> {
  const wanted = requirement.wanted.flatMap((meaning) => (meaning.kind === 'level' ? [meaning.level] : []));
  return new Set([...requirement.floors, ...wanted, ...(verdict.kind === 'met' ? [verdict.level] : verdict.target)]);
}

/** What is met, where anything is. */
function metFirst<T extends { readonly met: boolean }>(all: readonly T[]): readonly T[] {
  const met = all.filter((each) => each.met);
  return met.length > 0 ? met : all;
}

const levelTold = (level: LevelExplained, speech: Speech, proofs: ReadonlyMap<string, Proof>): ToldLevel => ({
  id: level.level,
  name: speech.level(level.level),
  held: level.held,
  through: level.through === null ? null : speech.level(level.through),
  since: level.since,
  until: level.until,
  identity: metFirst(level.identity).map((way) => wayTold(way, speech, proofs)),
  authentication: metFirst(level.authentication).map((rule) => ruleTold(rule, speech, proofs)),
});

const wayTold = (way: WayExplained, speech: Speech, proofs: ReadonlyMap<string, Proof>): ToldWay => ({
  met: way.met,
  conditions: way.way.parts
    .filter(({ code }) => code.startsWith('rule.category.') || code === 'rule.independent')
    .map((said) => speech(said)),
  rules: way.rules.map((rule) => ruleTold(rule, speech, proofs)),
  missing: way.missing === null ? null : speech(way.missing),
});

const ruleTold = (rule: RuleExplained, speech: Speech, proofs: ReadonlyMap<string, Proof>): ToldRule => ({
  line: speech({ ...rule.rule, parts: [] }),
  details: rule.rule.parts.map((said) => speech(said)),
  met: rule.met,
  proofs: rule.ids.flatMap((id) => proofs.get(id) ?? []),
  until: rule.until,
  missing: rule.missing === null ? null : speech(rule.missing),
});
