import { z } from 'zod';
import { blindIndex, type Keyring, newId, openFor, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { type Db, kindOf } from './db.ts';
import { sealedKeyOf } from './person-key.ts';
import { row, time, toMs } from './rows.ts';
import { type Account, type AccountStatus, accountRow } from './standing-rows.ts';

// The person behind an account is this aggregate's other half; it has its own file for length only.
export { addDocument, bindPerson, findAccountByDocument, type NewPerson, type Person, personOf } from './persons.ts';

export { type Account, type AccountStatus, accountStatuses } from './standing-rows.ts';

export async function insertAccount(db: Db, account: Account): Promise<void> {
  await db('accounts').insert({
    id: account.id,
    status: account.status,
    display_name: account.displayName,
    locale: account.locale,
    sealed_key: account.sealedKey,
    passkey_user_handle: account.passkeyUserHandle,
    created_at: toMs(account.createdAt),
    status_changed_at: toMs(account.createdAt),
  });
}

export async function findAccount(db: Db, id: string): Promise<Account | null> {
  const found = await db('accounts').where({ id }).first();
  return found === undefined ? null : accountRow.parse(found);
}

/** The account behind a discoverable passkey's user handle. */
/** Makes other changes of this account wait for this transaction; SQLite has one writer anyway. */
export async function lockAccount(tx: Db, id: string): Promise<void> {
  if (kindOf(tx) === 'postgres') await tx('accounts').where({ id }).forUpdate().first('id');
}

export async function findAccountByUserHandle(db: Db, passkeyUserHandle: string): Promise<Account | null> {
  const found = await db('accounts').where({ passkey_user_handle: passkeyUserHandle }).first();
  return found === undefined ? null : accountRow.parse(found);
}

/** False if there is no such account, it is closed (for good) or it has that status already. */
export async function setAccountStatus(db: Db, id: string, status: AccountStatus, at: Date): Promise<boolean> {
  const changed = await db('accounts')
    .where({ id })
    .whereNot({ status: 'closed' })
    .whereNot({ status })
    .update({ status, status_changed_at: toMs(at) });
  return changed === 1;
}

export async function setDisplayName(db: Db, id: string, displayName: string | null): Promise<void> {
  await db('accounts').where({ id }).update({ display_name: displayName });
}

export async function setAccountLocale(db: Db, id: string, locale: string): Promise<void> {
  await db('accounts').where({ id }).update({ locale });
}

export const contactKinds = ['phone', 'email'] as const;
export type ContactKind = (typeof contactKinds)[number];

export interface Contact {
  readonly id: string;
  readonly kind: ContactKind;
  /** E.164, or the mail address as given. */
  readonly value: string;
  readonly confirmedAt: Date;
}

const contactRow = row({ id: z.string(), kind: z.enum(contactKinds), sealedValue: z.string(), confirmedAt: time });

const domain = (kind: ContactKind) => `contact:${kind}`;
const context = (accountId: string, kind: ContactKind) => `contact:${accountId}:${kind}`;

/**
 * Adds a confirmed contact, or renews the time of confirmation if the account has it already. One contact leads to one
 * account: another account's throws `identity_in_use`.
 */
export async function insertContact(
  db: Db,
  keyring: Keyring,
  contact: { accountId: string; kind: ContactKind; value: string; confirmedAt: Date },
): Promise<void> {
  const { accountId, kind, value } = contact;
  const sealedKey = await sealedKeyOf(db, accountId);
  const stored = await db('contacts')
    .insert({
      id: newId(),
      account_id: accountId,
      kind,
      sealed_value: sealFor(keyring, sealedKey, value, context(accountId, kind)),
      value_blind: blindIndex(keyring, domain(kind), value),
      confirmed_at: toMs(contact.confirmedAt),
    })
    .onConflict(['kind', 'value_blind'])
    .merge(['confirmed_at'])
    .where('contacts.account_id', accountId)
    .returning('id');
  if (stored.length === 0) throw new ShiminError('identity_in_use', { status: 409, detail: { contact: kind } });
}

/** Look-up by blind index; says nothing about the account's status. */
export async function findAccountByContact(
  db: Db,
  keyring: Keyring,
  kind: ContactKind,
  value: string,
): Promise<{ accountId: string } | null> {
  const found = await db('contacts')
    .where({ kind, value_blind: blindIndex(keyring, domain(kind), value) })
    .first('account_id');
  return found === undefined ? null : { accountId: z.string().parse(found.account_id) };
}

export async function contactsOf(db: Db, keyring: Keyring, accountId: string): Promise<Contact[]> {
  const rows = await db('contacts').where({ account_id: accountId }).orderBy('id');
  if (rows.length === 0) return [];
  const sealedKey = await sealedKeyOf(db, accountId);
  return rows.map((raw) => {
    const { id, kind, sealedValue, confirmedAt } = contactRow.parse(raw);
    return { id, kind, value: openFor(keyring, sealedKey, sealedValue, context(accountId, kind)), confirmedAt };
  });
}

export async function removeContact(db: Db, accountId: string, id: string): Promise<boolean> {
  return (await db('contacts').where({ account_id: accountId, id }).delete()) === 1;
}
