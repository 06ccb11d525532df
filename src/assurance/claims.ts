import type { Assessment } from './assess.ts';

const seconds = (date: Date | null) => (date === null ? null : Math.floor(date.getTime() / 1000));

/** The `assurance` claim: both axes with their times (seconds since the epoch), the level and the policy version behind them. */
export function assuranceClaim(assessment: Assessment, level: string | null) {
  return {
    ial: assessment.ial,
    ial_time: seconds(assessment.ialTime),
    aal: assessment.aal,
    aal_time: seconds(assessment.aalTime),
    level,
    policy: assessment.policyVersion,
  };
}
