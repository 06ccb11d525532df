import { bad, type DocumentCheck, ok } from './documents/result.ts';

/** Look-alikes of the middle dot that keyboards, scanners and upstreams put in minority names. */
const dots = /[\u2022\u2027\u22C5\u2219\u30FB\uFF65\u0387\uFF0E.]/gu;
const spaces = /[\s\u3000]+/gu;
const han = /^[\p{Script=Han}\u3007]$/u;

/**
 * A name in the form it is stored and compared in: NFC (never NFKC, which changes ideographs), one middle dot, no spaces
 * between ideographs, single spaces between words.
 */
export function normaliseName(value: string): string {
  const text = value.normalize('NFC').replace(dots, '\u00B7').trim().replace(spaces, ' ');
  return text.replace(/(?<=[\p{Script=Han}\u00B7]) (?=[\p{Script=Han}\u00B7])/gu, '');
}

/** A Chinese name as on a document: 2 to 50 ideographs, middle dots only between them, none of it masked. */
export function checkName(value: string): DocumentCheck {
  const characters = [...value];
  if (characters.length < 2) return bad('bad_length');
  if (characters.length > 50) return bad('bad_length');
  if (characters.some((c) => c !== '\u00B7' && !han.test(c))) return bad('bad_characters');
  return /^\u00B7|\u00B7$|\u00B7\u00B7/u.test(value) ? bad('bad_format') : ok;
}

export type NameDifference = 'equal' | 'dots' | 'spelling' | 'length';

/** Compares two names: equal only when no character differs. `dots`: equal but for the middle dot, which some sources drop. */
export function compareNames(a: string, b: string): { equal: boolean; reason: NameDifference } {
  const [left, right] = [normaliseName(a).toUpperCase(), normaliseName(b).toUpperCase()];
  if (left === right) return { equal: true, reason: 'equal' };
  const bare = (name: string) => name.replaceAll('\u00B7', '');
  if (bare(left) === bare(right)) return { equal: false, reason: 'dots' };
  return { equal: false, reason: [...left].length === [...right].length ? 'spelling' : 'length' };
}
