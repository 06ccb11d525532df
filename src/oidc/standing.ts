import type { Assessment } from '../assurance/assess.ts';
import { assess } from '../assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { type Account, findAccount } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { currentPolicy } from '../storage/policies.ts';
import { eventsOfSession } from '../storage/sessions.ts';

/** What an account is worth in one SSO session now. Computed on each request, never stored. */
export interface Standing {
  readonly account: Account;
  readonly policy: AssurancePolicy;
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly assessment: Assessment;
}

/** Null when the account does not exist or may not be used. */
export async function loadStanding(
  db: Db,
  where: { accountId: string; sessionUid: string | null; interaction: string | null; now: Date },
): Promise<Standing | null> {
  const account = await findAccount(db, where.accountId);
  if (account?.status !== 'active') return null;
  const { document: policy } = await currentPolicy(db);
  const evidence = await evidenceOf(db, where.accountId);
  const events = where.sessionUid === null ? [] : await eventsOfSession(db, where.sessionUid);
  // A session whose events belong to somebody else is worth nothing to this account.
  const own = events.filter((event) => event.accountId === where.accountId);
  const assessment = assess(policy, evidence, own, where.now, { interaction: where.interaction });
  return { account, policy, evidence, events: own, assessment };
}
