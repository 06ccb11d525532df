import { bad, type DocumentCheck, when } from './result.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const weigh = (values: readonly number[], weights: readonly number[]) =>
  weights.reduce((sum, weight, i) => sum + weight * (values[i] ?? 0), 0);

/** Hong Kong ID without brackets: one or two letters, six digits, check character. */
export function hongKongId(value: string): DocumentCheck {
  const bare = value.replace(/^([A-Z]{1,2}[0-9]{6})\(([0-9A])\)$/, '$1$2');
  if (!/^[A-Z]{1,2}[0-9]{6}[0-9A]$/.test(bare)) return bad('bad_format');
  const body = bare.slice(0, -1).padStart(8, ' ');
  const values = [...body].map((c) => (c === ' ' ? 36 : letters.includes(c) ? letters.indexOf(c) + 10 : Number(c)));
  const check = (11 - (weigh(values, [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return when((check === 10 ? 'A' : String(check)) === bare.slice(-1), 'bad_check_digit');
}

/** Macao resident identity card; its check digit is not public. */
export const macaoId = (value: string) =>
  when(/^[157]([0-9]{6}(\([0-9]\)|[0-9])|\/[0-9]{6}\/[0-9])$/.test(value), 'bad_format');

/** Values of the letters in Taiwan's numbers, A to Z. */
const taiwanLetters = [
  10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33,
];
const taiwanValue = (letter: string) => taiwanLetters[letters.indexOf(letter)] ?? 0;

function taiwan(value: string, form: RegExp): DocumentCheck {
  if (!form.test(value)) return bad('bad_format');
  const first = taiwanValue(value.charAt(0));
  const second = value.charAt(1);
  const rest = [...value.slice(2)].map(Number);
  // Old resident certificates have a letter in second place; it counts with its units digit.
  const digits = [letters.includes(second) ? taiwanValue(second) % 10 : Number(second), ...rest];
  const sum = Math.floor(first / 10) + (first % 10) * 9 + weigh(digits, [8, 7, 6, 5, 4, 3, 2, 1, 1]);
  return when(sum % 10 === 0, 'bad_check_digit');
}

export const taiwanNationalId = (value: string) => taiwan(value, /^[A-Z][12][0-9]{8}$/);
export const taiwanResidentNew = (value: string) => taiwan(value, /^[A-Z][89][0-9]{8}$/);
export const taiwanResidentOld = (value: string) => taiwan(value, /^[A-Z][A-D][0-9]{8}$/);

const singaporeTables: Readonly<Record<string, { offset: number; table: string }>> = {
  S: { offset: 0, table: 'JZIHGFEDCBA' },
  T: { offset: 4, table: 'JZIHGFEDCBA' },
  F: { offset: 0, table: 'XWUTRQPNMLK' },
  G: { offset: 4, table: 'XWUTRQPNMLK' },
  M: { offset: 3, table: 'XWUTRQPNJLK' },
};

function singapore(value: string, form: RegExp): DocumentCheck {
  const series = singaporeTables[value.charAt(0)];
  if (!form.test(value) || series === undefined) return bad('bad_format');
  const sum = series.offset + weigh([...value.slice(1, 8)].map(Number), [2, 7, 6, 5, 4, 3, 2]);
  return when(series.table.charAt(sum % 11) === value.charAt(8), 'bad_check_digit');
}

export const singaporeNric = (value: string) => singapore(value, /^[ST][0-9]{7}[A-Z]$/);
export const singaporeFin = (value: string) => singapore(value, /^[FGM][0-9]{7}[A-Z]$/);
