/** Why a value is, or is not, well formed. A right form is no evidence of identity. */
export const documentReasons = [
  'ok',
  'bad_format',
  'bad_length',
  'bad_characters',
  'bad_date',
  'bad_check_digit',
  'unknown_region',
  'not_issued',
  'unknown_type',
  'bad_input',
] as const;
export type DocumentReason = (typeof documentReasons)[number];

export interface DocumentCheck {
  readonly valid: boolean;
  readonly reason: DocumentReason;
}

export const ok: DocumentCheck = { valid: true, reason: 'ok' };
export const bad = (reason: DocumentReason): DocumentCheck => ({ valid: false, reason });

/** A rule that only knows good from bad. */
export const when = (good: boolean, reason: DocumentReason): DocumentCheck => (good ? ok : bad(reason));

/** Whether YYYYMMDD is a day of the calendar. Pure: "not in the future" is judged by the caller, who knows the time. */
export function isCalendarDay(text: string): boolean {
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(4, 6));
  const day = Number(text.slice(6, 8));
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() + 1 === month && date.getUTCDate() === day;
}

/** ISO 7064 MOD 11-2 over 17 digits: the check character of GB 11643-1999. */
export function mod112(first17: string): string {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((total, weight, i) => total + weight * Number(first17.charAt(i)), 0);
  return '10X98765432'.charAt(sum % 11);
}
