import type { WaysIn } from '../assurance/binding.ts';
import { passkeysOf, passwordOf, totpOf } from '../storage/authenticators.ts';
import type { Db } from '../storage/db.ts';
import { identitiesOf } from '../storage/external-identities.ts';

/**
 * The ways in that an account has now. Identities of a bridge that is switched off are among them: an outage must not let
 * whoever has the weaker way in add a lasting one.
 */
export async function waysInOf(db: Db, accountId: string): Promise<WaysIn> {
  return {
    passkeys: await passkeysOf(db, accountId),
    hasPassword: (await passwordOf(db, accountId)) !== null,
    hasTotp: (await totpOf(db, accountId)) !== null,
    identities: (await identitiesOf(db, accountId)).map(({ strength }) => strength),
  };
}
