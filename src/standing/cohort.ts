import type { AuthenticationEvent } from '../assurance/evidence.ts';
import type { Db } from '../storage/db.ts';
import type { Decision } from '../storage/decisions.ts';
import { sourceHistory } from '../storage/past.ts';
import { factsOfDecisions } from '../storage/preview-facts.ts';
import { type Counting, type Facts, whatCounts } from './what-counts.ts';

/** What counted at a decision that is over, beside what was on file then. */
export interface Then {
  readonly decision: Decision;
  readonly counting: Counting;
  readonly facts: Facts;
  /** Sources that were switched off then. */
  readonly off: ReadonlySet<string>;
}

const nothing: Facts = { evidence: [], events: [], interventions: [] };

/** Reads back decisions, a page at a time, by the sources, interventions, evidence and sign-ins of their own moments. */
export async function decisionsThen(db: Db): Promise<(decisions: readonly Decision[]) => Promise<Then[]>> {
  const offAt = await sourceHistory(db);
  return async (decisions) => {
    const found = await factsOfDecisions(db, decisions);
    return decisions.map((decision, i) => {
      const { at } = decision;
      const facts = found[i] ?? nothing;
      const off = offAt(at);
      return { decision, facts, off, counting: whatCounts(facts, { off, at }) };
    });
  };
}

/** What of the facts of many counts now; those that staff stopped are left out. */
export function countingNow<T extends Facts>(
  cohort: readonly T[],
  now: { readonly off: ReadonlySet<string>; readonly at: Date },
): Counting<AuthenticationEvent>[] {
  return cohort.map((facts) => whatCounts(facts, now)).filter(({ usable }) => usable);
}
