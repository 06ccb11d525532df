import { canonicalDocument } from '../../identity/documents/canonical.ts';
import { checkDocument } from '../../identity/documents.ts';
import { nameTold } from '../../identity/names.ts';
import { categoryOfDocument } from '../../identity/person.ts';
import { foldTyped } from '../../identity/typed.ts';
import type { ExternalClaims } from '../bridge.ts';
import type { Account } from './wire.ts';

/** Starred out, by the platform or by whoever handed it on; it names nobody and replaces no whole value. */
export const isMasked = (value: string) => /[*＊•]/.test(value);

/** Forms that no other document has. Eight digits alone could be several things and are none (reference 13.3). */
const others = ['cn_hm_travel_permit', 'cn_hm_travel_permit_noncn', 'cn_foreign_pr_15'] as const;
const eighteen = ['cn_resident_id', 'cn_hmt_residence_permit', 'cn_foreign_pr_18'] as const;

/**
 * `idcardtype`: 10 resident identity card, 20 passport, 40 other. Residence permits and foreigners' cards have numbers of the same
 * form and come as either. A passport's number without its state is not one person's, and is left out.
 */
function documentOf({ idcardtype, idcardnumber }: Account): { type: string; number: string } | null {
  if (idcardnumber === null || isMasked(idcardnumber)) return null;
  const number = foldTyped(idcardnumber);
  const candidates = idcardtype === '10' ? eighteen : idcardtype === '40' ? [...others, ...eighteen.slice(1)] : [];
  const type = candidates.find((each) => hasForm(each, number));
  return type === undefined ? null : canonicalDocument(type, number);
}

/** Which document it is, not whether it is a good one: what an authority returned is not checked digit by digit (reference 0.2). */
function hasForm(type: (typeof others | typeof eighteen)[number], number: string): boolean {
  const { reason } = checkDocument(type, number);
  return reason === 'ok' || reason === 'bad_check_digit';
}

/** What is told of the person, as far as it is told whole. */
export function claimsOf(account: Account): ExternalClaims {
  const { cn, telephonenumber: phone } = account;
  const document = documentOf(account);
  const name = nameTold(cn);
  const born = document !== null && document.number.length === 18 ? document.number.slice(6, 14) : null;
  return {
    ...(name === null ? {} : { name }),
    ...(document === null
      ? {}
      : {
          documentType: document.type,
          documentNumber: document.number,
          category: categoryOfDocument(document.type, document.number),
        }),
    ...(born === null ? {} : { birthDate: `${born.slice(0, 4)}-${born.slice(4, 6)}-${born.slice(6)}` }),
    ...(phone !== null && /^1[3-9][0-9]{9}$/.test(phone) ? { phone: `+86${phone}` } : {}),
  };
}
