import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { carries, type Met, meetRules } from '../../src/assurance/authentication.ts';
import { type AuthenticationEvent, factorKinds } from '../../src/assurance/evidence.ts';
import type { AuthenticationRule } from '../../src/assurance/policy.ts';
import { anyAuthenticationRule, anyEvent } from './generators.ts';
import { event, evidence, now } from './support.ts';

/** The definition: every event that carries the rule, alone and with every other one. Quadratic, and plain. */
function byDefinition(
  rules: readonly AuthenticationRule[],
  events: readonly AuthenticationEvent[],
  at: Date,
): Met | null {
  let best: { rule: AuthenticationRule; events: readonly AuthenticationEvent[]; at: number } | null = null;
  let end = 0;
  for (const rule of rules) {
    const oldest = at.getTime() - rule.maxAge * 1000;
    for (const carrier of events.filter((each) => each.at.getTime() > oldest && carries(rule, each))) {
      for (const set of [[carrier], ...events.map((other) => [carrier, other])]) {
        const time = Math.min(...set.map((each) => each.at.getTime()));
        const shown = factorKinds.filter((kind) => set.some(({ factors }) => factors.includes(kind)));
        const enough = shown.length >= rule.factors && (rule.kinds ?? []).every((kind) => shown.includes(kind));
        if (time <= oldest || !enough) continue;
        end = Math.max(end, time + rule.maxAge * 1000);
        if (best === null || time > best.at) best = { rule, events: set, at: time };
      }
    }
  }
  if (best === null) return null;
  const until = new Date(best.at + best.rule.maxAge * 1000);
  return { events: best.events, authTime: new Date(best.at), until, end: new Date(end) };
}

it('finds the very set of events that the definition finds', () => {
  const rules = fc.array(anyAuthenticationRule, { maxLength: 3 });
  fc.assert(
    fc.property(rules, fc.array(anyEvent, { maxLength: 12 }), (some, events) => {
      expect(meetRules(some, events, now)).toEqual(byDefinition(some, events, now));
    }),
    { numRuns: 3_000 },
  );
  // One or two, as nearly every session has, have a way of their own.
  fc.assert(
    fc.property(rules, fc.array(anyEvent, { maxLength: 2 }), (some, events) => {
      expect(meetRules(some, events, now)).toEqual(byDefinition(some, events, now));
    }),
    { numRuns: 10_000 },
  );
});

it('a thousand sign-ins in a session are looked at a few times each, not once for each other', () => {
  let looks = 0;
  const counted = (number: number): AuthenticationEvent => {
    const one = event({ id: String(number).padStart(6, '0'), method: 'password', factors: ['knowledge'] });
    return new Proxy(one, {
      get: (target, name, receiver) => {
        looks += 1;
        return Reflect.get(target, name, receiver);
      },
    });
  };
  const looksFor = (count: number) => {
    const events = Array.from({ length: count }, (_, number) => counted(number));
    looks = 0;
    assess(defaultPolicy, [evidence({ kind: 'contact' })], events, now, { interaction: 'here' });
    return looks / count;
  };
  const few = looksFor(100);
  expect(looksFor(4_000)).toBeLessThan(few * 1.5);
});
