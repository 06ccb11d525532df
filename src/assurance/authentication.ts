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
 * add the other factor kind (SP 800-63B-4 2.2.1: two different factors, not two of a kind). Runs for each level of each
 * token, hence loops and no intermediate lists.
 */
export function meetRules(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  now: Date,
): Met | null {
  let best: { rule: AuthenticationRule; events: readonly AuthenticationEvent[]; at: number } | null = null;
  let end = 0;
  for (const rule of rules) {
    const oldest = now.getTime() - rule.maxAge * 1000;
    for (const carrier of events) {
      const carrierAt = carrier.at.getTime();
      if (carrierAt <= oldest || !carries(rule, carrier)) continue;
      // The carrier alone, then with each other event.
      for (let i = -1; i < events.length; i += 1) {
        const other = events[i] ?? carrier;
        const at = Math.min(carrierAt, other.at.getTime());
        if (at <= oldest || !enoughFactors(rule, carrier, other)) continue;
        end = Math.max(end, at + rule.maxAge * 1000);
        if (best === null || at > best.at) best = { rule, events: i < 0 ? [carrier] : [carrier, other], at };
      }
    }
  }
  if (best === null) return null;
  const until = new Date(best.at + best.rule.maxAge * 1000);
  return { events: best.events, authTime: new Date(best.at), until, end: new Date(end) };
}

/** Whether an event has the properties that one event of a set must have. */
export const carries = (rule: AuthenticationRule, event: AuthenticationEvent): boolean =>
  (event.userVerified || !rule.userVerified) &&
  (event.phishingResistant || !rule.phishingResistant) &&
  (event.deviceBound || !rule.deviceBound);

function enoughFactors(rule: AuthenticationRule, one: AuthenticationEvent, two: AuthenticationEvent): boolean {
  let count = 0;
  for (const kind of factorKinds) {
    const has = one.factors.includes(kind) || two.factors.includes(kind);
    if (has) count += 1;
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
