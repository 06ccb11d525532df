import { type Acceptance, notAccepted } from '../assurance/accepted.ts';
import { type Evidence, isAlive } from '../assurance/evidence.ts';
import { fits } from '../assurance/identity.ts';
import type { Offer } from '../assurance/plan.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { proofs, supposed } from '../assurance/worth.ts';
import { mainlandMobile } from '../identity/phone.ts';

/**
 * How the carrier may be asked whose the confirmed number is: `silent` together with the register's check, where that is
 * still to be done; `ask` by a page of its own, also while the carrier is out of order; null: it would change nothing.
 */
export type Tie = 'silent' | 'ask' | null;

export function tieFor(about: {
  readonly policy: AssurancePolicy;
  readonly acceptance: Acceptance;
  readonly evidence: readonly Evidence[];
  /** Number that the account confirmed last. */
  readonly phone: string | null;
  readonly checks: readonly { readonly traits: { readonly id: string }; readonly healthy: boolean }[];
  /** It was asked a moment ago and said no. */
  readonly saidNo: boolean;
  readonly now: Date;
}): Tie {
  const { policy, acceptance, evidence, phone, checks, saidNo, now } = about;
  const check = checks.find(({ traits }) => traits.id === 'carrier');
  if (check === undefined || saidNo || phone === null || mainlandMobile(phone) === null) return null;
  if (notAccepted(acceptance, { ...proofs.carrier, category: 'mainland' }) !== null || !ties(policy, now)) return null;
  const matched = evidence.some((item) => item.kind === 'population' && isAlive(item, now));
  return check.healthy && !matched ? 'silent' : 'ask';
}

/** Whether some level takes the register's record together with the carrier's. */
function ties(policy: AssurancePolicy, now: Date): boolean {
  const [register, carrier] = [proofs.population, proofs.carrier].map((proof) =>
    supposed(proof.source, proof, 'mainland', now),
  );
  const meets = (item: Evidence | undefined) => (rule: Parameters<typeof fits>[0]) =>
    item !== undefined && fits(rule, null, item);
  return policy.levels.some(({ identity }) =>
    identity.some(({ rules }) => rules.some(meets(register)) && rules.some(meets(carrier))),
  );
}

/** The carrier's own page is a way only where the carrier may be asked. */
export const underTie = (offers: readonly Offer[], tie: Tie): Offer[] =>
  offers.filter(({ id }) => id !== 'carrier' || tie !== null);
