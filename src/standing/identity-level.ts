import type { Assessment } from '../assurance/assess.ts';
import { highest } from '../assurance/level.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Db } from '../storage/db.ts';
import { disabledSources } from '../storage/sources.ts';
import { factsOf } from './account.ts';
import { type Facts, type Grounds, judged } from './what-counts.ts';

/** Who has proved nothing that counts. */
export const noLevel = 'none';

/**
 * The best level whose identity part is met. How somebody signed in is a session's matter and not in it, so a token's `acr`
 * may be less.
 */
export const identityLevel = (policy: AssurancePolicy, { identities }: Pick<Assessment, 'identities'>): string =>
  highest(policy.levels, identities) ?? noLevel;

/**
 * The same as the apps were told it: an intervention whose time is over is still told as open, until the command that
 * closes it tells otherwise. So each change is said once.
 */
export function levelAsTold(grounds: Grounds, { evidence, interventions }: Omit<Facts, 'events'>): string {
  const open = interventions.map((item) => ({ ...item, until: null }));
  return identityLevel(grounds.policy, judged(grounds, { evidence, events: [], interventions: open }).assessment);
}

export async function levelOfAccountAsTold(
  db: Db,
  policy: AssurancePolicy,
  accountId: string,
  at: Date,
): Promise<string> {
  return levelAsTold({ policy, off: await disabledSources(db), at }, await factsOf(db, accountId));
}
