import type { Evidence, EvidenceKind, Strength } from './evidence.ts';

interface Giving {
  /** Who can vouch; null: any upstream, also those set up later. */
  readonly sources: readonly string[] | null;
  readonly strongest: Strength;
  readonly confirms: readonly string[];
}

/** What each kind of evidence can be at its best: a rule that asks for more than this can never be met. */
export const catalogue: Readonly<Record<EvidenceKind, Giving>> = {
  contact: { sources: ['sms', 'email'], strongest: 'weak', confirms: ['phone', 'email'] },
  population: {
    sources: ['population'],
    strongest: 'strong',
    confirms: ['name', 'document_number', 'birth_date', 'photo'],
  },
  face: { sources: ['face'], strongest: 'strong', confirms: ['liveness', 'photo'] },
  counter: {
    sources: ['counter'],
    strongest: 'superior',
    confirms: ['name', 'document_number', 'birth_date', 'document', 'photo', 'officials:1', 'officials:2'],
  },
  document: {
    sources: ['exit-entry', 'counter'],
    strongest: 'strong',
    confirms: ['name', 'document_number', 'birth_date', 'document', 'photo'],
  },
  elements: {
    sources: ['carrier', 'bank', 'unionpay'],
    strongest: 'fair',
    confirms: ['name', 'document_number', 'phone', 'bank_card'],
  },
  upstream: {
    sources: null,
    strongest: 'superior',
    confirms: ['name', 'document_number', 'birth_date', 'photo', 'liveness', 'phone', 'email'],
  },
  legal_person: {
    sources: ['legal-person'],
    strongest: 'strong',
    confirms: ['name', 'document_number', 'credit_code', 'representative'],
  },
};

/** Upstreams that a policy may name before one of them is set up; ids of others are handed to `parsePolicy`. */
export const upstreams: readonly string[] = [
  'alipay',
  'bank',
  'carrier',
  'corppass',
  'guangdong',
  'iam-smart',
  'macao',
  'network-id',
  'openid',
  'singpass',
  'tencent',
  'tw-fido',
  'unionpay',
  'wechat',
];

/** Every source word that a policy may use. */
export const knownSources: ReadonlySet<string> = new Set([
  ...upstreams,
  ...Object.values(catalogue).flatMap(({ sources }) => sources ?? []),
]);

export const places = ['remote', 'in_person'] as const;
export type Place = (typeof places)[number];

/** Where the person was seen: at a counter, or nowhere. */
export const placeOf = (item: Pick<Evidence, 'kind' | 'source'>): Place =>
  item.kind === 'counter' || item.source === 'counter' ? 'in_person' : 'remote';

/** Whether a word is among those confirmed; two officials are also one. */
export function covers(confirmed: readonly string[], word: string): boolean {
  if (confirmed.includes(word)) return true;
  const needed = officials(word);
  return needed !== null && confirmed.some((other) => (officials(other) ?? 0) >= needed);
}

/** How many officials a word speaks of (`officials:2`); null: of none. */
export function officials(word: string): number | null {
  const count = /^officials:([1-9])$/.exec(word)?.[1];
  return count === undefined ? null : Number(count);
}
