import { type Acceptance, anything } from '../assurance/accepted.ts';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import { type Requirement, satisfies } from '../assurance/requirement.ts';
import type { Db } from '../storage/db.ts';
import { disabledSources } from '../storage/sources.ts';
import { factsOf } from './account.ts';
import { judged, whatCounts } from './what-counts.ts';

const none: ReadonlySet<string> = new Set();

/** What of a session counts as a sign-in of this account now. */
export async function livingEvents(db: Db, accountId: string, sessionUid: string | null, at: Date) {
  if (sessionUid === null) return [];
  const counting = whatCounts(await factsOf(db, accountId, sessionUid), { off: await disabledSources(db), at });
  return counting.usable ? counting.events : [];
}

/** Whether a request would be met with these facts, held or thought of. */
export function wouldMeet(
  { policy, requirement }: { policy: AssurancePolicy; requirement: Requirement },
  facts: { readonly evidence: readonly Evidence[]; readonly events: readonly AuthenticationEvent[] },
  { at, interaction, acceptance = anything }: { at: Date; interaction: string; acceptance?: Acceptance },
): boolean {
  const { assessment, accepted } = judged(
    { policy, off: none, at },
    { ...facts, interventions: [] },
    { acceptance, interaction },
  );
  const context = { interaction, offered: false, events: accepted.events };
  return satisfies(assessment, requirement, policy, context).kind === 'met';
}
