import { isNamed } from '../assurance/untied.ts';
import type { Person, RecordOfPerson } from '../storage/persons.ts';
import type { Judged } from './what-counts.ts';

/**
 * Of several records of a person, the one whose name is told: what the proof was about that the level rests on. Null until
 * something ties the person here to it: before that, it is anybody's who knows the name and the number.
 */
export function namedRecord(
  person: Person | null,
  assessment: Pick<Judged<never>['assessment'], 'ial' | 'record'>,
): RecordOfPerson | null {
  if (person === null || !isNamed(assessment)) return null;
  return person.records.find(({ id }) => id === assessment.record) ?? null;
}
