import type { Assessment } from './assess.ts';
import { topmost } from './level.ts';
import type { AssurancePolicy } from './policy.ts';

/**
 * The levels that are open to the person but are asked for anew at each sign-in: their identity part is met, they never
 * ride on SSO, and nothing that is held now contains them. Of several, those that no other one of them contains.
 */
export function askedEachTime(policy: AssurancePolicy, { held, identities }: Assessment): string[] {
  const open = policy.levels
    .filter(({ id, rideOnSso }) => !rideOnSso && identities.includes(id) && !held.some(({ level }) => level === id))
    .map(({ id }) => id);
  return topmost(policy.levels, open);
}
