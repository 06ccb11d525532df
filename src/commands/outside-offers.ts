import { personCategory } from '../assurance/accepted.ts';
import { bridgeOffers } from '../assurance/bridge-offers.ts';
import type { BridgeCap, GradedLevel } from '../assurance/bridge-worth.ts';
import type { Evidence, PersonCategory } from '../assurance/evidence.ts';
import { isAlive } from '../assurance/evidence.ts';
import type { Offer } from '../assurance/plan.ts';
import { type Proof, proofs, provedBy } from '../assurance/worth.ts';

/** What is set up and on, as far as the planner needs to know it. */
export interface Outside {
  readonly checks: readonly {
    readonly traits: {
      readonly id: string;
      readonly minutes: number;
      readonly have: readonly string[];
      readonly ofAccount?: true;
      readonly yields: Proof;
    };
    readonly healthy: boolean;
  }[];
  readonly bridges: readonly {
    readonly traits: {
      readonly id: string;
      readonly region: string;
      readonly levels: readonly GradedLevel[];
      readonly minutes: number;
      readonly have: readonly string[];
    };
    readonly cap: BridgeCap | null;
    readonly healthy: boolean;
  }[];
  readonly faceHealthy: boolean;
}

/** Whose papers a bridge's region has; upstreams of the mainland serve others, too. */
const categoryOf: Readonly<Record<string, PersonCategory>> = {
  hong_kong: 'hong_kong',
  macao: 'macao',
  taiwan: 'taiwan',
  singapore: 'foreign',
};

/** What services of others could prove for this person. `accepted`: whom the app takes; null: anybody. */
export function outsideOffers(
  { checks, bridges, faceHealthy }: Outside,
  evidence: readonly Evidence[],
  accepted: readonly PersonCategory[] | null,
  now: Date,
): Offer[] {
  const category = personCategory(evidence);
  const supplies = bridges.map(({ traits, cap, healthy }) => ({
    ...traits,
    cap,
    healthy,
    category: categoryOf[traits.region] ?? null,
  }));
  const open = checks.filter(({ traits }) => traits.yields.kind !== 'document' || category !== 'mainland');
  // A permit shows of itself whose it is; until it was shown, that of somebody whom the app would take.
  const wanted = accepted?.find((each) => each !== 'mainland' && each !== 'legal_person') ?? 'hong_kong';
  const offers = open.map(({ traits, healthy }): Offer => {
    const item = provedBy(traits.yields);
    return {
      id: traits.id,
      kind: 'prove',
      minutes: traits.minutes,
      available: healthy,
      ...(healthy ? undefined : { unavailableReason: 'upstream_unavailable' as const }),
      // What is asked about the account needs a record that the account was matched with.
      requires: { evidence: traits.ofAccount ? ['contact', 'population'] : ['contact'], aal: 2 },
      yields: { evidence: [item.kind === 'document' ? { ...item, category: category ?? wanted } : item] },
      have: traits.have,
    };
  });
  const registered = evidence.some((item) => item.kind === 'population' && isAlive(item, now));
  const permits = open.some(({ traits }) => traits.yields.kind === 'document') && !registered;
  return [...offers, ...(permits ? [facePermit(faceHealthy)] : []), ...bridgeOffers(supplies, category)];
}

/** The face compared with the photo of a permit instead of the register's. */
const facePermit = (healthy: boolean): Offer => ({
  id: 'face-permit',
  kind: 'prove',
  minutes: 3,
  available: healthy,
  ...(healthy ? undefined : { unavailableReason: 'face_unavailable' }),
  requires: { evidence: ['document'], aal: 2 },
  yields: { evidence: [provedBy(proofs.face)] },
  have: ['have.camera'],
});

/** The city's own register knows its residents and nobody else: whoever is known to be somebody else is not sent there. */
export function forCategory(offers: readonly Offer[], evidence: readonly Evidence[]): Offer[] {
  const category = personCategory(evidence);
  const elsewhere = category !== null && category !== 'mainland';
  return elsewhere ? offers.filter(({ id }) => id !== 'population' && id !== 'face') : [...offers];
}
