import { canonicalDocument } from '../../identity/documents/canonical.ts';
import { checkDocument } from '../../identity/documents.ts';
import { nameTold } from '../../identity/names.ts';
import { categoryOfDocument } from '../../identity/person.ts';
import type { ExternalClaims } from '../bridge.ts';

/** The level of an account whose holder was checked against the identification bureau; the only one that is a level here. */
export const VERIFIED = 'verified';

/** The papers an account can be opened with. */
const papers: readonly unknown[] = ['mo_bir', 'hk_id', 'cn_resident_id', 'cn_hm_travel_permit'];

/** What the account says of its holder. What nobody has checked there is a name to be greeted by, and no document. */
export function claimsOf(told: Readonly<Record<string, unknown>>): ExternalClaims {
  const name = nameTold(told.name);
  const latinName = nameTold(told.latin_name);
  const names = { ...(name === null ? {} : { name }), ...(latinName === null ? {} : { latinName }) };
  if (told.acr !== VERIFIED) return names;
  const birthDate = dateOf(told.birthdate);
  return { ...names, ...documentOf(told), ...(birthDate === null ? {} : { birthDate }) };
}

/** Its form alone is looked at: whether it is a good number was the authority's to know (reference 0.2). */
function documentOf({ document_type: told, document_number: given }: Readonly<Record<string, unknown>>) {
  if (typeof told !== 'string' || !papers.includes(told) || typeof given !== 'string') return {};
  const { type, number } = canonicalDocument(told, given);
  const { reason } = checkDocument(type, number);
  if (reason !== 'ok' && reason !== 'bad_check_digit') return {};
  return { documentType: type, documentNumber: number, category: categoryOfDocument(type, number) };
}

/** A day that there is: `2023-02-30` is none. */
function dateOf(value: unknown): string | null {
  if (typeof value !== 'string' || !/^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$/.test(value)) return null;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value) ? value : null;
}
