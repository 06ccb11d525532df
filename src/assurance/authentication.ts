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
  const sets = rules
    .flatMap((rule) => setsFor(rule, events, now))
    .toSorted((a, b) => b.authTime.getTime() - a.authTime.getTime());
  const [freshest] = sets;
  return freshest ? { ...freshest, end: new Date(Math.max(...sets.map((set) => set.until.getTime()))) } : null;
}

function setsFor(rule: AuthenticationRule, all: readonly AuthenticationEvent[], now: Date): EventSet[] {
  const young = all.filter((event) => endOf(event, rule) > now.getTime());
  return young
    .filter((event) => carries(rule, event))
    .flatMap((carrier) => [[carrier], ...young.map((other) => [carrier, other])])
    .filter((events) => enoughFactors(rule, events))
    .map((events) => {
      const authTime = new Date(Math.min(...events.map((event) => event.at.getTime())));
      return { events, authTime, until: new Date(authTime.getTime() + rule.maxAge * 1000) };
    });
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
