import { canonicalDocument } from './documents/canonical.ts';
import { bad, type DocumentReason } from './documents/result.ts';
import { checkDocument } from './documents.ts';
import { foldTyped } from './typed.ts';

export type NumberRead =
  | { readonly ok: true; readonly type: string; readonly number: string; readonly issue: string | null }
  | { readonly ok: false; readonly reason: DocumentReason };

/**
 * What was typed into a form for a document's number: in its one form, or why it is none. `takes`: the types that may come of it,
 * where several are one series of cards. `today` as in `checkDocument`. The number of fifteen digits finds people in old records
 * (`canonicalDocument`) and proves nobody any more.
 */
export function readNumber(type: string, typed: string, today: string, takes: readonly string[] = [type]): NumberRead {
  if (type === 'cn_resident_id' && /^[0-9]{15}$/.test(foldTyped(typed))) return { ok: false, reason: 'bad_length' };
  const read = canonicalDocument(type, typed);
  const check = takes.includes(read.type) ? checkDocument(read.type, read.number, today) : bad('bad_format');
  return check.valid ? { ok: true, ...read } : { ok: false, reason: check.reason };
}

/** The digits of a payment card, or null. Some mainland cards don't follow Luhn: the check digit is left to the bank. */
export function readCard(typed: string): string | null {
  const digits = foldTyped(typed);
  return /^[0-9]{13,19}$/.test(digits) ? digits : null;
}
