import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { openInterventions } from '../storage/interventions.ts';
import { currentPolicy } from '../storage/policies.ts';
import { eventsOfSession, type StoredEvent } from '../storage/sessions.ts';
import { disabledSources } from '../storage/sources.ts';
import { type Facts, type Grounds, type Judged, judged } from './what-counts.ts';

/** The whole ledger of an account; `sessionUid` null: without any sign-in. */
export async function factsOf(
  db: Db,
  accountId: string,
  sessionUid: string | null = null,
): Promise<Facts<StoredEvent>> {
  const [evidence, interventions, events] = await Promise.all([
    evidenceOf(db, accountId),
    openInterventions(db, accountId),
    sessionUid === null ? [] : eventsOfSession(db, sessionUid),
  ]);
  return { evidence, interventions, events: events.filter((event) => event.accountId === accountId) };
}

/** By what everybody is judged at this moment. */
export async function groundsNow(db: Db, at: Date): Promise<Grounds> {
  const [{ document: policy }, off] = await Promise.all([currentPolicy(db), disabledSources(db)]);
  return { policy, off, at };
}

export interface AccountStanding extends Judged<StoredEvent> {
  readonly policy: AssurancePolicy;
  readonly off: ReadonlySet<string>;
  /** The ledger it is judged by, what does not count included. */
  readonly facts: Facts<StoredEvent>;
}

/** What an account is worth outside any request of an app: alone, or in one of its sessions. */
export async function standingOfAccount(
  db: Db,
  accountId: string,
  { at, sessionUid = null }: { at: Date; sessionUid?: string | null },
): Promise<AccountStanding> {
  const [grounds, facts] = await Promise.all([groundsNow(db, at), factsOf(db, accountId, sessionUid)]);
  return { ...judged(grounds, facts), policy: grounds.policy, off: grounds.off, facts };
}
