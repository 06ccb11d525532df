import type { Keyring } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { findAccountByContact } from '../../src/storage/accounts.ts';
import { connect, type Db, transaction } from '../../src/storage/db.ts';
import { insertEvidence } from '../../src/storage/evidence.ts';
import { bindPerson } from '../../src/storage/persons.ts';
import type { TestCity } from './city.ts';

let number = 10_000_000;

/**
 * Somebody whose name was proved in person. How that is done is not what these tests are about (test/counter does it);
 * what it leaves behind is written to the database.
 */
export async function proveName(
  db: Db,
  keyring: Keyring,
  accountId: string,
  { name, birthDate, at = new Date() }: { name?: string; birthDate?: string; at?: Date } = {},
): Promise<void> {
  number += 1;
  const documentNumber = `E${number}`;
  await transaction(db, async (tx) => {
    await bindPerson(tx, keyring, {
      accountId,
      category: 'foreign',
      name: name ?? `STAFF ${[...String(number)].map((digit) => 'ABCDEFGHIJ'[Number(digit)]).join('')}`,
      documentType: 'passport',
      documentNumber,
      birthDate,
      at,
    });
    await insertEvidence(tx, {
      accountId,
      kind: 'counter',
      source: 'counter',
      strength: 'superior',
      category: 'foreign',
      confirmed: ['officials:1', 'name', 'document_number'],
      recordedAt: at,
      expiresAt: null,
      reference: null,
    });
  });
}

/** The same of whoever registered this number in a running city. */
export async function proveNameOf(city: TestCity, phone: string): Promise<void> {
  const { knex: db, close } = connect(city.databaseUrl);
  const keyring = await readSecrets(city.env.SHIMIN_SECRETS ?? '');
  const found = await findAccountByContact(db, keyring, 'phone', `+86${phone}`);
  if (found === null) throw new Error(`nobody has ${phone}`);
  await proveName(db, keyring, found.accountId);
  await close();
}
