import { amrOf, type Met, meetRules } from './authentication.ts';
import type { AuthenticationEvent, Evidence } from './evidence.ts';
import { type Identity, meetWays } from './identity.ts';
import { type Aal, closure, type Ial } from './level.ts';
import type { AssurancePolicy } from './policy.ts';

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
  /** The record of a person that the identity assurance rests on; null: it names no document. */
  readonly record: string | null;
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

/** Says which levels are held now. More evidence or more events never take a level away; ends and revocations do. */
export function assess(
  policy: AssurancePolicy,
  evidence: readonly Evidence[],
  events: readonly AuthenticationEvent[],
  now: Date,
  context: Context = { interaction: null },
): Assessment {
  const own: HeldLevel[] = [];
  const identities: string[] = [];
  let proofed: { ial: Ial; identity: Identity } | null = null;
  let shown: { aal: Aal; set: Met } | null = null;
  for (const level of policy.levels) {
    const identity = meetWays(level.identity, evidence, now.getTime());
    if (identity !== null) {
      identities.push(level.id);
      if (proofed === null || level.ial > proofed.ial) proofed = { ial: level.ial, identity };
    }
    const set = meetRules(level.authentication, counted(level.rideOnSso, events, context), now);
    if (set === null) continue;
    if (shown === null || level.aal > shown.aal || (level.aal === shown.aal && set.authTime > shown.set.authTime))
      shown = { aal: level.aal, set };
    if (identity === null) continue;
    own.push({
      level: level.id,
      since: since(identity),
      until: new Date(Math.min(identity.until, set.end.getTime())),
      evidenceIds: identity.evidence.map((item) => item.id),
      eventIds: set.events.map((event) => event.id),
      authTime: set.authTime,
    });
  }
  return {
    at: now,
    policyVersion: policy.version,
    held: withDominated(policy, own),
    ial: proofed?.ial ?? 0,
    ialTime: proofed === null ? null : since(proofed.identity),
    record: proofed?.identity.record ?? null,
    aal: shown?.aal ?? 0,
    aalTime: shown?.set.authTime ?? null,
    amr: shown === null ? [] : amrOf(shown.set.events),
    authTime: shown?.set.authTime ?? null,
    identities,
  };
}

/** Whether an event was made in the interaction, not merely shown in it by an upstream that had a session. */
export const isOfInteraction = (event: AuthenticationEvent, interaction: string | null): boolean =>
  interaction !== null && event.interaction === interaction && event.stale !== true;

/** A level that never rides on SSO counts the events of the present interaction only. */
export const counted = (
  rideOnSso: boolean,
  events: readonly AuthenticationEvent[],
  { interaction }: Context,
): readonly AuthenticationEvent[] =>
  rideOnSso ? events : events.filter((event) => isOfInteraction(event, interaction));

/** When the newest evidence it rests on was recorded. */
function since({ evidence }: Identity): Date | null {
  let newest: Date | null = null;
  for (const { recordedAt } of evidence) if (newest === null || recordedAt > newest) newest = recordedAt;
  return newest;
}

/** Whoever holds a level holds what it dominates; of several grounds the longest-lived ends it, the freshest dates it. */
function withDominated(policy: AssurancePolicy, own: readonly HeldLevel[]): HeldLevel[] {
  const below = closure(policy.levels);
  const held: HeldLevel[] = [];
  for (const { id } of policy.levels) {
    let longest: HeldLevel | null = null;
    let freshest: HeldLevel | null = null;
    for (const ground of own) {
      if (!below.get(ground.level)?.has(id)) continue;
      if (longest === null || ground.until > longest.until) longest = ground;
      if (freshest === null || ground.authTime > freshest.authTime) freshest = ground;
    }
    if (longest !== null && freshest !== null)
      held.push({ ...longest, level: id, authTime: freshest.authTime, eventIds: freshest.eventIds });
  }
  return held;
}
