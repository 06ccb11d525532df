import { z } from 'zod';
import { normaliseName } from '../identity/names.ts';
import { type Category, categories } from '../identity/person.ts';
import { type Keyring, newId, openFor, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';
import { birthContext, documentContext, documentPlace, FORM, insertDocument, inUse } from './person-documents.ts';
import { sealedKeyOf } from './person-key.ts';
import { flag } from './rows.ts';

// Their documents have a file of their own for length only.
export { birthContext, documentContext, findAccountByDocument, findDocumentHolder } from './person-documents.ts';

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
  /** What each source told of them, the first one first. */
  readonly records: readonly RecordOfPerson[];
}

/**
 * What one source told of a person: the documents that it says are one person's, with the name and day of birth it has.
 * Evidence says which record it is about.
 */
export interface RecordOfPerson {
  readonly id: string;
  readonly name: string | null;
  readonly birthDate: string | null;
  readonly documents: readonly { type: string; number: string }[];
}

export const nameContext = (id: string, script: string) => `person:${id}:name:${script}`;
const text = z.string();

export interface Bound {
  readonly personId: string;
  readonly record: string;
  readonly created: boolean;
}

/**
 * Binds the person a register has confirmed to an account, in the caller's transaction. One document, one account
 * (`identity_in_use`); an account never changes its person: a further document comes by `addDocument`, and another one
 * here throws `identity_mismatch`. Binding the same person again changes nothing.
 */
export async function bindPerson(tx: Db, keyring: Keyring, facts: NewPerson): Promise<Bound> {
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
  const { documentType: type, documentNumber: number, birthDate } = facts;
  const record = await insertDocument(tx, keyring, sealedKey, id, { type, number, birthDate, at });
  await insertName(tx, keyring, sealedKey, id, { record, name: facts.name, at });
  return { personId: id, record, created: true };
}

async function insertName(
  tx: Db,
  keyring: Keyring,
  sealedKey: string,
  personId: string,
  { record, name, at, script = REGISTERED }: { record: string; name: string; at: number; script?: string },
): Promise<void> {
  await tx('person_names')
    .insert({
      id: newId(),
      person_id: personId,
      record_id: record,
      script,
      sealed_name: sealFor(keyring, sealedKey, normaliseName(name), nameContext(personId, script)),
      registered: script === REGISTERED,
      form: FORM,
      created_at: at,
    })
    .onConflict(['person_id', 'record_id', 'script'])
    .merge(['sealed_name', 'form', 'created_at']);
}

/** The script of a registered name when the register does not say one. */
const REGISTERED = 'registered';

async function alreadyBound(tx: Db, keyring: Keyring, facts: NewPerson): Promise<Bound> {
  const personId = await personIdOf(tx, facts.accountId);
  const owner = await documentPlace(tx, keyring, facts.documentType, facts.documentNumber);
  if (personId !== null && owner?.personId === personId) return { ...owner, created: false };
  if (owner !== null) throw inUse(facts.documentType);
  throw new ShiminError('identity_mismatch', {
    status: 409,
    message: 'the account is bound to a person who does not hold this document',
    detail: { documentType: facts.documentType },
  });
}

/**
 * A further document of the person already bound (a new permit, a second travel document): of the record that it is named in,
 * or a record of its own with what was `told` of its holder. Says which record it is in.
 */
export async function addDocument(
  tx: Db,
  keyring: Keyring,
  document: {
    accountId: string;
    type: string;
    number: string;
    at: Date;
    record?: string | undefined;
    told?: { readonly name: string; readonly birthDate: string | undefined };
  },
): Promise<string> {
  const { accountId, type, number, record, told } = document;
  const personId = await requirePerson(tx, accountId);
  const place = await documentPlace(tx, keyring, type, number);
  if (place?.personId === personId) return place.record;
  const sealedKey = await sealedKeyOf(tx, accountId);
  const at = document.at.getTime();
  const written = await insertDocument(tx, keyring, sealedKey, personId, {
    ...{ type, number, record, at, birthDate: told?.birthDate },
  });
  if (record === undefined && told)
    await insertName(tx, keyring, sealedKey, personId, { record: written, name: told.name, at });
  return written;
}

/**
 * The person's name in one more script (`Hans`, `Hant`, `Latn`, ...) as a record has it, the first one where none is named;
 * replaces an earlier one in that script.
 */
export async function setName(
  tx: Db,
  keyring: Keyring,
  name: { accountId: string; script: string; name: string; at: Date; record?: string },
): Promise<void> {
  const personId = await requirePerson(tx, name.accountId);
  const sealedKey = await sealedKeyOf(tx, name.accountId);
  const first = await tx('person_documents').where({ person_id: personId }).orderBy('id').first('id', 'record_id');
  const record = name.record ?? text.parse(first?.record_id ?? first?.id);
  await insertName(tx, keyring, sealedKey, personId, { ...name, record, at: name.at.getTime() });
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
const nameRow = z.object({
  script: z.string(),
  sealed_name: z.string(),
  registered: flag,
  record_id: z.string().nullable(),
});
const documentRow = z.object({
  id: z.string(),
  type: z.string(),
  sealed_number: z.string(),
  // A node of the version before writes none: then the document is a record of its own.
  record_id: z.string().nullable(),
  sealed_birth_date: z.string().nullable(),
});

export async function personOf(db: Db, keyring: Keyring, accountId: string): Promise<Person | null> {
  const found = await db('persons')
    .join('accounts', 'accounts.id', 'persons.account_id')
    .where('persons.account_id', accountId)
    .first('persons.id', 'persons.category', 'persons.sealed_birth_date', 'accounts.sealed_key');
  if (found === undefined) return null;
  const person = personRow.parse(found);
  const opened = (sealed: string, context: string) => openFor(keyring, person.sealed_key, sealed, context);
  const birthOf = (sealed: string | null) => (sealed === null ? null : opened(sealed, birthContext(person.id)));
  const names = (await db('person_names').where({ person_id: person.id }).orderBy('id')).map((raw) => {
    const { script, sealed_name, registered, record_id: record } = nameRow.parse(raw);
    return { script, registered, record, name: opened(sealed_name, nameContext(person.id, script)) };
  });
  const documents = (await db('person_documents').where({ person_id: person.id }).orderBy('id')).map((raw) => {
    const { id, type, sealed_number, record_id: record, sealed_birth_date } = documentRow.parse(raw);
    const number = opened(sealed_number, documentContext(person.id, type));
    return { type, number, record: record ?? id, birthDate: birthOf(sealed_birth_date) };
  });
  const first = documents[0]?.record;
  const records = [...new Set(documents.map(({ record }) => record))].map((id): RecordOfPerson => {
    const own = documents.filter(({ record }) => record === id);
    return {
      id,
      name: names.find(({ record, registered }) => registered && (record ?? first) === id)?.name ?? null,
      birthDate: own.find(({ birthDate }) => birthDate !== null)?.birthDate ?? null,
      documents: own.map(({ type, number }) => ({ type, number })),
    };
  });
  const distinct = new Map(names.map(({ script, name }) => [`${script} ${name}`, { script, name }]));
  return {
    category: person.category,
    name: names.find((name) => name.registered)?.name ?? '',
    birthDate: birthOf(person.sealed_birth_date),
    documents: documents.map(({ type, number }) => ({ type, number })),
    names: [...distinct.values()],
    records,
  };
}
