import { foldKeepingGroups, foldTyped } from '../typed.ts';
import { mod112 } from './result.ts';

/** A document as it is looked up, compared and stored. */
export interface CanonicalDocument {
  readonly type: string;
  readonly number: string;
  /** Which issue of the document it is, where the number was given with it: a property of the card and not of the number. */
  readonly issue: string | null;
}

type Rule = (plain: string, type: string) => CanonicalDocument | null;

const bare = (plain: string) => plain.replaceAll(/[()[\]【】〔〕/]/gu, '');
const plainly: Rule = (plain, type) => ({ type, number: bare(plain), issue: null });

/** GB 11643-1999: the number of before 1999 is the one of today without the century and the check character. */
const resident: Rule = (plain) => {
  const number = bare(plain);
  if (!/^[0-9]{15}$/.test(number)) return { type: 'cn_resident_id', number, issue: null };
  const first17 = `${number.slice(0, 6)}19${number.slice(6)}`;
  return { type: 'cn_resident_id', number: first17 + mod112(first17), issue: null };
};

/** Travel permits have a number for life and a count of issues; old cards print both in one, some with a mark of the office. */
const permit =
  (form: string): Rule =>
  (plain, type) => {
    const [, number, count, bracketed] =
      new RegExp(`^(${form})(?:([0-9]{2})|\\(([0-9]{2})\\))?(?:\\([A-Z0-9]\\))?$`).exec(plain) ?? [];
    if (number === undefined) return null;
    // The second letter says which of the two it is.
    const hongKongMacao = number.charAt(1) === 'A' ? 'cn_hm_travel_permit_noncn' : 'cn_hm_travel_permit';
    return { type: /^[HM]/.test(number) ? hongKongMacao : type, number, issue: count ?? bracketed ?? null };
  };

/** The card of 2023 has eighteen characters, the one before it fifteen. */
const foreignResident: Rule = (plain) => {
  const number = bare(plain);
  return { type: number.length === 15 ? 'cn_foreign_pr_15' : 'cn_foreign_pr_18', number, issue: null };
};

const rules: Readonly<Record<string, Rule>> = {
  cn_resident_id: resident,
  cn_resident_id_15: resident,
  cn_hm_travel_permit: permit('[HM]A[0-9]{7}|[HM][0-9]{8}'),
  cn_hm_travel_permit_noncn: permit('[HM]A[0-9]{7}|[HM][0-9]{8}'),
  cn_tw_travel_permit: permit('[0-9]{8}'),
  cn_hmt_residence_permit: plainly,
  hk_id: plainly,
  mo_bir: plainly,
  tw_national_id: plainly,
  tw_arc_new: plainly,
  tw_arc_old: plainly,
  sg_nric: plainly,
  sg_fin: plainly,
  cn_foreign_pr_18: foreignResident,
  cn_foreign_pr_15: foreignResident,
  cn_uscc: plainly,
  cn_org_code: plainly,
  bank_card: plainly,
};

/**
 * The one form of a document: every spelling of one document gives the same, and it gives itself. Whether the number is well
 * formed is `checkDocument`'s to say. Of a type that is not known here only width, case and blanks are folded: in some numbers a
 * dash is a character.
 */
export function canonicalDocument(type: string, given: string): CanonicalDocument {
  if (type === 'passport' || type === 'icao_mrz_td3') return { type: 'passport', number: passport(given), issue: null };
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (rule === undefined) return { type, number: foldKeepingGroups(given).replaceAll(/\s/gu, ''), issue: null };
  const plain = foldTyped(given);
  return rule(plain, type) ?? { type, number: bare(plain), issue: null };
}

/** Whether two are one document, however each is spelled. */
export function sameDocument(
  a: { readonly type: string; readonly number: string },
  b: { readonly type: string; readonly number: string },
): boolean {
  const [left, right] = [canonicalDocument(a.type, a.number), canonicalDocument(b.type, b.number)];
  return left.type === right.type && left.number === right.number;
}

/** The two machine-readable lines of a passport, however a scanner or a person broke them; null: it is not those. */
export function passportLines(given: string): string | null {
  const plain = foldTyped(given);
  return plain.length === 88 && plain.startsWith('P') ? `${plain.slice(0, 44)}\n${plain.slice(44)}` : null;
}

/**
 * `UTO:L898902C3`, the state that issued it before the number, since two states use one number; without a state where none was given.
 * From the machine-readable lines (ICAO 9303 part 4, section 4.2) or as people write it.
 */
function passport(given: string): string {
  const lines = passportLines(given);
  if (lines !== null) return joined(lines.slice(2, 5), lines.slice(45, 54));
  const text = foldKeepingGroups(given);
  // Germany is the one state with a single letter; a letter before a blank is the number's own.
  const [, state, number] =
    /^([A-Z]{3}|D)<*\s*[:/]\s*(.+)$|^([A-Z]{3})[\s,-]+(.+)$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  return state !== undefined && number !== undefined ? joined(state, number) : foldTyped(given).replaceAll('<', '');
}

const joined = (state: string, number: string) =>
  `${state.replaceAll('<', '')}:${foldTyped(number).replaceAll('<', '')}`;

/** What a passport is looked up by where its state was not told; null: the number says all, or there is no state in it. */
export function withoutState({ type, number }: { readonly type: string; readonly number: string }): string | null {
  return type === 'passport' && number.includes(':') ? number.slice(number.indexOf(':') + 1) : null;
}
