import { z } from 'zod';
import { canonicalDocument, withoutState } from '../identity/documents/canonical.ts';
import { blindIndex, type Keyring, newId, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import type { Db } from './db.ts';
import { row } from './rows.ts';

/** The rules of writing numbers and names that rows are made under now; a higher number has older rows written anew. */
export const FORM = 1;

export const birthContext = (id: string) => `person:${id}:birth-date`;
export const documentContext = (id: string, type: string) => `person:${id}:document:${type}`;
const blindOf = (keyring: Keyring, type: string, number: string) => blindIndex(keyring, `document:${type}`, number);
const searchBlindOf = (keyring: Keyring, type: string, number: string) =>
  blindIndex(keyring, `document-search:${type}`, number);
const text = z.string();

export interface DocumentKey {
  readonly type: string;
  readonly number: string;
  readonly blind: string;
  readonly searchBlind: string | null;
}

/** What a document is stored and found under: one key for every spelling of it. Whatever comes here is put in that form first. */
export function documentKey(keyring: Keyring, givenType: string, given: string): DocumentKey {
  const { type, number } = canonicalDocument(givenType, given);
  const stateless = withoutState({ type, number });
  return {
    type,
    number,
    blind: blindOf(keyring, type, number),
    searchBlind: stateless === null ? null : searchBlindOf(keyring, type, stateless),
  };
}

/**
 * Writes a document, as one more of a record or as a record of its own, and says which.
 * @throws ShiminError `identity_in_use`: the document, in whatever spelling, is somebody's already.
 */
export async function insertDocument(
  tx: Db,
  keyring: Keyring,
  sealedKey: string,
  personId: string,
  document: { type: string; number: string; at: number; record?: string | undefined; birthDate?: string | undefined },
): Promise<string> {
  const key = documentKey(keyring, document.type, document.number);
  const id = newId();
  const { record = id, birthDate } = document;
  const inserted = await tx('person_documents')
    .insert({
      id,
      person_id: personId,
      record_id: record,
      sealed_birth_date:
        birthDate === undefined ? null : sealFor(keyring, sealedKey, birthDate, birthContext(personId)),
      type: key.type,
      sealed_number: sealFor(keyring, sealedKey, key.number, documentContext(personId, key.type)),
      number_blind: key.blind,
      search_blind: key.searchBlind,
      form: FORM,
      created_at: document.at,
    })
    .onConflict(['type', 'number_blind'])
    .ignore()
    .returning('id');
  if (inserted.length === 0) throw inUse(key.type);
  return record;
}

export function inUse(documentType: string): ShiminError {
  return new ShiminError('identity_in_use', { status: 409, detail: { documentType } });
}

const placeRow = row({ personId: z.string(), id: z.string(), recordId: z.string().nullable() });

/** The person whose document it is, and the record of them that it is in. */
export async function documentPlace(
  db: Db,
  keyring: Keyring,
  type: string,
  number: string,
): Promise<{ personId: string; record: string } | null> {
  const key = documentKey(keyring, type, number);
  const found = await db('person_documents')
    .where({ type: key.type, number_blind: key.blind })
    .first('person_id', 'id', 'record_id');
  if (found === undefined) return null;
  const { personId, id, recordId } = placeRow.parse(found);
  return { personId, record: recordId ?? id };
}

const byAccount = (db: Db) =>
  db('person_documents').join('persons', 'persons.id', 'person_documents.person_id').select('persons.account_id');

/** Which account a document belongs to, if any. */
export async function findAccountByDocument(
  db: Db,
  keyring: Keyring,
  type: string,
  number: string,
): Promise<{ accountId: string } | null> {
  const holder = await findDocumentHolder(db, keyring, type, number);
  return holder && { accountId: holder.accountId };
}

const holderRow = row({ accountId: z.string(), id: z.string(), recordId: z.string().nullable() });

/** The same, with the record of the person there that the document is in. */
export async function findDocumentHolder(
  db: Db,
  keyring: Keyring,
  type: string,
  number: string,
): Promise<{ accountId: string; record: string } | null> {
  const key = documentKey(keyring, type, number);
  const found = await byAccount(db)
    .where({ 'person_documents.type': key.type, 'person_documents.number_blind': key.blind })
    .first('persons.account_id', 'person_documents.id', 'person_documents.record_id');
  if (found === undefined) return null;
  const { accountId, id, recordId } = holderRow.parse(found);
  return { accountId, record: recordId ?? id };
}

/**
 * The accounts that what a person gives for their number leads to: one at most, but for a passport's number without its state,
 * which several may have.
 */
export async function findAccountsByNumber(db: Db, keyring: Keyring, type: string, given: string): Promise<string[]> {
  const exact = await findAccountByDocument(db, keyring, type, given);
  if (exact !== null) return [exact.accountId];
  if (type !== 'passport') return [];
  // Three letters and a blank may be a state, or the number's own beginning.
  const stateless = searchBlindOf(
    keyring,
    type,
    canonicalDocument(type, given.replaceAll(/[^\p{L}\p{N}]/gu, '')).number,
  );
  const found = await byAccount(db)
    .where({ 'person_documents.type': type, 'person_documents.search_blind': stateless })
    .distinct()
    .limit(10);
  return found.map((raw) => text.parse(raw.account_id));
}
