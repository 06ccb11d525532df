import { catalogue, covers, upstreams } from './catalogue.ts';
import { strengths } from './evidence.ts';
import type { AuthenticationRule, EvidenceRule, IdentityWay, LevelRule } from './policy.ts';

/*
 * Whether whoever meets one rule meets another, whatever they hold. Sound: what is said to be implied always is
 * (property-tested against `assess`). A policy whose order is not implied by its rules is refused, because a token would
 * name a level whose own rules were never met.
 */

/** The ways of `higher` (by index) that meet no way of `lower`. */
export function unmetWays(higher: LevelRule, lower: LevelRule): number[] {
  return higher.identity.flatMap((way, i) => (meetsSome(way, lower.identity) ? [] : [i]));
}

/** The authentication rules of `higher` (by index) that meet no rule of `lower`. */
export function unmetRules(higher: LevelRule, lower: LevelRule): number[] {
  return higher.authentication.flatMap((rule, i) => (meetsSomeRule(rule, lower.authentication) ? [] : [i]));
}

/** Events of the present interaction are events of the session, not the other way round. */
export const impliesSso = (higher: LevelRule, lower: LevelRule): boolean => lower.rideOnSso || !higher.rideOnSso;

/** Whoever holds `higher` by its own rules holds `lower` by its own rules. */
export function implies(higher: LevelRule, lower: LevelRule): boolean {
  return impliesSso(higher, lower) && unmetWays(higher, lower).length === 0 && unmetRules(higher, lower).length === 0;
}

/** Whether one of some authentication rules is met by whoever meets this one. */
export const meetsSomeRule = (rule: AuthenticationRule, lower: readonly AuthenticationRule[]): boolean =>
  lower.some((other) => impliesRule(rule, other));

function impliesRule(a: AuthenticationRule, b: AuthenticationRule): boolean {
  const kinds = a.kinds ?? [];
  return (
    (a.userVerified || !b.userVerified) &&
    (a.phishingResistant || !b.phishingResistant) &&
    (a.deviceBound || !b.deviceBound) &&
    a.maxAge <= b.maxAge &&
    Math.max(a.factors, kinds.length) >= b.factors &&
    (b.kinds ?? []).every((kind) => kinds.includes(kind))
  );
}

/** A way for several categories is one way for each of them, so each may meet another way of the lower level. */
function meetsSome(way: IdentityWay, lower: readonly IdentityWay[]): boolean {
  const cases = way.categories ?? [null];
  return cases.every((category) =>
    lower.some(
      (other) =>
        (other.categories === null || (category !== null && other.categories.includes(category))) &&
        impliesWay(way, other),
    ),
  );
}

/** Each rule of `b` is met by what meets a rule of `a`; where `b` wants other sources each time, `a` must see to it. */
function impliesWay(a: IdentityWay, b: IdentityWay): boolean {
  const choose = (index: number, chosen: readonly number[]): boolean => {
    const rule = b.rules[index];
    if (rule === undefined) return true;
    return a.rules.some(
      (own, i) =>
        impliesEvidence(own, rule) &&
        (!b.independent || chosen.every((other) => areApart(a, i, other))) &&
        choose(index + 1, [...chosen, i]),
    );
  };
  return choose(0, []);
}

/** Whether two rules of a way are always met by different sources. */
function areApart(way: IdentityWay, i: number, j: number): boolean {
  if (i === j) return false;
  if (way.independent) return true;
  const [one, two] = [way.rules[i]?.sources, way.rules[j]?.sources];
  return Boolean(one && two && !one.some((source) => two.includes(source)));
}

function impliesEvidence(a: EvidenceRule, b: EvidenceRule): boolean {
  return (
    a.kind === b.kind &&
    strengths.indexOf(a.minStrength) >= strengths.indexOf(b.minStrength) &&
    (b.maxAge === null || (a.maxAge !== null && a.maxAge <= b.maxAge)) &&
    b.confirms.every((word) => covers(a.confirms, word)) &&
    (b.sources === null || (a.sources?.every((source) => b.sources?.includes(source)) ?? false)) &&
    (b.place === null || placesOf(a).every((place) => place === b.place))
  );
}

/** Where evidence that meets a rule can have been taken. */
export function placesOf(rule: EvidenceRule): readonly ('remote' | 'in_person')[] {
  const possible = (['remote', 'in_person'] as const).filter((place) => {
    if (rule.kind === 'counter') return place === 'in_person';
    if (rule.sources === null) return true;
    return rule.sources.some((source) => (source === 'counter') === (place === 'in_person'));
  });
  return possible.filter((place) => rule.place === null || place === rule.place);
}

/** Sources that can meet a rule, of those known; the first test of whether anybody ever will. */
export function sourcesFor(rule: EvidenceRule, extra: ReadonlySet<string>): string[] {
  const giving = [...(catalogue[rule.kind].sources ?? upstreams), ...extra];
  return giving.filter((source) => {
    if (rule.sources !== null && !rule.sources.includes(source)) return false;
    const place = rule.kind === 'counter' || source === 'counter' ? 'in_person' : 'remote';
    return rule.place === null || rule.place === place;
  });
}
