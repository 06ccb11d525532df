import { type Evidence, type EvidenceKind, type Strength, strengths } from './evidence.ts';
import { announced, type Proof, proofs, upstreamProofs } from './worth.ts';

interface Giving {
  /** Who can vouch; null: any upstream, also those set up later. */
  readonly sources: readonly string[] | null;
  readonly strongest: Strength;
  readonly confirms: readonly string[];
}

const given: readonly Proof[] = [
  ...Object.values(proofs),
  ...Object.entries(upstreamProofs).flatMap(([source, levels]) =>
    Object.values(levels).map((worth): Proof => ({ kind: 'upstream', source, ...worth })),
  ),
  ...announced,
];

/** What each kind of evidence can be at its best: a rule that asks for more than this can never be met. */
export const catalogue: Readonly<Record<EvidenceKind, Giving>> = {
  contact: bestOf('contact'),
  population: bestOf('population'),
  face: bestOf('face'),
  counter: bestOf('counter'),
  document: bestOf('document'),
  elements: bestOf('elements'),
  upstream: { ...bestOf('upstream'), sources: null },
  legal_person: bestOf('legal_person'),
};

function bestOf(kind: EvidenceKind): Giving {
  const some = given.filter((proof) => proof.kind === kind);
  return {
    sources: [...new Set(some.map(({ source }) => source))],
    strongest: strengths.findLast((strength) => some.some((proof) => proof.strength === strength)) ?? 'weak',
    confirms: [...new Set(some.flatMap(({ confirms }) => confirms))],
  };
}

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
