import type { Offer } from '../assurance/plan.ts';
import { proofs, provedBy } from '../assurance/worth.ts';
import type { Passkey } from '../storage/authenticators.ts';

export interface Holdings {
  readonly passkeys: readonly Passkey[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly recoveryCodesLeft: number;
}

export interface ServiceHealth {
  readonly population: boolean;
  readonly face: boolean;
  /** Whether there is a counter to go to. */
  readonly counter?: boolean;
  /** Whether the register's check also asks the carrier whose the confirmed number is (`tie-offer.ts`). */
  readonly silentTie?: boolean;
}

/** What this person could do now, for the planner. Minutes are what people of the trials took, rounded up. */
export function offersFor(holdings: Holdings, health: ServiceHealth): Offer[] {
  const offers: Offer[] = [];
  if (holdings.passkeys.length > 0) {
    const bound = holdings.passkeys.some((passkey) => !passkey.backupEligible);
    offers.push({
      id: 'passkey',
      kind: 'authenticate',
      minutes: 1,
      available: true,
      requires: { evidence: [], aal: 0 },
      yields: { event: passkeyEvent(bound) },
      have: ['have.device'],
    });
  }
  if (holdings.hasPassword && holdings.hasTotp) {
    offers.push({
      id: 'password',
      kind: 'authenticate',
      minutes: 2,
      available: true,
      requires: { evidence: [], aal: 0 },
      yields: {
        event: {
          method: 'totp',
          factors: ['knowledge', 'possession'],
          userVerified: false,
          phishingResistant: false,
          deviceBound: false,
        },
      },
      have: ['have.password', 'have.authenticatorApp'],
    });
  }
  offers.push({
    id: 'enrol-passkey',
    kind: 'enrol',
    minutes: 2,
    available: true,
    requires: { evidence: [], aal: holdings.passkeys.length > 0 || (holdings.hasPassword && holdings.hasTotp) ? 2 : 1 },
    yields: { event: passkeyEvent(false) },
    have: ['have.device'],
  });
  offers.push({
    id: 'population',
    kind: 'prove',
    minutes: 2,
    available: health.population,
    ...(health.population ? undefined : { unavailableReason: 'register_unavailable' }),
    requires: { evidence: ['contact'], aal: 2 },
    yields: {
      evidence: [
        { ...provedBy(proofs.population), category: 'mainland' },
        ...(health.silentTie === true ? [{ ...provedBy(proofs.carrier), category: 'mainland' as const }] : []),
      ],
    },
    have: ['have.idCard'],
  });
  offers.push({
    id: 'face',
    kind: 'prove',
    minutes: 3,
    available: health.face,
    ...(health.face ? undefined : { unavailableReason: 'face_unavailable' }),
    requires: { evidence: ['population'], aal: 2 },
    yields: { evidence: [provedBy(proofs.face)] },
    have: ['have.camera'],
  });
  if (health.counter === true) offers.push(counterOffer(1), counterOffer(2));
  return offers;
}

/** A visit, with the way there and the wait. Checked by two officials is checked by one, too. */
function counterOffer(officials: 1 | 2): Offer {
  return {
    id: officials === 1 ? 'counter' : 'counter_two',
    kind: 'prove',
    minutes: officials === 1 ? 40 : 50,
    available: true,
    requires: { evidence: [], aal: 2 },
    yields: { evidence: [provedBy(officials === 1 ? proofs.counter : proofs.counter_two)] },
    have: ['have.document', 'have.counterCode'],
    ...(officials === 2 ? { exceeds: ['counter'] } : undefined),
  };
}

const passkeyEvent = (deviceBound: boolean) => ({
  method: 'passkey' as const,
  factors: ['possession', 'inherence'] as const,
  userVerified: true,
  phishingResistant: true,
  deviceBound,
});
