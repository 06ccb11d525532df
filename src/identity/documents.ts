import {
  bankCard,
  organisationCode,
  phoneHongKong,
  phoneMacao,
  phoneMainland,
  phoneTaiwan,
  socialCreditCode,
} from './documents/codes.ts';
import {
  foreignResident15,
  foreignResident18,
  hongKongMacaoPermit,
  hongKongMacaoPermitForeign,
  residencePermit,
  residentId,
  residentId15,
  taiwanPermit,
} from './documents/mainland.ts';
import {
  hongKongId,
  macaoId,
  singaporeFin,
  singaporeNric,
  taiwanNationalId,
  taiwanResidentNew,
  taiwanResidentOld,
} from './documents/neighbours.ts';
import { bad, type DocumentCheck } from './documents/result.ts';
import { mrzTd1, mrzTd3 } from './documents/travel.ts';
import { checkName } from './names.ts';

/** Rules by document type. `today` (YYYYMMDD) only keeps birth dates out of the future. */
const rules = {
  cn_resident_id: residentId,
  cn_resident_id_15: residentId15,
  cn_hm_travel_permit: hongKongMacaoPermit,
  cn_hm_travel_permit_noncn: hongKongMacaoPermitForeign,
  cn_tw_travel_permit: taiwanPermit,
  cn_hmt_residence_permit: residencePermit,
  hk_id: hongKongId,
  mo_bir: macaoId,
  tw_national_id: taiwanNationalId,
  tw_arc_new: taiwanResidentNew,
  tw_arc_old: taiwanResidentOld,
  sg_nric: singaporeNric,
  sg_fin: singaporeFin,
  cn_foreign_pr_18: foreignResident18,
  cn_foreign_pr_15: foreignResident15,
  icao_mrz_td3: mrzTd3,
  icao_mrz_td1: mrzTd1,
  cn_uscc: socialCreditCode,
  cn_org_code: organisationCode,
  bank_card: bankCard,
  phone_cn_mobile: phoneMainland,
  phone_hk_mobile: phoneHongKong,
  phone_mo_mobile: phoneMacao,
  phone_tw_mobile: phoneTaiwan,
  name_zh: checkName,
} as const satisfies Record<string, (value: string, today: string) => DocumentCheck>;

export type DocumentType = keyof typeof rules;

/** What people are looked up by, the commonest here first; each has one canonical form. */
export const personDocuments = [
  'cn_resident_id',
  'cn_hm_travel_permit',
  'cn_hm_travel_permit_noncn',
  'cn_tw_travel_permit',
  'cn_hmt_residence_permit',
  'cn_foreign_pr_18',
  'cn_foreign_pr_15',
  'passport',
  'hk_id',
  'mo_bir',
  'tw_national_id',
  'tw_arc_new',
  'tw_arc_old',
  'sg_nric',
  'sg_fin',
] as const;

function isDocumentType(type: string): type is DocumentType {
  return Object.hasOwn(rules, type);
}

export const documentTypes: readonly DocumentType[] = Object.keys(rules).filter(isDocumentType);

/** Longest value of any type with room to spare; longer input is refused before any rule looks at it. */
const maxLength = 400;

/**
 * Whether a normalised value is well formed for its type. It says nothing about a person. `today` (YYYYMMDD) is the day
 * that birth dates may not be after.
 */
export function checkDocument(type: string, value: string, today = '99991231'): DocumentCheck {
  if (!isDocumentType(type)) return bad('unknown_type');
  if (value.length > maxLength) return bad('bad_length');
  return rules[type](value, today);
}
