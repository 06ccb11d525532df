import { bad, type DocumentCheck, type DocumentReason, ok } from './documents/result.ts';
import { dots, isIdeographic, type NameScript, scriptOf, withoutPrivateUse } from './name-characters.ts';
import { foldWidth, invisible } from './typed.ts';

export type { NameScript } from './name-characters.ts';

const MIDDLE_DOT = '\u00B7';

/**
 * A name in the form it is stored, released and compared in: NFC (never NFKC, which changes ideographs), nothing invisible,
 * ASCII for full-width letters, single spaces. A name in ideographs has one kind of middle dot and no spaces; every other name
 * keeps its own dots: the full stop of `JOHN A. SMITH` is one.
 */
export function normaliseName(value: string): string {
  const text = withoutPrivateUse(foldWidth(value.normalize('NFC')).replaceAll(invisible, ''))
    .trim()
    .replaceAll(/\s+/gu, ' ');
  if (isIdeographic(text)) return text.replaceAll(dots, MIDDLE_DOT).replaceAll(' ', '');
  return text
    .replaceAll(/[\u2010-\u2013\u2212]/gu, '-')
    .replaceAll(/(?<=\p{Script=Han}) (?=\p{Script=Han})/gu, '')
    .normalize('NFC');
}

/** A Chinese name as most documents have it: 2 to 50 ideographs, middle dots only between them, none of it masked. */
export function checkName(value: string): DocumentCheck {
  const characters = [...value];
  if (characters.length < 2 || characters.length > 50) return bad('bad_length');
  if (characters.some((c) => c !== MIDDLE_DOT && !/^[\p{Script=Han}\u3007]$/u.test(c))) return bad('bad_characters');
  return /^\u00B7|\u00B7$|\u00B7\u00B7/u.test(value) ? bad('bad_format') : ok;
}

export type NameRead =
  | { readonly ok: true; readonly name: string; readonly script: NameScript }
  | { readonly ok: false; readonly reason: DocumentReason };

/** Letters and marks, and what stands between the words of names: `O'BRIEN`, `S/O`, `@` before an alias, `(CHEN)`, `SMITH, J.` */
const words = /^[\p{L}\p{M}][\p{L}\p{M}\u00B7'’‘ʼ`.,\-/@() ]*$/u;

/**
 * The one rule of what a name is, for every form, source and upstream: what was typed or sent, normalised, or why it is none. One
 * ideograph is a name, and so is one with a private-use character that a register still has: the register has the last word.
 */
export function readName(value: string): NameRead {
  const name = normaliseName(value);
  const script = scriptOf(name);
  const reason = script === 'Hani' ? faultOfIdeographs(name) : faultOfWords(name, script);
  return reason === null ? { ok: true, name, script } : { ok: false, reason };
}

/** A name that an upstream tells, or null for what is none: empty, masked, or no name at all. */
export function nameTold(value: unknown): string | null {
  const read = typeof value === 'string' && value.length <= 300 ? readName(value) : null;
  return read?.ok ? read.name : null;
}

function faultOfIdeographs(name: string): DocumentReason | null {
  if ([...name].length > 50) return 'bad_length';
  if (!isIdeographic(name)) return 'bad_characters';
  return /^\u00B7|\u00B7$|\u00B7\u00B7/u.test(name) ? 'bad_format' : null;
}

function faultOfWords(name: string, script: NameScript): DocumentReason | null {
  const length = [...name].length;
  // No alphabet has full names of one letter; syllables and ideographs do.
  if (length < (script === 'Latn' ? 2 : 1) || length > 100) return 'bad_length';
  if (!words.test(name)) return 'bad_characters';
  // Letters of these three look alike: a name that mixes them is made to look like another.
  const alike = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u].filter((each) => each.test(name));
  if (alike.length > 1) return 'bad_characters';
  return isBalanced(name) && !/[/@]\s*$|[/@]\s*[/@]/u.test(name) ? null : 'bad_format';
}

function isBalanced(name: string): boolean {
  let open = 0;
  for (const c of name) {
    if (c === '(') open += 1;
    if (c === ')') open -= 1;
    if (open < 0) return false;
  }
  return open === 0;
}

/** In what two names differ. All but `spelling` and `length` are the same name, or say nothing (`script`, `private`). */
export type NameDifference =
  | 'equal'
  /** But for the middle dot, which some sources drop. */
  | 'dots'
  /** But for accents, which machine-readable lines drop (ICAO 9303 part 3, section 6). */
  | 'marks'
  /** But for which of family and given name comes first. */
  | 'order'
  | 'spelling'
  | 'length'
  /** In different scripts, or in several at once. */
  | 'script'
  /** But for a private-use character, whose meaning only its own source knows. */
  | 'private';

/**
 * Compares two names by their script. Ideographs are equal only when none differs: 陳 is not 陈 unless a source says so.
 * Words are equal whatever their case, spaces and punctuation. It answers that they are equal (`equal`; `dots`, `marks` and
 * `order` say what had to be left out of account), that they differ (`spelling`, `length`), or that they can't be compared
 * (`script`, `private`), which is neither. `nameAnswer` puts that in one word.
 */
export function compareNames(a: string, b: string): { equal: boolean; reason: NameDifference } {
  const [left, right] = [normaliseName(a).toUpperCase(), normaliseName(b).toUpperCase()];
  if (left === right) return { equal: true, reason: 'equal' };
  const script = scriptOf(left);
  if (script !== scriptOf(right) || script === 'mixed') return { equal: false, reason: 'script' };
  if (script === 'Hani') return { equal: false, reason: ideographsDiffer(left, right) };
  const reason = wordsDiffer(left, right, script);
  return { equal: reason === 'equal', reason };
}

const apart = (left: string, right: string): NameDifference =>
  [...left].length === [...right].length ? 'spelling' : 'length';

function ideographsDiffer(left: string, right: string): NameDifference {
  const [bareLeft, bareRight] = [left, right].map((name) => name.replaceAll(MIDDLE_DOT, ''));
  if (bareLeft === bareRight) return 'dots';
  const [one, other] = [[...(bareLeft ?? '')], [...(bareRight ?? '')]];
  const known = one.length === other.length && one.every((c, i) => c === other[i] || /\p{Co}/u.test(c + other[i]));
  return known ? 'private' : apart(left, right);
}

/** Scripts whose marks are accents; elsewhere they are the vowels. */
const accented: readonly NameScript[] = ['Latn', 'Cyrl', 'Grek'];

function wordsDiffer(left: string, right: string, script: NameScript): NameDifference {
  const whole = (name: string) => wordsOf(name).join('');
  if (whole(left) === whole(right)) return 'equal';
  const plain = (name: string) => (accented.includes(script) ? name.normalize('NFD').replaceAll(/\p{M}/gu, '') : name);
  const target = whole(plain(right));
  const parts = wordsOf(plain(left));
  if (target !== '' && parts.join('') === target) return 'marks';
  const turned = parts.some((_, i) => [...parts.slice(i), ...parts.slice(0, i)].join('') === target);
  return target !== '' && turned ? 'order' : apart(left, right);
}

const wordsOf = (name: string) =>
  name
    .replaceAll(/['’‘ʼ`.]/gu, '')
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '');

export type NameAnswer = 'same' | 'different' | 'incomparable';

/** Whether two names are one person's name: `incomparable` is neither, and agrees with nothing. */
export function nameAnswer(a: string, b: string): NameAnswer {
  const { reason } = compareNames(a, b);
  if (reason === 'script' || reason === 'private') return 'incomparable';
  return reason === 'spelling' || reason === 'length' ? 'different' : 'same';
}
