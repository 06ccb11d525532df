import type { Assessment, HeldLevel } from './assess.ts';
import { highest } from './level.ts';
import type { AssurancePolicy } from './policy.ts';

/** The best level held: one that no other held level dominates; the first in the policy's order where there are several. */
export function bestLevel(policy: AssurancePolicy, { held }: Assessment): HeldLevel | null {
  const best = highest(
    policy.levels,
    held.map(({ level }) => level),
  );
  return held.find(({ level }) => level === best) ?? null;
}
