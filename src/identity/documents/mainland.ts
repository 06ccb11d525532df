import { bad, type DocumentCheck, isCalendarDay, mod112, ok, when } from './result.ts';

/** First two digits of GB/T 2260 that resident ID numbers have; county codes change and stay valid for life. */
const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65'.split(' '),
);
/** Areas of the residence permit for Hong Kong, Macao and Taiwan residents. */
const permitAreas = new Set(['810000', '820000', '830000']);

const bounded = (yyyymmdd: string, today: string) =>
  isCalendarDay(yyyymmdd) && yyyymmdd >= '18800101' && yyyymmdd <= today;

function residentForm(value: string, areaKnown: boolean, today: string): DocumentCheck {
  if (!/^[0-9]{17}[0-9X]$/.test(value)) return bad(value.length === 18 ? 'bad_characters' : 'bad_length');
  if (!areaKnown) return bad('unknown_region');
  if (!bounded(value.slice(6, 14), today)) return bad('bad_date');
  // Sequence 000 was never given out.
  if (value.slice(14, 17) === '000') return bad('not_issued');
  return when(mod112(value) === value.charAt(17), 'bad_check_digit');
}

/** Resident ID number, GB 11643-1999. */
export const residentId = (value: string, today: string) =>
  residentForm(value, provinces.has(value.slice(0, 2)), today);

/** Residence permit for Hong Kong, Macao and Taiwan residents: the same form, areas of its own. */
export const residencePermit = (value: string, today: string) =>
  residentForm(value, permitAreas.has(value.slice(0, 6)), today);

/** The retired 15-digit number: only a search key in old records. */
export function residentId15(value: string): DocumentCheck {
  if (!/^[0-9]{15}$/.test(value)) return bad(value.length === 15 ? 'bad_characters' : 'bad_length');
  if (!provinces.has(value.slice(0, 2))) return bad('unknown_region');
  return when(isCalendarDay(`19${value.slice(6, 12)}`), 'bad_date');
}

/** Mainland travel permit for Hong Kong and Macao residents; the 1999 card adds two digits of issue count. */
export const hongKongMacaoPermit = (value: string) => when(/^[HM][0-9]{8}([0-9]{2})?$/.test(value), 'bad_format');
/** The version for non-Chinese citizens, since July 2024. */
export const hongKongMacaoPermitForeign = (value: string) => when(/^[HM]A[0-9]{7}$/.test(value), 'bad_format');
/** Mainland travel permit for Taiwan residents: one number for life. */
export const taiwanPermit = (value: string) => when(/^[0-9]{8}$/.test(value), 'bad_format');

/** Foreign permanent resident ID card of 2023. */
export function foreignResident18(value: string, today: string): DocumentCheck {
  if (!/^9[0-9]{16}[0-9X]$/.test(value)) return bad(value.length === 18 ? 'bad_characters' : 'bad_length');
  // ISO 3166-1 numeric runs from 004 to 894.
  const country = Number(value.slice(3, 6));
  if (!provinces.has(value.slice(1, 3)) || country < 4 || country > 894) return bad('unknown_region');
  if (!bounded(value.slice(6, 14), today)) return bad('bad_date');
  return when(mod112(value) === value.charAt(17), 'bad_check_digit');
}

/** The card before: the check digit is inferred from one sample, so it is not judged. */
export function foreignResident15(value: string): DocumentCheck {
  if (!/^[A-Z]{3}[0-9]{12}$/.test(value)) return bad(value.length === 15 ? 'bad_characters' : 'bad_length');
  if (!provinces.has(value.slice(3, 5))) return bad('unknown_region');
  const day = value.slice(7, 13);
  return when(isCalendarDay(`19${day}`) || isCalendarDay(`20${day}`), 'bad_date');
}

/** Birth date, sex and area of a well-formed resident number; null for any other. */
export function parseResidentId(
  value: string,
  today: string,
): { birthDate: string; sex: 'male' | 'female'; region: string } | null {
  if (residentId(value, today) !== ok) return null;
  const date = value.slice(6, 14);
  return {
    birthDate: `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`,
    sex: Number(value.charAt(16)) % 2 === 1 ? 'male' : 'female',
    region: value.slice(0, 6),
  };
}
