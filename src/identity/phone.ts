import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';
import { foldKeepingGroups } from './typed.ts';

/**
 * A phone number as typed, in E.164 (ITU-T E.164; `+8613800138000`), or null when it can't be one. `region` is the
 * country code chosen beside the field (ISO 3166-1 alpha-2); a number with its own + prefix needs none.
 */
export function normalisePhone(typed: string, region: string): string | null {
  const text = foldKeepingGroups(typed);
  if (text.length > 40) return null;
  const country: CountryCode | undefined = isSupportedCountry(region) ? region : undefined;
  const parsed = country === undefined ? parsePhoneNumberFromString(text) : parsePhoneNumberFromString(text, country);
  return parsed?.isValid() ? parsed.number : null;
}

/** The eleven digits of a mobile number of the mainland; null for any other number. */
export function mainlandMobile(e164: string): string | null {
  return /^\+86(1[3-9][0-9]{9})$/.exec(e164)?.[1] ?? null;
}

/** Enough to recognise one's own number by: country code and the last four digits. */
export function maskPhone(e164: string): string {
  const country = parsePhoneNumberFromString(e164)?.countryCallingCode;
  return `${country === undefined ? '' : `+${country} `}•••• ${e164.slice(-4)}`;
}
