import { bad, type DocumentCheck, when } from './result.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const weigh = (values: readonly number[], weight: (i: number) => number) =>
  values.reduce((sum, value, i) => sum + value * weight(i), 0);

/** Hong Kong ID, with or without brackets: one or two letters, six digits, check character. */
export function hongKongId(value: string): DocumentCheck {
  const bare = value.replace(/^([A-Z]{1,2}[0-9]{6})\(([0-9A])\)$/, '$1$2');
  if (!/^[A-Z]{1,2}[0-9]{6}[0-9A]$/.test(bare)) return bad('bad_format');
  const body = bare.slice(0, -1).padStart(8, ' ');
  const values = [...body].map((c) => (c === ' ' ? 36 : letters.includes(c) ? letters.indexOf(c) + 10 : Number(c)));
  const check = (11 - (weigh(values, (i) => 9 - i) % 11)) % 11;
  return when((check === 10 ? 'A' : String(check)) === bare.slice(-1), 'bad_check_digit');
}

/** Macao resident identity card, as printed now or on old cards; its check digit is not public. */
export const macaoId = (value: string) =>
  when(/^[157]([0-9]{6}(\([0-9]\)|[0-9])|\/[0-9]{6}\/[0-9])$/.test(value), 'bad_format');

/** Two-digit values of the letters A to Z in Taiwan's numbers. */
const taiwanValues = '1011121314151617341819202122352324252627282932303133';
const taiwanValue = (letter: string) =>
  Number(taiwanValues.slice(2 * letters.indexOf(letter), 2 * letters.indexOf(letter) + 2));

function taiwan(value: string, form: RegExp): DocumentCheck {
  if (!form.test(value)) return bad('bad_format');
  const first = taiwanValue(value.charAt(0));
  const second = value.charAt(1);
  const rest = [...value.slice(2)].map(Number);
  // Old resident certificates have a letter in second place; it counts with its units digit.
  const digits = [letters.includes(second) ? taiwanValue(second) % 10 : Number(second), ...rest];
  const sum = Math.floor(first / 10) + (first % 10) * 9 + weigh(digits, (i) => Math.max(1, 8 - i));
  return when(sum % 10 === 0, 'bad_check_digit');
}

export const taiwanNationalId = (value: string) => taiwan(value, /^[A-Z][12][0-9]{8}$/);
export const taiwanResidentNew = (value: string) => taiwan(value, /^[A-Z][89][0-9]{8}$/);
export const taiwanResidentOld = (value: string) => taiwan(value, /^[A-Z][A-D][0-9]{8}$/);

/** Offset and check letters of one series. */
function singapore(value: string, form: RegExp, offset: number, table: string): DocumentCheck {
  if (!form.test(value)) return bad('bad_format');
  const sum = offset + weigh([...value.slice(1, 8)].map(Number), (i) => (i === 0 ? 2 : 8 - i));
  return when(table.charAt(sum % 11) === value.charAt(8), 'bad_check_digit');
}

export const singaporeNric = (value: string) =>
  singapore(value, /^[ST][0-9]{7}[A-Z]$/, value.startsWith('T') ? 4 : 0, 'JZIHGFEDCBA');

export function singaporeFin(value: string): DocumentCheck {
  if (value.startsWith('M')) return singapore(value, /^M[0-9]{7}[A-Z]$/, 3, 'XWUTRQPNJLK');
  return singapore(value, /^[FG][0-9]{7}[A-Z]$/, value.startsWith('G') ? 4 : 0, 'XWUTRQPNMLK');
}
