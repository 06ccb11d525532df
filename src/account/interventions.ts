import { inForce, needs } from '../assurance/interventions.ts';
import { interventionsOf } from '../storage/interventions.ts';
import type { AccountDeps } from './deps.ts';

/** What staff asked of the citizen and is not done yet: why, since when, and what ends it. What staff noted stays with them. */
export async function askedOf(deps: AccountDeps, accountId: string) {
  const all = await interventionsOf(deps.db, deps.keyring, accountId);
  return inForce(all, deps.clock())
    .filter(({ kind, liftedAt }) => liftedAt === null && needs(kind).length > 0)
    .map(({ kind, reason, at, until }) => ({ kind, reason, at, until, needs: needs(kind) }));
}
