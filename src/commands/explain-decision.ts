import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import { type Explanation, explain } from '../assurance/explain.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Verdict } from '../assurance/requirement.ts';
import { ShiminError } from '../lib/errors.ts';
import { decisionsThen } from '../standing/cohort.ts';
import { anyCounter } from '../storage/counters.ts';
import type { Db } from '../storage/db.ts';
import { type Decision, isAboutLevel, wasWishLeft } from '../storage/decisions.ts';
import { heldThen } from '../storage/past.ts';
import { policyByVersion } from '../storage/policies.ts';
import { offersFor } from './offers.ts';

/** A decision with all that can be said about it afterwards. It changes nothing: auditor and citizen read the same. */
export interface DecisionExplained {
  readonly decision: Decision;
  readonly policy: AssurancePolicy;
  readonly explanation: Explanation;
  /** What was on file then, what counted and what did not. */
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
  /** Sources that were switched off then. */
  readonly off: ReadonlySet<string>;
  /**
   * `same`: the facts on file lead to what was recorded; `gone`: the sign-ins it rested on are deleted by now; `other`: it
   * was refused for something else than the level; `differs`: the facts on file lead elsewhere.
   */
  readonly agreement: 'same' | 'gone' | 'other' | 'differs';
}

/** @throws ShiminError `internal` when the policy it was made under is gone: versions are kept */
export async function explainDecision(db: Db, decision: Decision): Promise<DecisionExplained> {
  const { at, accountId, clientId, interaction, request, policyVersion } = decision;
  const [version, [then], held, counter] = await Promise.all([
    policyByVersion(db, policyVersion),
    decisionsThen(db).then((read) => read([decision])),
    heldThen(db, accountId, at),
    anyCounter(db),
  ]);
  if (version === null)
    throw new ShiminError('internal', { status: 500, message: `policy version ${policyVersion} is gone` });
  const policy = { ...version.document, version: version.version };
  if (then === undefined) throw new ShiminError('internal', { status: 500, message: 'a decision was not read back' });
  const { off } = then;
  const { evidence, events } = then.counting;
  const explanation = explain(policy, {
    clientId,
    request,
    evidence,
    events,
    at,
    interaction,
    // With prompt=none there is nobody to ask.
    offered: wasWishLeft(decision) || request.prompt.includes('none'),
    // Which upstreams were out of order for a while, or counters closed, is not on record; which were switched off is.
    offers: offersFor(
      { ...held, recoveryCodesLeft: 0 },
      {
        population: !off.has('population'),
        face: !off.has('face'),
        counter: counter && !off.has('counter'),
        silentTie: !off.has('carrier'),
      },
    ),
  });
  const agreement = agreementOf(decision, explanation.verdict, events.length > 0);
  // What came from a source that was off is shown as such.
  const onFile = then.facts.evidence.filter((item) => evidence.includes(item) || off.has(item.source));
  return { decision, policy, explanation, evidence: onFile, events, off, agreement };
}

function agreementOf(decision: Decision, verdict: Verdict, hasEvents: boolean): DecisionExplained['agreement'] {
  const { outcome, level } = decision;
  const met = verdict.kind === 'met';
  if (!isAboutLevel(decision)) return 'other';
  const same =
    outcome === 'met'
      ? met && verdict.level === level
      : !met && (outcome === 'refused' || verdict.reauthenticate === (outcome === 'reauthenticate'));
  if (same) return 'same';
  return hasEvents ? 'differs' : 'gone';
}
