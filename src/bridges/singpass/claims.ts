import { z } from 'zod';
import { nameTold } from '../../identity/names.ts';
import { foldTyped } from '../../identity/typed.ts';
import type { ExternalClaims } from '../bridge.ts';

/** Our name of an account that Singpass opened on a foreign document alone. */
export const FOREIGN = 'foreign';

const word = z.string().min(1).max(200);

/**
 * What the ID token says of the person. `sub` is the account's UUID and nothing else: the `s=...,u=...` of the API before
 * FAPI held the document number. A member that nobody documented is let pass, one of another shape is not.
 */
export const idTokenClaims = z.object({
  sub: z.uuid(),
  /** mockpass sends fractions. */
  iat: z.number(),
  acr: word.optional(),
  amr: z.array(z.string()).optional(),
  sub_type: z.literal('user').optional(),
  // Somebody who acts for somebody else is neither of the two to us (reserved by Singpass for delegation).
  act: z.undefined().optional(),
  sub_attributes: z
    .object({
      account_type: z.enum(['standard', 'foreign']).optional(),
      identity_number: word.optional(),
      identity_coi: word.optional(),
      name: word.optional(),
      mobileno: word.optional(),
    })
    .optional(),
});
export type IdTokenClaims = z.infer<typeof idTokenClaims>;

/** Where a Myinfo item is from: '1' and '4' are the government's word, '2' is the person's own. */
const item = z.object({ value: z.string(), source: z.string().optional() });
const coded = z.object({ code: z.string(), source: z.string().optional() });
const phone = z.object({ nbr: item, areacode: item.optional(), source: z.string().optional() });

/** Userinfo of a Myinfo app, as far as it is read. */
export const userinfoClaims = z.object({
  sub: z.string(),
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  person_info: z.object({
    uinfin: item.optional(),
    name: item.optional(),
    dob: item.optional(),
    nationality: coded.optional(),
    mobileno: phone.optional(),
  }),
});
export type PersonInfo = z.infer<typeof userinfoClaims>['person_info'];

/** NRIC: citizens and permanent residents; FIN: everybody else with a pass. By its letter, never by its check digit: theirs to know. */
function documentOf(told: string | undefined): ExternalClaims {
  if (told === undefined) return {};
  const number = foldTyped(told);
  if (/^[ST]\d{7}[A-Z]$/.test(number)) return { documentType: 'sg_nric', documentNumber: number };
  if (/^[FGM]\d{7}[A-Z]$/.test(number)) return { documentType: 'sg_fin', documentNumber: number };
  return {};
}

function names(told: string | undefined): ExternalClaims {
  const name = nameTold(told);
  return name === null ? {} : { name, latinName: name };
}
/** Told without its country, which is Singapore. */
const local = (number: string | undefined): ExternalClaims =>
  number !== undefined && /^[3689]\d{7}$/.test(number) ? { phone: `+65${number}` } : {};

/** What a Login app is told, in the ID token. */
export function claimsOfLogin({ sub_attributes: told }: IdTokenClaims): ExternalClaims {
  if (told === undefined) return {};
  // The number of a foreign account is of some document of some country: nothing that we could look up by it.
  const document = told.account_type === 'standard' ? documentOf(told.identity_number) : {};
  return {
    ...names(told.name),
    ...document,
    ...local(told.mobileno),
    ...(document.documentType === undefined ? {} : { category: 'foreign' as const }),
  };
}

const theirs = <Item extends { source?: string | undefined }>(told: Item | undefined): Item | undefined =>
  told?.source === '2' ? undefined : told;

/** What a Myinfo app is told, at userinfo; what the person wrote there themselves is nobody's confirmation. */
export function claimsOfMyinfo(person: PersonInfo): ExternalClaims {
  const number = theirs(person.mobileno);
  const born = theirs(person.dob)?.value;
  const document = documentOf(theirs(person.uinfin)?.value);
  return {
    ...names(theirs(person.name)?.value),
    ...document,
    // A year alone is a birth date there, and not one here.
    ...(born !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(born) ? { birthDate: born } : {}),
    ...(number && (number.areacode?.value ?? '65') === '65' ? local(number.nbr.value) : {}),
    ...(document.documentType === undefined ? {} : { category: 'foreign' as const }),
  };
}

/** RFC 8176 has names for these; the list there is open, and what we don't know says nothing. */
const methods: Readonly<Record<string, string>> = {
  pwd: 'pwd',
  'otp-sms': 'sms',
  swk: 'swk',
  hwk: 'hwk',
  face: 'face',
  'face-alt': 'face',
};
export const methodsOf = ({ amr = [] }: IdTokenClaims): string[] => [
  ...new Set(amr.flatMap((each) => (Object.hasOwn(methods, each) ? [methods[each] ?? each] : []))),
];

/**
 * The level that counts here. A level is about a person who is named: an answer without name and number, which the person
 * or our registration may leave out, signs an account in there and tells nobody's identity.
 */
export function levelOf(token: IdTokenClaims, claims: ExternalClaims): string | null {
  if (token.sub_attributes?.account_type === 'foreign') return claims.name === undefined ? null : FOREIGN;
  const named = claims.name !== undefined && claims.documentNumber !== undefined;
  return named ? (token.acr ?? null) : null;
}
