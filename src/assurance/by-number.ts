import { meetWays } from './identity.ts';
import type { AssurancePolicy } from './policy.ts';
import { proofs, supposed } from './worth.ts';

/**
 * The levels that name somebody of whom only a name and a number are known: what a register says of them, and nothing that
 * ties them to the person who typed them. Lists of both are for sale.
 */
export function reachedByNumberAlone({ levels }: Pick<AssurancePolicy, 'levels'>, now: Date): string[] {
  const records = [
    [supposed('register', proofs.population, 'mainland', now)],
    [supposed('permit', proofs['exit-entry'], 'hong_kong', now)],
  ];
  return levels
    .filter(
      ({ ial, identity }) => ial > 0 && records.some((known) => meetWays(identity, known, now.getTime()) !== null),
    )
    .map(({ id }) => id);
}
