import type { Assessment } from '../assurance/assess.ts';
import { isNamed } from '../assurance/untied.ts';
import { type Account, contactsOf } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { personOf } from '../storage/persons.ts';
import { namedRecord } from './named-record.ts';

/**
 * What can be told of a person now, by the claim as it leaves: the consent page shows these values, and tokens carry them.
 * What `claims` does not name is not looked up.
 */
export async function tellable(
  { db, keyring }: { readonly db: Db; readonly keyring: Parameters<typeof personOf>[1] },
  { account, assessment }: { readonly account: Pick<Account, 'id' | 'locale'>; readonly assessment: Assessment },
  claims: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const told = new Map<string, string>([['locale', account.locale]]);
  const wants = (...names: string[]) => names.some((name) => claims.has(name));
  // Until something ties the person here to the record, it is anybody's who knows the name and the number.
  if (wants('name', 'verified_claims.name', 'verified_claims.birthdate') && isNamed(assessment)) {
    const proved = namedRecord(await personOf(db, keyring, account.id), assessment);
    if (proved?.name) for (const claim of ['name', 'verified_claims.name']) told.set(claim, proved.name);
    if (proved?.name && proved.birthDate) told.set('verified_claims.birthdate', proved.birthDate);
  }
  if (wants('phone_number', 'phone_number_verified')) {
    const phone = (await contactsOf(db, keyring, account.id)).find((contact) => contact.kind === 'phone');
    if (phone) told.set('phone_number', phone.value);
  }
  return told;
}
