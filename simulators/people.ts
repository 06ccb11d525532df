import { readFileSync } from 'node:fs';
import { photoOf, type Resident } from './population/residents.ts';

/** A named synthetic person: what each source knows of them and the fate they stand for. */
export interface TestPerson {
  readonly id: string;
  readonly fate: string;
  readonly category: 'mainland' | 'hong_kong' | 'macao' | 'taiwan' | 'foreign';
  readonly names: Readonly<Record<string, string>>;
  readonly documents: readonly { readonly type: string; readonly number: string }[];
  readonly birthDate: string;
  readonly phone: string;
  readonly sources: { readonly population?: { readonly name: string; readonly status: Resident['status'] } };
}

export function loadPeople(): TestPerson[] {
  return JSON.parse(readFileSync(new URL('./people.json', import.meta.url), 'utf8'));
}

/** Those that the police register knows, as its records. */
export function registeredPeople(people: readonly TestPerson[]): Resident[] {
  return people.flatMap((person) => {
    const record = person.sources.population;
    const document = person.documents.find(({ type }) => type === 'cn_resident_id');
    if (!record || !document) return [];
    return [
      {
        number: document.number,
        name: record.name,
        birthDate: person.birthDate,
        status: record.status,
        photo: photoOf(document.number),
      },
    ];
  });
}
