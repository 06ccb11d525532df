import type { AuthenticationEvent, AuthenticationMethod, FactorKind } from '../assurance/evidence.ts';

/** What a good ceremony says about itself; the command adds id, time and interaction. */
export type EventTemplate = Pick<
  AuthenticationEvent,
  'method' | 'credentialId' | 'factors' | 'userVerified' | 'phishingResistant' | 'deviceBound'
>;

/** One way of proving possession of an account, and the most it may ever be worth (SP 800-63B-4 section 3). */
export interface AuthenticatorTraits {
  readonly method: AuthenticationMethod;
  /** Every factor one use can contribute at most. */
  readonly factors: readonly FactorKind[];
  readonly phishingResistant: boolean;
  /** Whether its key can be non-exportable, as AAL3 wants (N-40). */
  readonly mayBeDeviceBound: boolean;
  /** Whether it may open a sign-in alone; if not, it only adds a factor. */
  readonly startsSignIn: boolean;
  /** Guessable values need counting of failures per account (N-33); signatures do not. */
  readonly throttled: boolean;
  /** `restricted` (SP 800-63B-4 3.2.9): an alternative must be on offer wherever it is (N-29). */
  readonly restricted: boolean;
  /** Used up by one success, so that the person must be told to make new ones. */
  readonly singleUse: boolean;
}

/** Lowers a template to what the registry allows its method, whatever a ceremony claimed. */
export function capped(traits: AuthenticatorTraits, event: EventTemplate): EventTemplate {
  return {
    ...event,
    factors: event.factors.filter((factor) => traits.factors.includes(factor)),
    phishingResistant: event.phishingResistant && traits.phishingResistant,
    deviceBound: event.deviceBound && traits.mayBeDeviceBound,
  };
}
