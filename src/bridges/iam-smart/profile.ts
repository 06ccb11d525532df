import { z } from 'zod';
import { canonicalDocument } from '../../identity/documents/canonical.ts';
import { checkDocument } from '../../identity/documents.ts';
import { nameTold } from '../../identity/names.ts';
import { foldTyped } from '../../identity/typed.ts';
import type { ExternalClaims } from '../bridge.ts';

/** What is asked for; the person sees the list in the app and agrees to it. */
export const profileFields = ['idNo', 'enName', 'chName', 'chNameVerified', 'birthDate'] as const;

const text = z.string().max(300);

export const profileContent = z.object({
  /** Told by some gateways: whose profile it is. */
  openID: text.nullish(),
  idNo: z.object({ Identification: text.nullish(), CheckDigit: text.nullish() }).nullish(),
  enName: z.object({ UnstructuredName: text.nullish() }).nullish(),
  chName: z.object({ ChineseName: text.nullish() }).nullish(),
  chNameVerified: z.union([z.boolean(), text]).nullish(),
  birthDate: text.nullish(),
});
export type Profile = z.infer<typeof profileContent>;

/** What the Immigration Department's records say of the person, as far as it came whole. */
export function claimsOf(profile: Profile): ExternalClaims {
  // `SAN, Chi Nan`: family name before the comma, as on the card; everywhere else here without it and in capitals.
  const latinName = nameTold(profile.enName?.UnstructuredName?.replace(/\s*,\s*/, ' ').toUpperCase());
  const chinese = isTrue(profile.chNameVerified) ? nameTold(profile.chName?.ChineseName) : null;
  // Not everybody has a Chinese name, and one that nobody has verified is none.
  const name = chinese ?? latinName;
  const number = hongKongId(profile.idNo?.Identification ?? '', profile.idNo?.CheckDigit ?? '');
  const birthDate = dateOf(profile.birthDate ?? '');
  return {
    ...(name === null ? {} : { name }),
    ...(latinName === null ? {} : { latinName }),
    ...(number === null ? {} : { documentType: 'hk_id', documentNumber: number, category: 'hong_kong' }),
    ...(birthDate === null ? {} : { birthDate }),
  };
}

const isTrue = (value: Profile['chNameVerified']) => value === true || value === 'Y' || value === 'true';

/** Its form alone is looked at: the number is the government's word. */
function hongKongId(identification: string, checkDigit: string): string | null {
  const { number } = canonicalDocument('hk_id', `${identification}(${checkDigit})`);
  // Told in two parts: one that is missing is not made up from the other.
  if (!/^[0-9A]$/.test(foldTyped(checkDigit))) return null;
  const { reason } = checkDocument('hk_id', number);
  return reason === 'ok' || reason === 'bad_check_digit' ? number : null;
}

/** YYYYMMDD; people whose day or month of birth is not known have zeros there, and no date. */
function dateOf(value: string): string | null {
  const [, year, month, day] = /^([12][0-9]{3})([0-9]{2})([0-9]{2})$/.exec(value) ?? [];
  const date = `${year}-${month}-${day}`;
  const moment = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(date) ? date : null;
}
