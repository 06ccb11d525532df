import type { Assessment } from './assess.ts';
import { type Evidence, isAlive } from './evidence.ts';

/** Kinds of evidence that say whose record it is, and nothing of who is asking. */
const records: ReadonlySet<Evidence['kind']> = new Set(['population', 'document', 'elements']);

/** Whether there is a level at which the person may be named: names go out under an identity that was proved, and no other. */
export const isNamed = ({ ial }: Pick<Assessment, 'ial'>): boolean => ial > 0;

/** Whether a record was matched with what was typed and nothing ties the person here to it. */
export const isUntied = (assessment: Pick<Assessment, 'ial'>, evidence: readonly Evidence[], now: Date): boolean =>
  !isNamed(assessment) && evidence.some((item) => records.has(item.kind) && isAlive(item, now));
