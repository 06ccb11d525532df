import { findAccount } from '../storage/accounts.ts';
import { personOf } from '../storage/persons.ts';
import type { AdminDeps } from './deps.ts';

/** Colleagues by the name they go by, or their proved name; an account without either by the end of its number. */
export async function namesOf(deps: AdminDeps, ids: Iterable<string | null>): Promise<(id: string | null) => string> {
  const wanted = [...new Set(ids)].filter((id) => id !== null);
  const names = new Map(await Promise.all(wanted.map(async (id) => [id, await nameOf(deps, id)] as const)));
  return (id) => (id === null ? '' : (names.get(id) ?? id));
}

async function nameOf(deps: AdminDeps, id: string): Promise<string> {
  const account = await findAccount(deps.db, id);
  if (account === null) return id; // `seed`, `cli`: not a person.
  const name = account.displayName ?? (await personOf(deps.db, deps.keyring, id))?.name;
  return name ?? `…${id.slice(-6)}`;
}
