import { namedRecord } from '../standing/named-record.ts';
import { contactsOf } from '../storage/accounts.ts';
import { personOf } from '../storage/persons.ts';
import type { ConsentNeed } from './consent.ts';
import type { JourneyDeps } from './deps.ts';
import type { Citizen } from './gather.ts';

/** What the app would receive, with the citizen's own values, so that nobody agrees to a word. */
export async function consentItems(
  deps: JourneyDeps,
  { account, assessment }: Citizen,
  need: ConsentNeed,
): Promise<object> {
  const ids = [...new Set([...need.scopes, ...need.claims])].filter((id) => id !== 'openid' && id !== 'offline_access');
  const told = namedRecord(await personOf(deps.db, deps.keyring, account.id), assessment)?.name ?? undefined;
  const phone = (await contactsOf(deps.db, deps.keyring, account.id)).find((contact) => contact.kind === 'phone');
  const values: Record<string, string | undefined> = {
    profile: told,
    name: told,
    verified_claims: told,
    phone: phone?.value,
    phone_number: phone?.value,
  };
  return {
    items: ids.map((id) => ({ id, value: values[id] ?? null })),
    offline: need.scopes.includes('offline_access'),
  };
}
