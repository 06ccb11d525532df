import { z } from 'zod';
import type { Db } from './db.ts';
import { row, time, toMs } from './rows.ts';

export const accountStatuses = ['active', 'suspended', 'closed'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  readonly displayName: string | null;
  readonly locale: string;
  readonly createdAt: Date;
  /** The person's own key, sealed under the keyring; all their sealed columns open with it. */
  readonly sealedKey: string;
  /** WebAuthn user.id: random, says nothing about the person (WebAuthn 3 14.6.1). */
  readonly passkeyUserHandle: string;
}

const accountRow = row({
  id: z.string(),
  status: z.enum(accountStatuses),
  displayName: z.string().nullable(),
  locale: z.string(),
  createdAt: time,
  sealedKey: z.string(),
  passkeyUserHandle: z.string(),
});

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
