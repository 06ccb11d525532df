import { covers, placeOf } from './catalogue.ts';
import { type Evidence, type PersonCategory, strengths } from './evidence.ts';
import type { EvidenceRule, IdentityWay } from './policy.ts';

/** The evidence that meets the identity part of a level the longest. */
export interface Identity {
  readonly evidence: readonly Evidence[];
  /** Milliseconds; Infinity: nothing ends it. */
  readonly until: number;
}

/** Runs for each level of each token, hence loops and no intermediate lists. */
export function meetWays(ways: readonly IdentityWay[], evidence: readonly Evidence[], now: number): Identity | null {
  let best: Identity | null = null;
  for (const way of ways) {
    for (const category of way.categories ?? [null]) {
      const met = meetWay(way, category, evidence, now);
      if (met !== null && (best === null || met.until > best.until)) best = met;
    }
  }
  return best;
}

function meetWay(
  way: IdentityWay,
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
): Identity | null {
  if (way.independent) return meetApart(way.rules, category, evidence, now, []);
  const items: Evidence[] = [];
  let until = Number.POSITIVE_INFINITY;
  for (const rule of way.rules) {
    let longest: Evidence | null = null;
    let longestEnd = now;
    for (const item of evidence) {
      if (!fits(rule, category, item)) continue;
      const end = endOf(rule, item);
      if (end > longestEnd) {
        longest = item;
        longestEnd = end;
      }
    }
    if (longest === null) return null;
    items.push(longest);
    if (longestEnd < until) until = longestEnd;
  }
  return { evidence: items, until };
}

/** Each rule by another source: tries all pairings and keeps the one that lasts longest. */
function meetApart(
  rules: readonly EvidenceRule[],
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
  taken: readonly Evidence[],
): Identity | null {
  const rule = rules[taken.length];
  if (rule === undefined) return { evidence: taken, until: Number.POSITIVE_INFINITY };
  let best: Identity | null = null;
  for (const item of evidence) {
    if (!fits(rule, category, item) || taken.some(({ source }) => source === item.source)) continue;
    const end = endOf(rule, item);
    const rest = end > now ? meetApart(rules, category, evidence, now, [...taken, item]) : null;
    const until = rest === null ? now : Math.min(end, rest.until);
    if (rest !== null && (best === null || until > best.until)) best = { evidence: rest.evidence, until };
  }
  return best;
}

/** Whether evidence is what a rule asks for, dead or alive. A confirmed contact is of no category. */
export function fits(rule: EvidenceRule, category: PersonCategory | null, item: Evidence): boolean {
  return (
    item.kind === rule.kind &&
    (category === null || rule.kind === 'contact' || item.category === category) &&
    strengths.indexOf(item.strength) >= strengths.indexOf(rule.minStrength) &&
    (rule.sources === null || rule.sources.includes(item.source)) &&
    (rule.place === null || rule.place === placeOf(item)) &&
    rule.confirms.every((word) => covers(item.confirmed, word))
  );
}

/** When evidence ends for a rule, in milliseconds. */
export function endOf(rule: EvidenceRule, item: Evidence): number {
  let end = Number.POSITIVE_INFINITY;
  if (item.expiresAt !== null) end = item.expiresAt.getTime();
  if (item.revokedAt !== null) end = Math.min(end, item.revokedAt.getTime());
  if (rule.maxAge !== null) end = Math.min(end, item.recordedAt.getTime() + rule.maxAge * 1000);
  return end;
}
