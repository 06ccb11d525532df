import type { AuthenticationEvent, FactorKind } from './evidence.ts';
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
 * add the other factor kind (SP 800-63B-4 2.2.1: two different factors, not two of a kind).
 */
export function meetRules(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  now: Date,
): Met | null {
  let best: EventSet | null = null;
  let end = Number.NEGATIVE_INFINITY;
  // This runs for every token: the sets are walked, not collected.
  for (const rule of rules) {
    for (const carrier of events) {
      if (!isYoung(carrier, rule, now) || !carries(rule, carrier)) continue;
      for (const other of events) {
        if (!isYoung(other, rule, now) || !enoughFactors(rule, carrier, other)) continue;
        const set = setOf(rule, carrier, other);
        end = Math.max(end, set.until.getTime());
        if (best === null || set.authTime > best.authTime) best = set;
      }
    }
  }
  return best === null ? null : { ...best, end: new Date(end) };
}

/** A carrier beside itself is a set of one. */
function setOf(rule: AuthenticationRule, carrier: AuthenticationEvent, other: AuthenticationEvent): EventSet {
  const authTime = new Date(Math.min(carrier.at.getTime(), other.at.getTime()));
  return {
    events: carrier === other ? [carrier] : [carrier, other],
    authTime,
    until: new Date(authTime.getTime() + rule.maxAge * 1000),
  };
}

const isYoung = (event: AuthenticationEvent, rule: AuthenticationRule, now: Date) =>
  event.at.getTime() + rule.maxAge * 1000 > now.getTime();

const carries = (rule: AuthenticationRule, event: AuthenticationEvent) =>
  (event.userVerified || !rule.userVerified) &&
  (event.phishingResistant || !rule.phishingResistant) &&
  (event.deviceBound || !rule.deviceBound);

function enoughFactors(rule: AuthenticationRule, carrier: AuthenticationEvent, other: AuthenticationEvent): boolean {
  const has = (kind: FactorKind) => carrier.factors.includes(kind) || other.factors.includes(kind);
  const count = factorKinds.reduce((sum, kind) => (has(kind) ? sum + 1 : sum), 0);
  return count >= rule.factors && (rule.kinds ?? []).every(has);
}

const factorKinds: readonly FactorKind[] = ['knowledge', 'possession', 'inherence'];

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
  }
}
