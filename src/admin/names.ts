import { isAppActor } from '../commands/app-roles.ts';
import { maskPhone } from '../identity/phone.ts';
import { contactsOf, findAccount } from '../storage/accounts.ts';
import { personOf } from '../storage/persons.ts';
import { wasStaff } from '../storage/staff.ts';
import type { AdminDeps } from './deps.ts';

/**
 * Colleagues by the name they go by, or their proved name. Whoever never held a role is a citizen, and stays a number of
 * which the end is shown: proposing a role must not tell whose number that is.
 */
export async function namesOf(deps: AdminDeps, ids: Iterable<string | null>): Promise<(id: string | null) => string> {
  const wanted = [...new Set(ids)].filter((id) => id !== null);
  const names = new Map(await Promise.all(wanted.map(async (id) => [id, await nameOf(deps, id)] as const)));
  return (id) => (id === null ? '' : (names.get(id) ?? id));
}

async function nameOf(deps: AdminDeps, id: string): Promise<string> {
  const account = isAppActor(id) ? null : await findAccount(deps.db, id);
  if (account === null) return id; // `seed`, `cli`, an app: not a person.
  if (!(await wasStaff(deps.db, id))) {
    const phone = (await contactsOf(deps.db, deps.keyring, id)).find(({ kind }) => kind === 'phone');
    return phone === undefined ? `…${id.slice(-6)}` : maskPhone(phone.value);
  }
  const name = account.displayName ?? (await personOf(deps.db, deps.keyring, id))?.name;
  return name ?? `…${id.slice(-6)}`;
}
