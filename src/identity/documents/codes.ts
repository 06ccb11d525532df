import { bad, type DocumentCheck, when } from './result.ts';

const uscc = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/** Unified social credit code, GB 32100-2015. An embedded organisation code that fails is no reason to refuse. */
export function socialCreditCode(value: string): DocumentCheck {
  if (value.length !== 18) return bad('bad_length');
  const values = [...value].map((c) => uscc.indexOf(c));
  if (values.some((v) => v < 0)) return bad('bad_characters');
  // Weights are the powers of 3 modulo 31; the last place is the check itself.
  const sum = values.slice(0, 17).reduce((total, value, i) => total + value * (3 ** i % 31), 0);
  return when(uscc.charAt((31 - (sum % 31)) % 31) === value.charAt(17), 'bad_check_digit');
}

const orgOrder = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Organisation code, GB 11714-1997, with or without the hyphen. */
export function organisationCode(value: string): DocumentCheck {
  const bare = value.replace(/^([0-9A-Z]{8})-([0-9X])$/, '$1$2');
  if (!/^[0-9A-Z]{8}[0-9X]$/.test(bare)) return bad('bad_format');
  const sum = [3, 7, 9, 10, 5, 8, 4, 2].reduce(
    (total, weight, i) => total + weight * orgOrder.indexOf(bare.charAt(i)),
    0,
  );
  const check = 11 - (sum % 11);
  return when((check === 10 ? 'X' : check === 11 ? '0' : String(check)) === bare.charAt(8), 'bad_check_digit');
}

/** Payment card number: 13 to 19 digits, Luhn (ISO/IEC 7812-1 annex B). All zeros pass the sum but are no card. */
export function bankCard(value: string): DocumentCheck {
  if (!/^[0-9]*$/.test(value)) return bad('bad_characters');
  if (value.length < 13 || value.length > 19) return bad('bad_length');
  if (/^0+$/.test(value)) return bad('not_issued');
  const sum = [...value].reverse().reduce((total, c, i) => {
    const digit = i % 2 === 0 ? Number(c) : Number(c) * 2;
    return total + (digit > 9 ? digit - 9 : digit);
  }, 0);
  return when(sum % 10 === 0, 'bad_check_digit');
}

export const phoneMainland = (value: string) => when(/^\+861[3-9][0-9]{9}$/.test(value), 'bad_format');
export const phoneHongKong = (value: string) =>
  when(/^\+852[4-9][0-9]{7}$/.test(value) && !value.startsWith('+852999'), 'bad_format');
export const phoneMacao = (value: string) => when(/^\+8536[0-9]{7}$/.test(value), 'bad_format');
export const phoneTaiwan = (value: string) => when(/^\+8869[0-9]{8}$/.test(value), 'bad_format');
