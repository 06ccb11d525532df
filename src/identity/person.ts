import { canonicalDocument } from './documents/canonical.ts';

/** Categories of person that policies may treat differently. */
export const categories = ['mainland', 'hong_kong', 'macao', 'taiwan', 'foreign', 'legal_person'] as const;
export type Category = (typeof categories)[number];

/** Years of age on a day; both as YYYY-MM-DD. */
export function ageOn(birthDate: string, day: string): number {
  const years = Number(day.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return day.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

/** A document number as people may see it: the last four, the rest as dots; short ones not at all. */
export function maskDocument(number: string): string {
  const characters = [...number];
  const shown = characters.length > 6 ? characters.slice(-4) : [];
  return '•'.repeat(characters.length - shown.length) + shown.join('');
}

/** A name as staff may see it: enough to recognise on the telephone, not enough to learn. */
export function maskName(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const one = (word: string) => {
    const [first, ...rest] = [...word];
    return `${first}${'•'.repeat(Math.max(1, rest.length))}`;
  };
  return words.map(one).join(' ');
}

/** Whom a document is given to; what only the number tells (home or residence permits) is read off it. */
export function categoryOfDocument(givenType: string, given: string): Category {
  const { type, number } = canonicalDocument(givenType, given);
  if (type.startsWith('cn_resident_id')) return 'mainland';
  const permit = type.startsWith('cn_h') ? number : '';
  if (type.startsWith('hk_') || /^(H|810000)/.test(permit)) return 'hong_kong';
  if (type.startsWith('mo_') || /^(M|820000)/.test(permit)) return 'macao';
  // Resident certificates of Taiwan are foreigners' papers.
  if (type === 'tw_national_id' || type === 'cn_tw_travel_permit' || permit.startsWith('830000')) return 'taiwan';
  return type === 'cn_uscc' ? 'legal_person' : 'foreign';
}

/** One document of a person, by the words of `documents.ts`. */
export interface IdDocument {
  readonly type: string;
  readonly number: string;
}

/**
 * Kinds, in canonical words, of which a person has one number for life: a second one is another person's. Passports, and papers whose number
 * changes with each issue, are not among them.
 */
export const kindsHeldOnce: ReadonlySet<string> = new Set([
  'cn_resident_id',
  'cn_hm_travel_permit',
  'cn_hm_travel_permit_noncn',
  'cn_tw_travel_permit',
  'cn_hmt_residence_permit',
  'cn_foreign_pr_18',
  'hk_id',
  'mo_bir',
  'tw_national_id',
  'tw_arc_new',
  'sg_nric',
]);

/** The date of birth that a number of eighteen digits holds, YYYY-MM-DD; null: none in it (GB 11643-1999 4.2.3). */
export function birthDateOfDocument(givenType: string, given: string): string | null {
  const { type, number } = canonicalDocument(givenType, given);
  if (!type.startsWith('cn_')) return null;
  const [, year, month, day] = /^\d{6}(\d{4})(\d{2})(\d{2})\d{3}[\dX]$/.exec(number) ?? [];
  return year === undefined ? null : `${year}-${month}-${day}`;
}
