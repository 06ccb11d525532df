import { type Contact, contactsOf, findAccount } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { enqueue } from '../storage/outbox.ts';
import type { CommandDeps } from './command.ts';

/** Kind of the outbox' message; `src/notices.ts` delivers it. */
export const noticeMessage = 'notice';

/** What people are told of their account; the texts are in `i18n/<locale>/notices.json`. */
export const noticeKinds = [
  'passkey_added',
  'passkey_removed',
  'passkey_suspended',
  'password_removed',
  'recovery_codes_new',
  'recovery_code_used',
  'authenticator_stopped',
  'identity_linked',
  'identity_unlinked',
  'merge_asked',
  'accounts_merged',
  'merge_undone',
  'identity_attempted',
  'identity_disputed',
  'identity_released',
  'identity_won_back',
  'identity_released_tie',
  'identity_won_back_tie',
] as const;

export interface Notice {
  readonly accountId: string;
  readonly kind: (typeof noticeKinds)[number];
  /** The service of others that it is about. */
  readonly bridge?: string | null;
  readonly at: Date;
}

/**
 * Queues a short text to every confirmed contact of an account, in the caller's transaction: whoever changed the account
 * can't keep its holder from hearing of it (SP 800-63B-4 4.6). The address goes along, sealed, so that removing the
 * contact right afterwards does not silence it. Only telephones: the city has no mail gateway yet.
 */
export async function notify(tx: Db, { keyring }: Pick<CommandDeps, 'keyring'>, notice: Notice): Promise<void> {
  await notifyContacts(tx, { keyring }, await contactsOf(tx, keyring, notice.accountId), notice);
}

/** The same to contacts that were read before: those of an account that loses them in this transaction. */
export async function notifyContacts(
  tx: Db,
  { keyring }: Pick<CommandDeps, 'keyring'>,
  contacts: readonly Contact[],
  { accountId, kind, bridge = null, at }: Notice,
): Promise<void> {
  const account = await findAccount(tx, accountId);
  if (account === null) return;
  const phones = new Set(contacts.filter((contact) => contact.kind === 'phone').map(({ value }) => value));
  for (const to of phones) {
    const payload = { kind, to, locale: account.locale, bridge };
    await enqueue(tx, { kind: noticeMessage, target: accountId, payload, at }, keyring);
  }
}
