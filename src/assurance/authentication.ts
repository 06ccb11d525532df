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

/**
 * The freshest set of events that meets one of the rules, or null. One event carries the rule's properties; a second
 * one may add the other factor kind (SP 800-63B-4 2.2.1: two different factors, not two of a kind).
 */
export function meetRules(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  now: Date,
): EventSet | null {
  let best: EventSet | null = null;
  for (const rule of rules) {
    const found = meetRule(rule, events, now);
    if (found && (best === null || found.authTime > best.authTime)) best = found;
  }
  return best;
}

/** As {@link meetRules}, by the latest end instead of the latest start. */
export function latestEnd(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  now: Date,
): Date | null {
  const ends = rules.map((rule) => meetRule(rule, events, now)?.until).filter((until) => until !== undefined);
  return ends.length === 0 ? null : new Date(Math.max(...ends.map(Number)));
}

function meetRule(rule: AuthenticationRule, all: readonly AuthenticationEvent[], now: Date): EventSet | null {
  const young = all.filter((event) => endOf(event, rule) > now.getTime());
  let best: EventSet | null = null;
  for (const carrier of young.filter((event) => carries(rule, event))) {
    for (const events of [[carrier], ...young.map((other) => [carrier, other])]) {
      if (!enoughFactors(rule, events)) continue;
      const authTime = new Date(Math.min(...events.map((event) => event.at.getTime())));
      if (best === null || authTime > best.authTime)
        best = { events, authTime, until: new Date(authTime.getTime() + rule.maxAge * 1000) };
    }
  }
  return best;
}

const endOf = (event: AuthenticationEvent, rule: AuthenticationRule) => event.at.getTime() + rule.maxAge * 1000;

const carries = (rule: AuthenticationRule, event: AuthenticationEvent) =>
  (event.userVerified || !rule.userVerified) &&
  (event.phishingResistant || !rule.phishingResistant) &&
  (event.deviceBound || !rule.deviceBound);

function enoughFactors(rule: AuthenticationRule, events: readonly AuthenticationEvent[]): boolean {
  const kinds = factorsOf(events);
  return kinds.size >= rule.factors && (rule.kinds ?? []).every((kind) => kinds.has(kind));
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
  }
}
