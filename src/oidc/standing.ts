import { acceptedEvents, acceptedEvidence } from '../assurance/accepted.ts';
import type { Assessment } from '../assurance/assess.ts';
import { assess } from '../assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import { underInterventions } from '../assurance/interventions.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Account } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { byOpenBridges, fromOpenSources } from '../storage/sources.ts';
import type { StandingReader, StandingRows } from '../storage/standing.ts';

/** What an account is worth in one SSO session now. Computed on each request, never stored. */
export interface Standing {
  readonly account: Account;
  readonly policy: AssurancePolicy;
  /** What counts now for the app in question. */
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  readonly assessment: Assessment;
  /** What there is before the app's own rule: another policy may have another one. */
  readonly all: { readonly evidence: readonly Evidence[]; readonly events: readonly AuthenticationEvent[] };
}

export interface StandingDeps {
  readonly db: Db;
  readonly readStanding: StandingReader;
}

/** Null when the account does not exist or may not be used, or all its sign-ins are to be made anew. `rows`: what this very request has read already. */
export async function loadStanding(
  deps: StandingDeps,
  where: {
    accountId: string;
    sessionUid: string | null;
    interaction: string | null | 'newest';
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
  const all = (await byOpenBridges(deps.db, events)).filter((event) => event.accountId === where.accountId);
  const {
    usable,
    events: own,
    evidence: left,
  } = underInterventions(interventions, { evidence, events: all }, where.now);
  if (!usable || (all.length > 0 && own.length === 0)) return null;
  const interaction = where.interaction === 'newest' ? newestInteraction(own) : where.interaction;
  const trusted = await fromOpenSources(deps.db, left);
  const app =
    where.clientId !== null && Object.hasOwn(policy.apps, where.clientId) ? policy.apps[where.clientId] : undefined;
  const counting = app ? acceptedEvidence(app, trusted) : trusted;
  const signIns = app ? acceptedEvents(app, own) : own;
  const assessment = assess(policy, counting, signIns, where.now, { interaction });
  return { account, policy, evidence: counting, events: signIns, assessment, all: { evidence: trusted, events: own } };
}

/** Levels that don't ride on SSO rest on the newest interaction; ageing still takes them away. */
function newestInteraction(events: readonly AuthenticationEvent[]): string | null {
  return (
    events.reduce<AuthenticationEvent | null>((a, b) => (a === null || b.at > a.at ? b : a), null)?.interaction ?? null
  );
}
