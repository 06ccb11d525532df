import type { Holder, IssuedDocument, Standing } from './holders.ts';
import type { Names } from './names.ts';

export interface Found {
  readonly holder: Holder;
  readonly document: IssuedDocument;
}

export type Verdict = 'verified' | 'mismatch' | 'not_found' | 'lost' | 'cancelled' | 'expired';

export interface Question {
  readonly type: string;
  readonly number: string;
  readonly issue: string | null;
  readonly name: string;
}

/** What happened to a document since it was made up. */
export interface Change {
  readonly standing?: Standing;
  readonly validUntil?: string;
}

export interface Office {
  readonly size: number;
  find(type: string, number: string): Found | null;
  /** Says what became of a document only to whoever knows whose it is. */
  judge(question: Question, today: string): { verdict: Verdict; found: Found | null };
  /** All documents of a person, as they stand; null: unknown here. */
  person(id: string): Holder | null;
  change(id: string, type: string | null, change: Change): boolean;
  sample(): Found | null;
}

/** The exit-entry administration's own file of who holds what. */
export function openOffice(holders: readonly Holder[]): Office {
  const byId = new Map(holders.map((holder) => [holder.id, holder]));
  const byDocument = new Map<string, { id: string; original: IssuedDocument }>();
  const changes = new Map<string, Change>();
  const key = (type: string, number: string) => `${type} ${number}`;
  for (const { id, documents } of holders)
    for (const original of documents) byDocument.set(key(original.type, original.number), { id, original });
  const today = (document: IssuedDocument): IssuedDocument => ({
    ...document,
    ...changes.get(key(document.type, document.number)),
  });

  const find = (type: string, number: string): Found | null => {
    const entry = byDocument.get(key(type, number));
    const holder = entry && byId.get(entry.id);
    return entry && holder ? { holder, document: today(entry.original) } : null;
  };

  return {
    size: byDocument.size,
    find,
    judge({ type, number, issue, name }, day) {
      const found = find(type, number);
      if (found === null) return { verdict: 'not_found', found };
      if (!isCalled(found.holder.names, name)) return { verdict: 'mismatch', found };
      return { verdict: standingOf(found.document, issue, day), found };
    },
    person(id) {
      const holder = byId.get(id);
      return holder ? { ...holder, documents: holder.documents.map(today) } : null;
    },
    change(id, type, change) {
      const documents = byId.get(id)?.documents.filter((document) => type === null || document.type === type) ?? [];
      for (const document of documents) changes.set(key(document.type, document.number), change);
      return documents.length > 0;
    },
    sample() {
      const [first] = byDocument.values();
      return first ? find(first.original.type, first.original.number) : null;
    },
  };
}

function standingOf(document: IssuedDocument, issue: string | null, day: string): Verdict {
  if (document.standing !== 'valid') return document.standing;
  // A card of an earlier issue ended with the next one; one that is yet to come is nobody's.
  if (issue !== null && document.issue !== issue) return issue < (document.issue ?? '') ? 'expired' : 'mismatch';
  return document.validUntil < day ? 'expired' : 'verified';
}

/** What the counters take for the same: width, spaces, accents, hyphens, and which part of a romanised name comes first. */
function isCalled({ native, simplified, latin }: Names, name: string): boolean {
  const asked = plain(name);
  if (asked === '') return false;
  if (/\p{Script=Han}/u.test(name)) return [native, simplified].some((own) => own !== null && plain(own) === asked);
  const words = latin.split(/[\s,-]+/).map(plain);
  return words.some((_, i) => [...words.slice(i), ...words.slice(0, i)].join('') === asked);
}

const plain = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/[\p{M}\p{P}\p{S}\s]/gu, '')
    .toUpperCase();
