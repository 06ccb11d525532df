import type { LookReason } from '../assurance/interventions.ts';
import { normalisePhone } from '../identity/phone.ts';
import { findAccount, findAccountByContact } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { findAccountsByNumber } from '../storage/person-documents.ts';
import { openLook } from '../storage/staff-looks.ts';
import { actorOf } from './actor.ts';
import { type By, staffRoles } from './change-rules.ts';
import type { CommandDeps } from './command.ts';

/** What somebody is looked up by: exactly one thing that leads to one account. There is no list and no part of a name. */
export type Identifier =
  | { readonly by: 'phone'; readonly region: string; readonly value: string }
  | { readonly by: 'document'; readonly type: string; readonly value: string }
  | { readonly by: 'account'; readonly value: string };

/** Whom it led to, or why to nobody: `several` have a passport's number, whose state was not told. */
export type Found = { readonly accountId: string } | { readonly nobody: 'unknown' | 'several' };

/** How long a record stays open to whoever looked it up. */
const openFor = 15 * 60_000;

/**
 * Looks up one account and opens its record to this member of staff for a quarter of an hour. Each search is a line in the
 * audit, found or not; what was typed is in none of them.
 */
export async function searchPerson(
  deps: CommandDeps,
  { by, identifier, reason }: { by: By; identifier: Identifier; reason: LookReason },
): Promise<Found> {
  return transaction(deps.db, async (tx) => {
    const at = deps.clock();
    const [first, ...others] = await resolve(tx, deps, identifier);
    const accountId = first === undefined || others.length > 0 ? null : first;
    if (accountId !== null) {
      await openLook(tx, { staffId: by.accountId, accountId, reason, until: new Date(at.getTime() + openFor) });
    }
    await append(tx, {
      at,
      type: 'person.searched',
      actor: actorOf(by.accountId),
      accountId,
      clientId: by.cause.clientId,
      requestId: by.cause.requestId,
      outcome: accountId === null ? 'refused' : 'ok',
      reason,
      data: { by: identifier.by, found: accountId !== null, roles: await staffRoles(tx, by.accountId) },
    });
    return accountId === null ? { nobody: others.length > 0 ? 'several' : 'unknown' } : { accountId };
  });
}

async function resolve(tx: Db, { keyring }: CommandDeps, identifier: Identifier): Promise<string[]> {
  const { value } = identifier;
  switch (identifier.by) {
    case 'phone': {
      const phone = normalisePhone(value, identifier.region);
      const found = phone === null ? null : await findAccountByContact(tx, keyring, 'phone', phone);
      return found === null ? [] : [found.accountId];
    }
    case 'document':
      return findAccountsByNumber(tx, keyring, identifier.type, value);
    case 'account': {
      const found = await findAccount(tx, value.trim().toLowerCase());
      return found === null ? [] : [found.id];
    }
  }
}
