import { amrOf, meetRules } from './authentication.ts';
import { type AuthenticationEvent, type Evidence, strengths } from './evidence.ts';
import { type Aal, closure, type Ial } from './level.ts';
import type { AssurancePolicy, EvidenceRule, LevelRule } from './policy.ts';

export interface HeldLevel {
  readonly level: string;
  /** When the newest evidence it rests on was recorded; null where it rests on none. */
  readonly since: Date | null;
  /** The moment at which it is held no more unless something new is proved. */
  readonly until: Date;
  readonly evidenceIds: readonly string[];
  readonly eventIds: readonly string[];
  /** Time of the oldest authentication event of the freshest set that meets the level. */
  readonly authTime: Date;
}

/** What evidence and events are worth at one moment. */
export interface Assessment {
  readonly at: Date;
  readonly policyVersion: number;
  readonly held: readonly HeldLevel[];
  readonly ial: Ial;
  readonly ialTime: Date | null;
  readonly aal: Aal;
  readonly aalTime: Date | null;
  /** RFC 8176 values of the strongest authentication that counts now. */
  readonly amr: readonly string[];
  readonly authTime: Date | null;
  /** Levels whose identity part is met, whatever the authentication. */
  readonly identities: readonly string[];
}

export interface Context {
  /** The interaction under way; levels that never ride on SSO count its events only. */
  readonly interaction: string | null;
}

interface Identity {
  readonly ids: readonly string[];
  readonly since: Date | null;
  /** Milliseconds; Infinity: nothing ends it. */
  readonly until: number;
}

/** Says which levels are held now. More evidence or more events never take a level away; ends and revocations do. */
export function assess(
  policy: AssurancePolicy,
  evidence: readonly Evidence[],
  events: readonly AuthenticationEvent[],
  now: Date,
  context: Context = { interaction: null },
): Assessment {
  const met = policy.levels.map((level) => {
    const counted = level.rideOnSso
      ? events
      : events.filter((event) => context.interaction !== null && event.interaction === context.interaction);
    return {
      level,
      identity: identityOf(level, evidence, now),
      authentication: meetRules(level.authentication, counted, now),
    };
  });
  const own = met.flatMap(({ level, identity, authentication }): HeldLevel[] => {
    if (!identity || !authentication) return [];
    return [
      {
        level: level.id,
        since: identity.since,
        until: new Date(Math.min(identity.until, authentication.end.getTime())),
        evidenceIds: identity.ids,
        eventIds: authentication.events.map((event) => event.id),
        authTime: authentication.authTime,
      },
    ];
  });
  const proofed = met.filter(({ identity }) => identity !== null).toSorted((a, b) => b.level.ial - a.level.ial);
  const shown = met
    .flatMap(({ level, authentication }) => (authentication ? [{ aal: level.aal, set: authentication }] : []))
    .toSorted((a, b) => b.aal - a.aal || b.set.authTime.getTime() - a.set.authTime.getTime())[0];
  return {
    at: now,
    policyVersion: policy.version,
    held: withDominated(policy, own),
    ial: proofed[0]?.level.ial ?? 0,
    ialTime: proofed[0]?.identity?.since ?? null,
    aal: shown?.aal ?? 0,
    aalTime: shown?.set.authTime ?? null,
    amr: shown ? amrOf(shown.set.events) : [],
    authTime: shown?.set.authTime ?? null,
    identities: proofed.map(({ level }) => level.id),
  };
}

/** Whoever holds a level holds what it dominates; of several grounds the longest-lived ends it, the freshest dates it. */
function withDominated(policy: AssurancePolicy, own: readonly HeldLevel[]): HeldLevel[] {
  const below = closure(policy.levels);
  return policy.levels.flatMap(({ id }) => {
    const grounds = own.filter((held) => below.get(held.level)?.has(id));
    const [longest] = grounds.toSorted((a, b) => b.until.getTime() - a.until.getTime());
    const [freshest] = grounds.toSorted((a, b) => b.authTime.getTime() - a.authTime.getTime());
    return longest && freshest
      ? [{ ...longest, level: id, authTime: freshest.authTime, eventIds: freshest.eventIds }]
      : [];
  });
}

function identityOf(level: LevelRule, evidence: readonly Evidence[], now: Date): Identity | null {
  const ways = level.identity.map((rules) => together(rules, evidence, now)).filter((way) => way !== null);
  return ways.toSorted((a, b) => b.until - a.until)[0] ?? null;
}

function together(rules: readonly EvidenceRule[], evidence: readonly Evidence[], now: Date): Identity | null {
  const found = rules.map((rule) => longestLived(rule, evidence, now));
  if (found.some((item) => item === null)) return null;
  const items = found.filter((item) => item !== null);
  return {
    ids: items.map(({ item }) => item.id),
    since: items.length === 0 ? null : new Date(Math.max(...items.map(({ item }) => item.recordedAt.getTime()))),
    until: Math.min(Number.POSITIVE_INFINITY, ...items.map(({ end }) => end)),
  };
}

function longestLived(
  rule: EvidenceRule,
  evidence: readonly Evidence[],
  now: Date,
): { item: Evidence; end: number } | null {
  const fitting = evidence
    .filter((item) => fits(rule, item))
    .map((item) => ({ item, end: endOf(rule, item) }))
    .filter(({ end }) => end > now.getTime());
  return fitting.toSorted((a, b) => b.end - a.end)[0] ?? null;
}

const fits = (rule: EvidenceRule, item: Evidence) =>
  item.kind === rule.kind &&
  strengths.indexOf(item.strength) >= strengths.indexOf(rule.minStrength) &&
  rule.confirms.every((word) => item.confirmed.includes(word)) &&
  (rule.sources === null || rule.sources.includes(item.source));

function endOf(rule: EvidenceRule, item: Evidence): number {
  const ends = [
    item.expiresAt?.getTime(),
    item.revokedAt?.getTime(),
    rule.maxAge === null ? undefined : item.recordedAt.getTime() + rule.maxAge * 1000,
  ];
  return Math.min(Number.POSITIVE_INFINITY, ...ends.filter((end) => end !== undefined));
}

/** Whether a piece of evidence counts for anything at all now. */
export function isAlive(item: Evidence, now: Date): boolean {
  return (item.revokedAt === null || item.revokedAt > now) && (item.expiresAt === null || item.expiresAt > now);
}

/** The best level held: one that no other held level dominates; the first in the policy's order where there are several. */
export function bestLevel(policy: AssurancePolicy, assessment: Assessment): HeldLevel | null {
  const below = closure(policy.levels);
  const { held } = assessment;
  return (
    held.find(
      (level) => !held.some((other) => other.level !== level.level && below.get(other.level)?.has(level.level)),
    ) ?? null
  );
}
