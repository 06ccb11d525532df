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
