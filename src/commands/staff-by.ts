import { normalisePhone } from '../identity/phone.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccount, findAccountByContact } from '../storage/accounts.ts';
import { rolesOf } from '../storage/staff.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { isRole, may, type Operation } from './permissions.ts';

/** The app that a command line stands for in the audit; a change made there says so. */
export const commandLine = 'cli';

/**
 * Who somebody at the command line says they are: a member of staff who is there, by the id of their account or the phone
 * number it has, with the roles they have now. Anybody can type a name, so what is done in it counts as one person's work
 * and is decided by another one, who has signed in to the console.
 * @throws ShiminError `forbidden` when there is no such member of staff, or none who may do this
 */
export async function staffBy(
  deps: Pick<CommandDeps, 'db' | 'keyring'>,
  given: string,
  operation: Operation | null,
): Promise<By> {
  const phone = normalisePhone(given, '');
  const found =
    phone === null
      ? await findAccount(deps.db, given)
      : await findAccountByContact(deps.db, deps.keyring, 'phone', phone);
  const accountId = found === null ? null : 'accountId' in found ? found.accountId : found.id;
  const account = accountId === null ? null : await findAccount(deps.db, accountId);
  const roles = account?.status === 'active' ? (await rolesOf(deps.db, account.id)).filter(isRole) : [];
  if (account === null || roles.length === 0)
    throw new ShiminError('forbidden', {
      status: 403,
      message: '--by: no member of staff with this account id or phone number',
    });
  if (operation !== null && !may(roles, operation))
    throw new ShiminError('forbidden', { status: 403, message: `--by: none of their roles allows ${operation}` });
  return { accountId: account.id, cause: { requestId: null, clientId: commandLine } };
}
