import { z } from 'zod';
import { normaliseName } from '../identity/names.ts';
import { type Category, categories } from '../identity/person.ts';
import { type Keyring, newId, openFor, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';
import { documentContext, documentOwner, FORM, insertDocument, inUse } from './person-documents.ts';
import { sealedKeyOf } from './person-key.ts';
import { flag } from './rows.ts';

// Their documents have a file of their own for length only.
export { documentContext, findAccountByDocument } from './person-documents.ts';

export interface NewPerson {
  readonly accountId: string;
  readonly category: Category;
  /** As the authoritative register has it. */
  readonly name: string;
  readonly documentType: string;
  readonly documentNumber: string;
  readonly birthDate?: string | undefined;
  readonly at?: Date;
}

export interface Person {
  readonly category: Category;
  readonly name: string;
  readonly birthDate: string | null;
  readonly documents: readonly { type: string; number: string }[];
  /** Every script on file, the registered one included. */
  readonly names: readonly { script: string; name: string }[];
}

export const nameContext = (id: string, script: string) => `person:${id}:name:${script}`;
export const birthContext = (id: string) => `person:${id}:birth-date`;
const text = z.string();

/**
 * Binds the person a register has confirmed to an account, in the caller's transaction. One document, one account
 * (`identity_in_use`); an account never changes its person: a further document comes by `addDocument`, and another one
 * here throws `identity_mismatch`. Binding the same person again changes nothing.
 */
export async function bindPerson(
  tx: Db,
  keyring: Keyring,
  facts: NewPerson,
): Promise<{ personId: string; created: boolean }> {
  const sealedKey = await sealedKeyOf(tx, facts.accountId);
  const at = (facts.at ?? new Date()).getTime();
  const id = newId();
  // `on conflict do nothing` and never a caught unique violation: that would leave a PostgreSQL transaction aborted.
  const inserted = await tx('persons')
    .insert({
      id,
      account_id: facts.accountId,
      category: facts.category,
      sealed_birth_date:
        facts.birthDate === undefined ? null : sealFor(keyring, sealedKey, facts.birthDate, birthContext(id)),
      created_at: at,
    })
    .onConflict('account_id')
    .ignore()
    .returning('id');
  if (inserted.length === 0) return alreadyBound(tx, keyring, facts);
  await insertDocument(tx, keyring, sealedKey, id, { type: facts.documentType, number: facts.documentNumber, at });
  await tx('person_names').insert({
    id: newId(),
    person_id: id,
    script: REGISTERED,
    sealed_name: sealFor(keyring, sealedKey, normaliseName(facts.name), nameContext(id, REGISTERED)),
    registered: true,
    form: FORM,
    created_at: at,
  });
  return { personId: id, created: true };
}

/** The script of a registered name when the register does not say one. */
const REGISTERED = 'registered';

async function alreadyBound(
  tx: Db,
  keyring: Keyring,
  facts: NewPerson,
): Promise<{ personId: string; created: boolean }> {
  const personId = await personIdOf(tx, facts.accountId);
  const owner = await documentOwner(tx, keyring, facts.documentType, facts.documentNumber);
  if (personId !== null && owner === personId) return { personId, created: false };
  if (owner !== null) throw inUse(facts.documentType);
  throw new ShiminError('identity_mismatch', {
    status: 409,
    message: 'the account is bound to a person who does not hold this document',
    detail: { documentType: facts.documentType },
  });
}

/** A further document of the person already bound (a new permit, a second travel document). */
export async function addDocument(
  tx: Db,
  keyring: Keyring,
  document: { accountId: string; type: string; number: string; at: Date },
): Promise<void> {
  const personId = await requirePerson(tx, document.accountId);
  if ((await documentOwner(tx, keyring, document.type, document.number)) === personId) return;
  const sealedKey = await sealedKeyOf(tx, document.accountId);
  await insertDocument(tx, keyring, sealedKey, personId, { ...document, at: document.at.getTime() });
}

/** The person's name in one more script (`Hans`, `Hant`, `Latn`, ...); replaces an earlier one in that script. */
export async function setName(
  tx: Db,
  keyring: Keyring,
  name: { accountId: string; script: string; name: string; at: Date },
): Promise<void> {
  const personId = await requirePerson(tx, name.accountId);
  const sealedKey = await sealedKeyOf(tx, name.accountId);
  await tx('person_names')
    .insert({
      id: newId(),
      person_id: personId,
      script: name.script,
      sealed_name: sealFor(keyring, sealedKey, normaliseName(name.name), nameContext(personId, name.script)),
      registered: name.script === REGISTERED,
      form: FORM,
      created_at: name.at.getTime(),
    })
    .onConflict(['person_id', 'script'])
    .merge(['sealed_name', 'form', 'created_at']);
}

async function personIdOf(db: Db, accountId: string): Promise<string | null> {
  const found = await db('persons').where({ account_id: accountId }).first('id');
  return found === undefined ? null : text.parse(found.id);
}

async function requirePerson(db: Db, accountId: string): Promise<string> {
  const id = await personIdOf(db, accountId);
  if (id === null) throw new ShiminError('not_found', { status: 404, message: 'no person is bound to the account' });
  return id;
}

const personRow = z.object({
  id: z.string(),
  category: z.enum(categories),
  sealed_birth_date: z.string().nullable(),
  sealed_key: z.string(),
});
const nameRow = z.object({ script: z.string(), sealed_name: z.string(), registered: flag });
const documentRow = z.object({ type: z.string(), sealed_number: z.string() });

export async function personOf(db: Db, keyring: Keyring, accountId: string): Promise<Person | null> {
  const found = await db('persons')
    .join('accounts', 'accounts.id', 'persons.account_id')
    .where('persons.account_id', accountId)
    .first('persons.id', 'persons.category', 'persons.sealed_birth_date', 'accounts.sealed_key');
  if (found === undefined) return null;
  const person = personRow.parse(found);
  const opened = (sealed: string, context: string) => openFor(keyring, person.sealed_key, sealed, context);
  const names = (await db('person_names').where({ person_id: person.id }).orderBy('id')).map((raw) => {
    const { script, sealed_name, registered } = nameRow.parse(raw);
    return { script, registered, name: opened(sealed_name, nameContext(person.id, script)) };
  });
  const documents = (await db('person_documents').where({ person_id: person.id }).orderBy('id')).map((raw) => {
    const { type, sealed_number } = documentRow.parse(raw);
    return { type, number: opened(sealed_number, documentContext(person.id, type)) };
  });
  return {
    category: person.category,
    name: names.find((name) => name.registered)?.name ?? '',
    birthDate: person.sealed_birth_date === null ? null : opened(person.sealed_birth_date, birthContext(person.id)),
    documents,
    names: names.map(({ script, name }) => ({ script, name })),
  };
}
