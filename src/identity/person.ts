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
