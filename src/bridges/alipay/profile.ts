import { z } from 'zod';
import { canonicalDocument } from '../../identity/documents/canonical.ts';
import { nameTold } from '../../identity/names.ts';
import { categoryOfDocument } from '../../identity/person.ts';
import { normalisePhone } from '../../identity/phone.ts';
import { foldTyped } from '../../identity/typed.ts';
import type { ExternalClaims, SubjectKey } from '../bridge.ts';

/** Documented as text, on the wire also numbers; what is empty was not said. */
const word = z
  .union([z.string(), z.number()])
  .transform((value) => String(value))
  .transform((value) => (value === '' ? undefined : value))
  .optional()
  .catch(undefined);

/** Identifiers are never read leniently: a shape that we don't know is an answer that we don't understand. */
const names = {
  user_id: z
    .union([z.literal(''), z.string().regex(/^2088[0-9]{12}$/)])
    .transform((value) => value || undefined)
    .optional(),
  open_id: z
    .union([z.literal(''), z.string().regex(/^[A-Za-z0-9_-]{8,128}$/)])
    .transform((value) => value || undefined)
    .optional(),
};

/** `alipay.system.oauth.token`; a success has no `code`. */
export const tokenAnswer = z.object({ access_token: z.string().min(1).max(128), ...names });

/** `alipay.user.info.share`; all beyond the names only with special permission. */
export const profileAnswer = z.object({
  ...names,
  code: word,
  user_type: word,
  user_status: word,
  is_certified: word,
  user_name: word,
  cert_type: word,
  cert_no: word,
  mobile: word,
  person_birthday: word,
  person_cert_expiry_date: word,
});
export type Profile = z.output<typeof profileAnswer>;

type Names = Pick<Profile, 'user_id' | 'open_id'>;

/**
 * Both answers must be about one person: at least one name in both, and none that differs. Null: they are not. The names
 * belong to the app: what another app of ours was told may be another person.
 */
export function subjectsOf(appId: string, token: Names, profile: Names): readonly SubjectKey[] | null {
  const parts = ['user_id', 'open_id'] as const;
  const both = parts.filter((part) => token[part] !== undefined && profile[part] !== undefined);
  if (both.length === 0 || both.some((part) => token[part] !== profile[part])) return null;
  return parts.flatMap((part): SubjectKey[] => {
    const name = token[part] ?? profile[part];
    return name === undefined ? [] : [{ part, of: [appId, name] }];
  });
}

/** Frozen, or registered and never activated: nobody who may sign in there may here. Company accounts are no person's. */
export function isClosed({ user_status: status, user_type: type }: Profile): boolean {
  return status === 'B' || status === 'W' || type === '1';
}

/**
 * Alipay's `cert_type`, the kinds of ours that it can stand for, and their form. Only the form: what an authority tells is
 * not put to checksums. Kinds that we have none for (passports, soldiers' and policemen's cards, ...) are left out.
 */
const kinds: Readonly<Record<string, readonly (readonly [type: string, form: RegExp])[]>> = {
  '0': [
    ['cn_resident_id', /^[0-9]{17}[0-9X]$/],
    ['cn_resident_id_15', /^[0-9]{15}$/],
  ],
  // The interim card has the number of the card.
  '5': [['cn_resident_id', /^[0-9]{17}[0-9X]$/]],
  '4': [
    ['cn_hm_travel_permit', /^[HM][0-9]{8}([0-9]{2})?$/],
    ['cn_hm_travel_permit_noncn', /^[HM]A[0-9]{7}$/],
  ],
  '8': [['cn_tw_travel_permit', /^[0-9]{8}$/]],
  '12': [['cn_tw_travel_permit', /^[0-9]{8}$/]],
  '13': [['cn_hmt_residence_permit', /^830000[0-9]{11}[0-9X]$/]],
  '14': [['cn_hmt_residence_permit', /^8[12]0000[0-9]{11}[0-9X]$/]],
  '15': [
    ['hk_id', /^[A-Z]{1,2}[0-9]{6}\([0-9A]\)$/],
    ['mo_bir', /^[157][0-9]{6}\([0-9]\)$/],
  ],
  '16': [
    ['cn_foreign_pr_18', /^9[0-9]{16}[0-9X]$/],
    ['cn_foreign_pr_15', /^[A-Z]{3}[0-9]{12}$/],
  ],
};

function documentOf(certType: string, number: string): { type: string; number: string } | null {
  const written = foldTyped(number);
  const kind = kinds[certType]?.find(([, form]) => form.test(written));
  return kind === undefined ? null : canonicalDocument(kind[0], written);
}

/** yyyyMMdd or yyyy-MM-dd of a day that there is. */
function dayOf(text: string | undefined): string | undefined {
  const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text ?? '') ?? [];
  const written = `${year}-${month}-${day}`;
  const at = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(written) ? written : undefined;
}

export interface Told {
  readonly level: 'certified' | null;
  readonly claims: ExternalClaims;
}

/**
 * What `cert_*` say counts only when Alipay says that it has checked it (`is_certified=T`); before that it is what the
 * person typed. Masked or unknown documents leave the level where it was: a name alone is nobody.
 */
export function toldBy(profile: Profile): Told {
  const mobile = profile.mobile === undefined ? null : normalisePhone(profile.mobile, 'CN');
  const phone = mobile === null ? {} : { phone: mobile };
  const { is_certified: certified, user_name: userName, cert_type: certType, cert_no: certNo } = profile;
  const name = nameTold(userName);
  const document = certified === 'T' ? documentOf(certType ?? '', certNo ?? '') : null;
  if (document === null || name === null) return { level: null, claims: phone };
  const [birthDate, documentValidUntil] = [dayOf(profile.person_birthday), dayOf(profile.person_cert_expiry_date)];
  return {
    level: 'certified',
    claims: {
      name,
      documentType: document.type,
      documentNumber: document.number,
      category: categoryOfDocument(document.type, document.number),
      ...(birthDate === undefined ? {} : { birthDate }),
      ...(documentValidUntil === undefined ? {} : { documentValidUntil }),
      ...phone,
    },
  };
}
