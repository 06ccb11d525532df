import { anything } from '../assurance/accepted.ts';
import type { Assessment } from '../assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Account } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { disabledSources } from '../storage/sources.ts';
import type { StandingReader, StandingRows } from '../storage/standing.ts';
import { judged } from './what-counts.ts';

/** What an account is worth in one SSO session now. Computed on each request. */
export interface Standing {
  readonly account: Account;
  readonly policy: AssurancePolicy;
  /** What counts now for the app in question. */
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly assessment: Assessment;
  /** The interaction that levels which never ride on SSO are counted by. */
  readonly interaction: string | null;
  /** What there is before the app's own rule: another policy may have another one. */
  readonly all: { readonly evidence: readonly Evidence[]; readonly events: readonly AuthenticationEvent[] };
}

export interface StandingDeps {
  readonly db: Db;
  readonly readStanding: StandingReader;
}

/** Null when the account does not exist or may not be used, or all its sign-ins are to be made anew. `rows`: what this very request has read already. */
export async function standingInSession(
  deps: StandingDeps,
  where: {
    accountId: string;
    sessionUid: string | null;
    /** The interaction under way, or the one that the grant came of; null: answered without one. */
    interaction: string | null;
    now: Date;
    /** The app that the answer is for: it may not take evidence of every source or category. Null: any evidence counts. */
    clientId: string | null;
    rows?: StandingRows | undefined;
  },
): Promise<Standing | null> {
  const { account, evidence, events, interventions } =
    where.rows ?? (await deps.readStanding(where.accountId, where.sessionUid));
  if (account?.status !== 'active') return null;
  const { document: policy } = await currentPolicy(deps.db);
  // A session whose events belong to somebody else is worth nothing to this account.
  const own = events.filter((event) => event.accountId === where.accountId);
  const acceptance =
    where.clientId !== null && Object.hasOwn(policy.apps, where.clientId) ? policy.apps[where.clientId] : undefined;
  const found = judged(
    { policy, off: await disabledSources(deps.db), at: where.now },
    { evidence, events: own, interventions },
    { acceptance: acceptance ?? anything, interaction: where.interaction },
  );
  if (!found.usable || found.signInAnew) return null;
  const { accepted, assessment } = found;
  return {
    account,
    policy,
    ...accepted,
    assessment,
    interaction: where.interaction,
    all: { evidence: found.evidence, events: found.events },
  };
}
