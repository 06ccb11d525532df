import type { AuthenticationEvent, FactorKind } from './evidence.ts';

/**
 * How strongly somebody shows that an account is theirs, weakest first. The AALs of SP 800-63B-4 section 2, with those at
 * AAL2 that can't be phished apart: what a phished code can bind must open nothing that a code does not open.
 */
export const bindingStrengths = ['none', 'one_factor', 'two_factors', 'phishing_resistant', 'device_bound'] as const;
export type BindingStrength = (typeof bindingStrengths)[number];

const rank = (strength: BindingStrength): number => bindingStrengths.indexOf(strength);
const weaker = (one: BindingStrength, two: BindingStrength) => (rank(one) < rank(two) ? one : two);
const stronger = (one: BindingStrength, two: BindingStrength) => (rank(one) < rank(two) ? two : one);

/** The ways in that an account has now. */
export interface WaysIn {
  readonly passkeys: readonly { readonly backupEligible: boolean }[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  /** Of each linked identity the strongest sign-in that came by it. */
  readonly identities: readonly BindingStrength[];
}

/** What is to be bound. `document`: a person, or one more of their papers. */
export type Bindable =
  | { readonly kind: 'passkey'; readonly backupEligible: boolean }
  | { readonly kind: 'password' | 'totp' | 'recovery_codes' | 'document' }
  | { readonly kind: 'identity'; readonly event: Shown | null };

/** Of a sign-in, what its strength is told by. */
export type Shown = Pick<
  AuthenticationEvent,
  'factors' | 'userVerified' | 'phishingResistant' | 'deviceBound' | 'stale'
>;

/** On what ground something is bound to an account. */
export type Ground =
  /** The account is made in the same transaction: there is nobody to take it from. */
  | { readonly kind: 'new_account' }
  /** Its holder signed in for this: the events of this ceremony, and no others. */
  | { readonly kind: 'signed_in'; readonly shown: readonly (Shown & Pick<AuthenticationEvent, 'method'>)[] }
  /**
   * Proofed anew by the same document (SP 800-63B-4 4.2.2): whether the account is known to be that person's in person,
   * and whether what is brought is worth no less.
   */
  | { readonly kind: 'proofed_anew'; readonly inPerson: boolean; readonly noLess: boolean }
  /** Officials saw person and document. */
  | { readonly kind: 'officials' };

export const bindingRefusals = ['binding_too_weak', 'staff_password'] as const;
export type BindingRefusal = (typeof bindingRefusals)[number];
export type BindingVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: BindingRefusal; readonly needs: BindingStrength };

/**
 * What sign-ins amount to together. What was shown on another device may have been relayed, and binds nothing; what may have
 * ridden on an old session at an upstream shows that somebody has its browser, which is one factor and no more.
 */
export function strengthOf(
  events: readonly (Shown & { readonly method?: AuthenticationEvent['method'] })[],
): BindingStrength {
  const here = events.filter(({ method }) => method !== 'cross_device');
  const own = here.filter(({ stale }) => stale !== true);
  const verified = own.filter((event) => event.phishingResistant && event.userVerified && event.factors.length > 1);
  if (verified.some(({ deviceBound }) => deviceBound)) return 'device_bound';
  if (verified.length > 0) return 'phishing_resistant';
  const factors = new Set<FactorKind>(own.flatMap((event) => event.factors));
  if (factors.size > 1) return 'two_factors';
  return factors.size === 1 || here.some((event) => event.factors.length > 0) ? 'one_factor' : 'none';
}

/** The strongest sign-in that an account can show. */
export function strongestOf(ways: WaysIn): BindingStrength {
  const own: BindingStrength =
    ways.passkeys.length > 0
      ? ways.passkeys.some(({ backupEligible }) => !backupEligible)
        ? 'device_bound'
        : 'phishing_resistant'
      : ways.hasPassword && ways.hasTotp
        ? 'two_factors'
        : ways.hasPassword || ways.hasTotp
          ? 'one_factor'
          : 'none';
  return ways.identities.reduce(stronger, own);
}

/** The strongest sign-in that something new can show, or help to. */
function worthOf(adding: Bindable): BindingStrength {
  if (adding.kind === 'passkey') return adding.backupEligible ? 'phishing_resistant' : 'device_bound';
  return adding.kind === 'identity' && adding.event
    ? stronger(strengthOf([adding.event]), 'two_factors')
    : 'two_factors';
}

/**
 * Whether sign-ins show enough to give an account up to another, or take one in: all that it can show, and two factors at
 * least, as one is anybody's who has the phone.
 */
export const isEnoughToMerge = (ways: WaysIn, events: Parameters<typeof strengthOf>[0]): boolean =>
  rank(strengthOf(events)) >= rank(stronger(strongestOf(ways), 'two_factors'));

/**
 * What must be shown to bind something: the lower of what the account can show at most and what the new one will be able
 * to (SP 800-63B-4 4.1.2.1); at least a sign-in.
 */
export function neededToBind(adding: Bindable, ways: WaysIn): BindingStrength {
  return stronger('one_factor', weaker(strongestOf(ways), worthOf(adding)));
}

/** Who may bind what to an account: the one rule; the commands that write ask it. `staff`: the account has a role. */
export function mayBind(adding: Bindable, ways: WaysIn, staff: boolean, ground: Ground): BindingVerdict {
  const needs = neededToBind(adding, ways);
  // A password can be phished: whoever runs the city's console has none.
  if (staff && adding.kind === 'password') return { ok: false, reason: 'staff_password', needs };
  return grounded(adding, needs, ground) ? { ok: true } : { ok: false, reason: 'binding_too_weak', needs };
}

function grounded(adding: Bindable, needs: BindingStrength, ground: Ground): boolean {
  switch (ground.kind) {
    case 'new_account':
      return true;
    case 'signed_in':
      return rank(strengthOf(ground.shown)) >= rank(needs);
    case 'proofed_anew':
      // Leads back to an account; adds nothing that outlasts it but the identity itself.
      return adding.kind === 'identity' && ground.inPerson && ground.noLess;
    case 'officials':
      return adding.kind === 'document';
  }
}
