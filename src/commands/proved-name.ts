import { standingOfAccount } from '../standing/account.ts';
import type { Db } from '../storage/db.ts';
import { personOf } from '../storage/persons.ts';
import type { CommandDeps } from './command.ts';

/**
 * Whether the holder of an account has proved their name: at real-name level at least, by what counts now. A number that was
 * confirmed is a contact and no name, and whoever does the work of staff is known by theirs (SP 800-63-4 IAL1 or higher).
 */
export async function hasProvedName(
  tx: Db,
  { keyring }: Pick<CommandDeps, 'keyring'>,
  accountId: string,
  at: Date,
): Promise<boolean> {
  const { usable, assessment } = await standingOfAccount(tx, accountId, { at });
  return usable && assessment.ial >= 1 && (await personOf(tx, keyring, accountId)) !== null;
}
