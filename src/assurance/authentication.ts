import { type AuthenticationEvent, type FactorKind, factorKinds } from './evidence.ts';
import type { AuthenticationRule } from './policy.ts';

/** A set of events that meets one rule. */
export interface EventSet {
  readonly events: readonly AuthenticationEvent[];
  /** The oldest of them: what the token may say as `auth_time`. */
  readonly authTime: Date;
  /** When the oldest of them is too old for the rule. */
  readonly until: Date;
}

/** The freshest set that meets one of the rules, and when the last of all such sets is over. */
export interface Met extends EventSet {
  readonly end: Date;
}

/**
 * Looks for events that meet one of the rules; null: none do. One event carries the rule's properties; a second one may
 * add the other factor kind (SP 800-63B-4 2.2.1: two different factors, not two of a kind). Of sets as fresh, the first in
 * the order of the events. Linear in the events: what a second one adds is one of eight sets of factor kinds, so the freshest
 * of each is all that has to be known. Runs for each level of each token, hence loops and no intermediate lists.
 */
export function meetRules(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  now: Date,
): Met | null {
  let best: { rule: AuthenticationRule; at: number } | null = null;
  let end = 0;
  for (const rule of rules) {
    const at = freshest(rule, events, now.getTime() - rule.maxAge * 1000);
    if (at === null) continue;
    end = Math.max(end, at + rule.maxAge * 1000);
    if (best === null || at > best.at) best = { rule, at };
  }
  if (best === null) return null;
  const until = new Date(best.at + best.rule.maxAge * 1000);
  return {
    events: firstSet(best.rule, events, best.at),
    authTime: new Date(best.at),
    until,
    end: new Date(end),
  };
}

/** Sets of factor kinds as bits of a number. */
const maskCount = 2 ** factorKinds.length;

function maskOf({ factors }: AuthenticationEvent): number {
  let mask = 0;
  for (let i = 0; i < factorKinds.length; i += 1) {
    const kind = factorKinds[i];
    if (kind !== undefined && factors.includes(kind)) mask |= 1 << i;
  }
  return mask;
}

/** The same for one sign-in or two, as nearly every session has: no tables to fill and go through. */
function freshestOfFew(
  rule: AuthenticationRule,
  events: readonly AuthenticationEvent[],
  oldest: number,
): number | null {
  let best: number | null = null;
  for (const event of events) {
    const at = event.at.getTime();
    if (at <= oldest || (best !== null && at <= best) || !carries(rule, event)) continue;
    const mask = maskOf(event);
    if (enoughFactors(rule, mask)) best = at;
    else
      for (const other of events) {
        const both = Math.min(at, other.at.getTime());
        if (other === event || both <= oldest || (best !== null && both <= best)) continue;
        if (enoughFactors(rule, mask | maskOf(other))) best = both;
      }
  }
  return best;
}

/** Time of the oldest event of the freshest set younger than `oldest` that meets the rule; null: none does. */
function freshest(rule: AuthenticationRule, events: readonly AuthenticationEvent[], oldest: number): number | null {
  if (events.length <= 2) return freshestOfFew(rule, events, oldest);
  const carriers = new Float64Array(maskCount).fill(Number.NEGATIVE_INFINITY);
  const others = new Float64Array(maskCount).fill(Number.NEGATIVE_INFINITY);
  for (const event of events) {
    const at = event.at.getTime();
    if (at <= oldest) continue;
    const mask = maskOf(event);
    if (at > (others[mask] ?? 0)) others[mask] = at;
    if (carries(rule, event) && at > (carriers[mask] ?? 0)) carriers[mask] = at;
  }
  let best = Number.NEGATIVE_INFINITY;
  for (let one = 0; one < maskCount; one += 1) {
    const carried = carriers[one] ?? 0;
    if (carried <= best) continue;
    // Alone, or with what another event adds: the older of the two dates the set.
    if (enoughFactors(rule, one)) best = carried;
    else
      for (let two = 0; two < maskCount; two += 1) {
        const at = Math.min(carried, others[two] ?? 0);
        if (at > best && enoughFactors(rule, one | two)) best = at;
      }
  }
  return best === Number.NEGATIVE_INFINITY ? null : best;
}

function firstSetOfFew(
  rule: AuthenticationRule,
  events: readonly AuthenticationEvent[],
  at: number,
): AuthenticationEvent[] {
  for (const event of events) {
    if (event.at.getTime() < at || !carries(rule, event)) continue;
    const mask = maskOf(event);
    if (enoughFactors(rule, mask)) return [event];
    for (const other of events)
      if (other !== event && other.at.getTime() >= at && enoughFactors(rule, mask | maskOf(other)))
        return [event, other];
  }
  return [];
}

/** The first set, in the order of the events, whose oldest event is of `at`, the freshest there is. */
function firstSet(rule: AuthenticationRule, events: readonly AuthenticationEvent[], at: number): AuthenticationEvent[] {
  if (events.length <= 2) return firstSetOfFew(rule, events, at);
  const firsts = new Int32Array(maskCount).fill(-1);
  for (let i = events.length - 1; i >= 0; i -= 1) {
    const event = events[i];
    if (event !== undefined && event.at.getTime() >= at) firsts[maskOf(event)] = i;
  }
  for (const event of events) {
    if (event.at.getTime() < at || !carries(rule, event)) continue;
    const mask = maskOf(event);
    if (enoughFactors(rule, mask)) return [event];
    let first = -1;
    for (let two = 0; two < maskCount; two += 1) {
      const i = firsts[two] ?? -1;
      if (i >= 0 && (first < 0 || i < first) && enoughFactors(rule, mask | two)) first = i;
    }
    const other = events[first];
    if (other !== undefined) return [event, other];
  }
  return [];
}

/** Whether an event has the properties that one event of a set must have. */
export const carries = (rule: AuthenticationRule, event: AuthenticationEvent): boolean =>
  (event.userVerified || !rule.userVerified) &&
  (event.phishingResistant || !rule.phishingResistant) &&
  (event.deviceBound || !rule.deviceBound);

function enoughFactors(rule: AuthenticationRule, mask: number): boolean {
  let count = 0;
  for (let i = 0; i < factorKinds.length; i += 1) {
    const kind = factorKinds[i];
    if (kind === undefined) continue;
    if ((mask & (1 << i)) !== 0) count += 1;
    else if (rule.kinds?.includes(kind)) return false;
  }
  return count >= rule.factors;
}

export function factorsOf(events: readonly AuthenticationEvent[]): ReadonlySet<FactorKind> {
  return new Set(events.flatMap((event) => event.factors));
}

/** Authentication method references of a set of events (RFC 8176 section 2), sorted. */
export function amrOf(events: readonly AuthenticationEvent[]): string[] {
  const values = new Set(events.flatMap(methodReferences));
  if (factorsOf(events).size >= 2) values.add('mfa');
  return [...values].sort();
}

function methodReferences(event: AuthenticationEvent): string[] {
  switch (event.method) {
    case 'passkey':
      return ['pop', event.deviceBound ? 'hwk' : 'swk', 'user'];
    case 'password':
      return ['pwd'];
    case 'totp':
    case 'recovery_code':
      return ['otp'];
    case 'sms_code':
      return ['sms'];
    case 'bridge':
      return [];
    // Over more than one channel: the passkey was shown on another device than the one that is signed in.
    case 'cross_device':
      return ['mca', 'user'];
  }
}
