import { createHash } from 'node:crypto';
import type { TestPerson } from '../people.ts';

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly number: string;
  /** Printed on the card, in the certificate's subject. */
  readonly cardNumber: string;
}

/** A second citizen, for answers that are mixed up; the number is made up. */
const more = [{ id: 'wu-ming-de', name: '吳明德', number: 'F131104093' }];

export function accountsOf(people: readonly TestPerson[]): Account[] {
  const named = people.flatMap(({ id, names, documents }) => {
    const card = documents.find(({ type }) => type === 'tw_national_id');
    return card ? [{ id, name: names['zh-Hant'] ?? '', number: card.number }] : [];
  });
  return [...named, ...more].map((account) => ({ ...account, cardNumber: cardNumberOf(account.id) }));
}

function cardNumberOf(id: string): string {
  const digest = createHash('sha256').update(`tw-fido ${id}`).digest();
  return `TP${String(digest.readUInt32BE(0)).padStart(14, '0')}`;
}
