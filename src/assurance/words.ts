import { officials } from './catalogue.ts';
import type { AuthenticationRule, EvidenceRule, IdentityWay } from './policy.ts';

/** Something to be said in the reader's language: the text `policy.<code>` with its parameters, then its parts. */
export interface Words {
  readonly code: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly parts: readonly Words[];
}

export const words = (code: string, params: Words['params'] = {}, parts: readonly Words[] = []): Words => ({
  code,
  params,
  parts,
});

/** Lines of text, parts indented below what they belong to. */
export function linesOf(said: Words, text: (key: string, params: Words['params']) => string, indent = ''): string[] {
  return [
    indent + text(`policy.${said.code}`, said.params),
    ...said.parts.flatMap((part) => linesOf(part, text, `${indent}  `)),
  ];
}

export function wordsOfWay(way: IdentityWay): Words {
  return words('rule.way', {}, [
    ...(way.categories ?? []).map((category) => words(`rule.category.${category}`)),
    ...(way.rules.length === 0 ? [words('rule.nothing')] : way.rules.map(wordsOfEvidence)),
    ...(way.independent ? [words('rule.independent')] : []),
  ]);
}

export function wordsOfEvidence(rule: EvidenceRule): Words {
  return words(`rule.evidence.${rule.kind}`, {}, [
    words(`rule.strength.${rule.minStrength}`),
    ...rule.confirms.map(wordsOfConfirmed),
    ...(rule.sources === null ? [] : [words('rule.sources', { sources: rule.sources.join(', ') })]),
    ...(rule.place === null ? [] : [words(`rule.place.${rule.place}`)]),
    rule.maxAge === null ? words('rule.no_max_age') : maxAge(rule.maxAge),
  ]);
}

/** What is confirmed, in words. */
export function wordsOfConfirmed(word: string): Words {
  const count = officials(word);
  return count === null ? words(`rule.confirms.${word}`) : words('rule.confirms.officials', { count });
}

export function wordsOfAuthentication(rule: AuthenticationRule): Words {
  return words(rule.factors === 1 ? 'rule.one_factor' : 'rule.two_factors', {}, [
    ...(rule.kinds ?? []).map((kind) => words(`rule.factor.${kind}`)),
    ...(rule.userVerified ? [words('rule.user_verified')] : []),
    ...(rule.phishingResistant ? [words('rule.phishing_resistant')] : []),
    ...(rule.deviceBound ? [words('rule.device_bound')] : []),
    maxAge(rule.maxAge),
  ]);
}

const units = [
  ['years', 31_536_000],
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
] as const;

/** In the largest unit that says it exactly. */
function maxAge(seconds: number): Words {
  const [unit, size] = units.find(([, length]) => seconds % length === 0) ?? ['seconds', 1];
  return words(`rule.max_age_${unit}`, { count: seconds / size });
}

/** Codes of what rules say, besides those named after kinds, strengths, words, categories, places and factors. */
export const ruleCodes = [
  'way',
  'nothing',
  'independent',
  'any',
  'any_or_none',
  'sources',
  'confirms.officials',
  'no_max_age',
  'max_age_years',
  'max_age_days',
  'max_age_hours',
  'max_age_minutes',
  'max_age_seconds',
  'one_factor',
  'two_factors',
  'user_verified',
  'phishing_resistant',
  'device_bound',
] as const;
