import { covers, placeOf } from './catalogue.ts';
import { type Evidence, type PersonCategory, strengths } from './evidence.ts';
import type { EvidenceRule, IdentityWay } from './policy.ts';

/** The evidence that meets the identity part of a level the longest. */
export interface Identity {
  readonly evidence: readonly Evidence[];
  /** The record of a person that all of it is about; null: it names none. */
  readonly record: string | null;
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

/** Several proofs are of one person only where they are about one record of one: each record is tried by itself. */
function meetWay(
  way: IdentityWay,
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
): Identity | null {
  const records = recordsFor(way, category, evidence, now);
  if (records.length < 2) return meetOf(way, category, evidence, now);
  let best: Identity | null = null;
  for (const record of records) {
    const ofOne = evidence.filter((item) => isOf(item, record));
    const met = meetOf(way, category, ofOne, now);
    if (met !== null && (best === null || met.until > best.until)) best = met;
  }
  return best;
}

/** The records that could meet a way of several rules; where one rule is all, it does not matter which. */
function recordsFor(
  { rules }: IdentityWay,
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
): readonly string[] {
  let records = none;
  if (rules.length < 2) return records;
  for (const item of evidence) {
    const record = recordOf(item);
    if (record === null || records.includes(record)) continue;
    if (rules.some((rule) => fits(rule, category, item) && endOf(rule, item) > now)) records = [...records, record];
  }
  return records;
}

const none: readonly string[] = [];

/**
 * What evidence has to have in common with other evidence to be added up with it. A confirmed contact is anybody's, and a
 * proof that is merely thought of (`plan.ts`) would be of whoever the rest is: null. One that names no document stands by
 * itself: nobody can say whether another is about the same person.
 */
export const recordOf = ({ kind, record, id }: Evidence): string | null =>
  kind === 'contact' || record === undefined ? null : (record ?? `alone:${id}`);

const isOf = (item: Evidence, record: string) => {
  const own = recordOf(item);
  return own === null || own === record;
};

function meetOf(
  way: IdentityWay,
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
): Identity | null {
  if (way.independent) return identityOf(meetApart(way.rules, category, evidence, now, []));
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
  return identityOf({ evidence: items, until });
}

type Found = Omit<Identity, 'record'>;

function identityOf(found: Found | null): Identity | null {
  if (found === null) return null;
  let record: string | null = null;
  for (const item of found.evidence) record ??= item.kind === 'contact' ? null : (item.record ?? null);
  return { ...found, record };
}

/** Each rule by another source: tries all pairings and keeps the one that lasts longest. */
function meetApart(
  rules: readonly EvidenceRule[],
  category: PersonCategory | null,
  evidence: readonly Evidence[],
  now: number,
  taken: readonly Evidence[],
): Found | null {
  const rule = rules[taken.length];
  if (rule === undefined) return { evidence: taken, until: Number.POSITIVE_INFINITY };
  let best: Found | null = null;
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
