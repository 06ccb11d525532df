import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

/** What becomes of a card, and the code that UnionPay says of it. */
export const standings = { good: '00', lost: '63', no_service: '68', not_enabled: '77' } as const;
export type Standing = keyof typeof standings;

/** A card as its bank keeps it. */
export interface Card {
  readonly person: string;
  readonly number: string;
  readonly holder: string;
  /** UnionPay's number of the kind of document that it was opened with. */
  readonly certificateType: string;
  readonly certificate: string;
  /** Eleven digits: the phone that the bank reserved for it. */
  readonly phone: string;
  readonly standing: Standing;
}

/** Those to whom something special happened, and mainland phones of people from elsewhere: a bank here wants one. */
const special: Readonly<Record<string, { standing?: Standing; phone?: string }>> = {
  'wang-jianguo': { standing: 'lost' },
  'zhang-wei-1': { standing: 'no_service' },
  'zhang-wei-2': { standing: 'not_enabled' },
  'chan-tai-man': { phone: '13800138021' },
  'ho-ka-i': { phone: '13800138022' },
  'lin-yi-chun': { phone: '13800138023' },
};

const kinds: readonly (readonly [string, string])[] = [
  ['cn_resident_id', '01'],
  ['cn_hm_travel_permit', '04'],
  ['cn_tw_travel_permit', '05'],
];

/** One card for each person whom a bank here knows. The number is made from the person's id, and passes Luhn. */
export function cardsOf(people: readonly TestPerson[]): Card[] {
  return people.flatMap((person) => {
    const { standing = 'good', phone = person.phone.replace(/^\+86/, '') } = special[person.id] ?? {};
    const [certificateType, document] = documentOf(person) ?? [];
    const holder = person.names['zh-Hans'] ?? person.names['zh-Hant'];
    if (certificateType === undefined || document === undefined || holder === undefined || !/^1\d{10}$/.test(phone))
      return [];
    return [
      {
        person: person.id,
        number: numberOf(person.id),
        holder,
        certificateType,
        certificate: document,
        phone,
        standing,
      },
    ];
  });
}

function documentOf({ documents }: TestPerson): [string, string] | null {
  for (const [type, certificateType] of kinds) {
    const found = documents.find((document) => document.type === type);
    if (found) return [certificateType, found.number];
  }
  return null;
}

/** Nineteen digits of a range that no bank has (`6200 00`). */
function numberOf(id: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(`card of ${id}`).digest('hex').slice(0, 20)}`) % 10n ** 12n;
  const first = `620000${String(digits).padStart(12, '0')}`;
  return first + checkDigit(first);
}

/** Luhn's check digit (ISO/IEC 7812-1 annex B). */
function checkDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, c, i) => {
    const doubled = i % 2 === 0 ? Number(c) * 2 : Number(c);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return (10 - (sum % 10)) % 10;
}
