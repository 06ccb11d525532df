import { canonicalDocument, passportLines } from './documents/canonical.ts';
import type { DocumentReason } from './documents/result.ts';
import { checkDocument, type DocumentType } from './documents.ts';
import { type NameRead, readName } from './names.ts';
import type { Category } from './person.ts';
import { foldTyped } from './typed.ts';

/** Documents that people show at a counter. A passport is read by its two machine-readable lines (ICAO 9303 part 4). */
export const counterDocuments = [
  'cn_resident_id',
  'cn_hm_travel_permit',
  'cn_hm_travel_permit_noncn',
  'cn_tw_travel_permit',
  'cn_hmt_residence_permit',
  'cn_foreign_pr_18',
  'cn_foreign_pr_15',
  'passport',
] as const;
export type CounterDocument = (typeof counterDocuments)[number];

/** Whom a counter can check; who acts for a legal person shows so elsewhere. */
export const counterCategories = ['mainland', 'hong_kong', 'macao', 'taiwan', 'foreign'] as const satisfies Category[];
export type CounterCategory = (typeof counterCategories)[number];

/** Which documents count for whom. */
export const documentsFor: Readonly<Record<CounterCategory, readonly CounterDocument[]>> = {
  mainland: ['cn_resident_id'],
  hong_kong: ['cn_hm_travel_permit', 'cn_hm_travel_permit_noncn', 'cn_hmt_residence_permit'],
  macao: ['cn_hm_travel_permit', 'cn_hm_travel_permit_noncn', 'cn_hmt_residence_permit'],
  taiwan: ['cn_tw_travel_permit', 'cn_hmt_residence_permit'],
  foreign: ['cn_foreign_pr_18', 'cn_foreign_pr_15', 'passport'],
};

/** What the official ticks, each by itself (SP 800-63A-4 3.13: documents by a trained eye, the person by comparison). */
export const counterChecks = [
  'genuine',
  'chip',
  'valid',
  'number',
  'name',
  'photo',
  'present',
  'willing',
  'stay',
] as const;
export type CounterCheck = (typeof counterChecks)[number];

/** Cards of the older series have no chip to read. */
const withoutChip: readonly CounterDocument[] = ['cn_foreign_pr_15'];

/** The check list for a category and a document; null: that document does not count for them. */
export function checkListFor(category: CounterCategory, document: CounterDocument): readonly CounterCheck[] | null {
  if (!documentsFor[category].includes(document)) return null;
  return counterChecks.filter((check) => {
    if (check === 'chip') return !withoutChip.includes(document);
    // A passport says who somebody is, not that they may live here.
    return check !== 'stay' || document === 'passport';
  });
}

/** What stands on the document, as the official typed it. Days as YYYY-MM-DD. */
export interface DocumentEntry {
  readonly category: CounterCategory;
  readonly document: CounterDocument;
  readonly number: string;
  readonly name: string;
  readonly birthDate: string;
  /** Null: valid without an end. */
  readonly validUntil: string | null;
}

/** The same, parsed: `number` is what the person is known by from now on, a passport's with the state that issued it. */
export type DocumentRead = DocumentEntry;

export type EntryFault = {
  readonly field: 'document' | 'number' | 'name' | 'birthDate' | 'validUntil';
  readonly reason: DocumentReason | 'not_for_category' | 'not_of_region' | 'differs' | 'expired';
};

/** Reads an entry and names every fault in it. `today` is the city's day, YYYY-MM-DD. */
export function readDocument(
  entry: DocumentEntry,
  today: string,
): { readonly ok: true; readonly read: DocumentRead } | { readonly ok: false; readonly faults: readonly EntryFault[] } {
  const { category, document } = entry;
  if (!documentsFor[category].includes(document))
    return { ok: false, faults: [{ field: 'document', reason: 'not_for_category' }] };
  const number = numberOn(document, entry.number);
  const name = readName(entry.name);
  const faults = [
    ...numberFaults(category, document, number, today),
    ...nameFaults(category, name),
    ...dateFaults(entry, number, today),
  ];
  if (faults.length > 0 || !name.ok) return { ok: false, faults };
  // The number for life: without the count of issues, and a passport's with its state.
  return { ok: true, read: { ...entry, name: name.name, number: canonicalDocument(document, number).number } };
}

/** As it stands on the document: a passport's two lines, anything else in its one form. */
function numberOn(document: CounterDocument, typed: string): string {
  if (document === 'passport') return passportLines(typed) ?? foldTyped(typed);
  const read = canonicalDocument(document, typed);
  // Of another series of cards than the one that was chosen, or of one that is retired: not this document's number.
  return read.type === document && !/^[0-9]{15}$/.test(foldTyped(typed)) ? read.number : foldTyped(typed);
}

const ruleOf = (document: CounterDocument): DocumentType => (document === 'passport' ? 'icao_mrz_td3' : document);

function numberFaults(
  category: CounterCategory,
  document: CounterDocument,
  number: string,
  today: string,
): EntryFault[] {
  const check = checkDocument(ruleOf(document), number, today.replaceAll('-', ''));
  if (!check.valid) return [{ field: 'number', reason: check.reason }];
  return isOfRegion(category, document, number) ? [] : [{ field: 'number', reason: 'not_of_region' }];
}

/** The first digits of residence permits; nobody else has one. */
const residenceAreas: Readonly<Record<CounterCategory, string>> = {
  hong_kong: '810000',
  macao: '820000',
  taiwan: '830000',
  mainland: 'none',
  foreign: 'none',
};

/** Permits say by their number for which of the three they are. */
function isOfRegion(category: CounterCategory, document: CounterDocument, number: string): boolean {
  if (document === 'cn_hm_travel_permit' || document === 'cn_hm_travel_permit_noncn')
    return number.startsWith(category === 'hong_kong' ? 'H' : 'M');
  if (document !== 'cn_hmt_residence_permit') return true;
  return number.startsWith(residenceAreas[category]);
}

function nameFaults(category: CounterCategory, name: NameRead): EntryFault[] {
  if (!name.ok) return [{ field: 'name', reason: name.reason }];
  // A resident card has ideographs and nothing else.
  const fits = category === 'mainland' ? name.script === 'Hani' : true;
  return fits ? [] : [{ field: 'name', reason: 'bad_characters' }];
}

function dateFaults(entry: DocumentEntry, number: string, today: string): EntryFault[] {
  const faults: EntryFault[] = [];
  const { document, birthDate, validUntil } = entry;
  const printed = birthIn(document, number);
  if (birthDate > today) faults.push({ field: 'birthDate', reason: 'bad_date' });
  else if (printed !== null && !birthDate.replaceAll('-', '').endsWith(printed))
    faults.push({ field: 'birthDate', reason: 'differs' });
  if (validUntil !== null && validUntil < today) faults.push({ field: 'validUntil', reason: 'expired' });
  const end = document === 'passport' ? number.slice(66, 72) : null;
  if (end !== null && (validUntil ?? '').replaceAll('-', '').slice(2) !== end)
    faults.push({ field: 'validUntil', reason: 'differs' });
  return faults;
}

/** The digits of the birth date that the number itself holds; null: none, or not a number of that kind. */
function birthIn(document: CounterDocument, number: string): string | null {
  if (/^\d{17}[\dX]$/.test(number)) return number.slice(6, 14);
  if (document === 'cn_foreign_pr_15' && number.length === 15) return number.slice(7, 13);
  // Unknown parts of a date are filler, and say nothing then.
  const digits = document === 'passport' ? number.slice(58, 64) : '';
  return /^\d{6}$/.test(digits) ? digits : null;
}
