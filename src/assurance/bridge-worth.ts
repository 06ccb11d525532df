import { z } from 'zod';
import { type AuthenticationEvent, type Strength, strengths } from './evidence.ts';

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

/** How much less than its own ceiling a bridge is trusted: the strongest evidence, the number of factors. */
export const bridgeCap = z.strictObject({
  identity: z.enum(['none', ...strengths]),
  factors: z.union([z.literal(0), z.literal(1), z.literal(2)]),
});
export type BridgeCap = z.infer<typeof bridgeCap>;

/** A level as a bridge declares it: the upstream's own name, and the most it is ever worth. */
export interface GradedLevel {
  readonly name: string | null;
  readonly worth: Worth;
}

/**
 * What an answer of an upstream counts for: what the bridge says of the level it names, under the cap. A name that the
 * bridge does not list counts as none, whatever it claims (D14).
 */
export function worthOf(levels: readonly GradedLevel[], cap: BridgeCap | null, name: string | null): Worth {
  const level = levels.find((each) => each.name === name) ?? levels.find((each) => each.name === null);
  return level ? capped(level.worth, cap) : { identity: null, authentication: null };
}

export function capped({ identity, authentication }: Worth, cap: BridgeCap | null): Worth {
  if (cap === null) return { identity, authentication };
  return { identity: cappedIdentity(identity, cap), authentication: cappedAuthentication(authentication, cap) };
}

function cappedIdentity(worth: IdentityWorth | null, { identity: most }: BridgeCap): IdentityWorth | null {
  if (worth === null || most === 'none') return null;
  return strengths.indexOf(worth.strength) <= strengths.indexOf(most) ? worth : { ...worth, strength: most };
}

function cappedAuthentication(
  worth: AuthenticationWorth | null,
  { factors: most }: BridgeCap,
): AuthenticationWorth | null {
  if (worth === null || most === 0) return null;
  if (worth.factors.length <= most) return worth;
  // One factor of theirs is a factor and nothing more: what both together were is not left of it.
  return { factors: worth.factors.slice(0, most), userVerified: false, phishingResistant: false, deviceBound: false };
}
