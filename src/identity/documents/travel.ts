import { bad, type DocumentCheck, isCalendarDay, when } from './result.ts';

const order = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const worth = (c: string) => (c === '<' ? 0 : order.indexOf(c));

/** Check digit of ICAO 9303 part 3, 4.9: weights 7 3 1. */
function digitOf(text: string): string {
  const sum = [...text].reduce((total, c, i) => total + worth(c) * (i % 3 === 0 ? 7 : i % 3 === 1 ? 3 : 1), 0);
  return String(sum % 10);
}

/** Unknown parts of a date may be filler; known ones must be a day. */
function isMrzDay(yymmdd: string): boolean {
  if (!/^[0-9]{2}([0-9]{2}([0-9]{2}|<<)|<<<<)$/.test(yymmdd)) return yymmdd === '<<<<<<';
  const full = yymmdd.replace('<<<<', '0101').replace('<<', '01');
  return isCalendarDay(`19${full}`) || isCalendarDay(`20${full}`);
}

interface Field {
  readonly text: string;
  readonly digit: string;
}

const fits = ({ text, digit }: Field) => digitOf(text) === digit;

/** Cuts joined lines of equal length apart; null when they are not that. */
function lines(value: string, count: number, length: number): string[] | null {
  const parts = value.split('\n');
  return parts.length === count && parts.every((part) => part.length === length) ? parts : null;
}

/** Passport, two lines of 44 joined by a line feed (ICAO 9303 part 4). */
export function mrzTd3(value: string): DocumentCheck {
  if (lines(value, 2, 44) === null) return bad('bad_length');
  if (!/^[A-Z0-9<\n]*$/.test(value)) return bad('bad_characters');
  const second = value.slice(45);
  if (!/^P[A-Z<]/.test(value) || !/^[MF<X]$/.test(second.charAt(20))) return bad('bad_format');
  if (!isMrzDay(second.slice(13, 19)) || !isMrzDay(second.slice(21, 27))) return bad('bad_date');
  const optional = second.slice(28, 42);
  const emptyOptional = /^<*$/.test(optional) && second.charAt(42) === '<';
  const fields: Field[] = [
    { text: second.slice(0, 9), digit: second.charAt(9) },
    { text: second.slice(13, 19), digit: second.charAt(19) },
    { text: second.slice(21, 27), digit: second.charAt(27) },
    { text: optional, digit: emptyOptional ? '0' : second.charAt(42) },
    { text: second.slice(0, 10) + second.slice(13, 20) + second.slice(21, 43), digit: second.charAt(43) },
  ];
  return when(fields.every(fits), 'bad_check_digit');
}

/** Card, three lines of 30 (ICAO 9303 part 5). */
export function mrzTd1(value: string): DocumentCheck {
  if (lines(value, 3, 30) === null) return bad('bad_length');
  if (!/^[A-Z0-9<\n]*$/.test(value)) return bad('bad_characters');
  const first = value.slice(0, 30);
  const second = value.slice(31, 61);
  if (!/^[ACI][A-UW-Z0-9<]/.test(first) || !/^[MF<X]$/.test(second.charAt(7))) return bad('bad_format');
  if (!isMrzDay(second.slice(0, 6)) || !isMrzDay(second.slice(8, 14))) return bad('bad_date');
  const fields: Field[] = [
    td1Number(first),
    { text: second.slice(0, 6), digit: second.charAt(6) },
    { text: second.slice(8, 14), digit: second.charAt(14) },
    {
      text: first.slice(5) + second.slice(0, 7) + second.slice(8, 15) + second.slice(18, 29),
      digit: second.charAt(29),
    },
  ];
  return when(fields.every(fits), 'bad_check_digit');
}

/** A number longer than nine goes on in the optional field, its check digit behind it (ICAO 9303 part 5, 4.2.2). */
function td1Number(first: string): Field {
  const rest = first.slice(15).replace(/<.*$/, '');
  if (first.charAt(14) !== '<' || rest === '') return { text: first.slice(5, 14), digit: first.charAt(14) };
  return { text: first.slice(5, 14) + rest.slice(0, -1), digit: rest.slice(-1) };
}
