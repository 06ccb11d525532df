import type { AuthenticationEvent, Strength } from './evidence.ts';

/** What one sign-in at an upstream proves about who the person is. */
export interface IdentityWorth {
  readonly strength: Strength;
  /** Words of `Evidence.confirmed`. */
  readonly confirms: readonly string[];
}

/** What one sign-in at an upstream proves about who is sitting there. */
export type AuthenticationWorth = Pick<
  AuthenticationEvent,
  'factors' | 'userVerified' | 'phishingResistant' | 'deviceBound'
>;

/** The two axes are worth something separately: an upstream that knows the person well may know little of who signs in. */
export interface Worth {
  /** Null: it tells nothing about who the person is. */
  readonly identity: IdentityWorth | null;
  /** Null: its sign-in proves nothing here. */
  readonly authentication: AuthenticationWorth | null;
}
