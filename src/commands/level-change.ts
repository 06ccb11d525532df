import { dominates } from '../assurance/level.ts';
import type { AssurancePolicy } from '../assurance/policy.ts';
import type { Keyring } from '../lib/crypto.ts';
import { levelOfAccountAsTold, noLevel } from '../standing/identity-level.ts';
import { lockAccount } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { streamClients } from '../storage/signal-streams.ts';
import { type Announcement, announce } from './announce.ts';

/** Where the values of `current_level` come from: they are the `acr` values of our tokens (CAEP 1.0 3.4.1). */
export const levelNamespace = 'urn:shimin:loa';
/**
 * Does what may change an account's level, and tells the apps that asked if it did. All of it belongs to the caller's
 * transaction; where no app has a stream nothing is computed.
 */
export async function withLevelChange<T>(
  tx: Db,
  keyring: Keyring,
  about: Pick<Announcement, 'accountId' | 'at' | 'initiator' | 'reason' | 'txn'>,
  work: () => Promise<T>,
): Promise<T> {
  if ((await streamClients(tx)).size === 0) return work();
  // Two at once would each compare with what the other is about to change.
  await lockAccount(tx, about.accountId);
  const { document: policy } = await currentPolicy(tx);
  const before = await levelOfAccountAsTold(tx, policy, about.accountId, about.at);
  const result = await work();
  const after = await levelOfAccountAsTold(tx, policy, about.accountId, about.at);
  await announceLevelChange(tx, keyring, policy, about, { before, after });
  return result;
}

/** For changes that touch many accounts and have their levels at hand; nothing is said where they are the same. */
export async function announceLevelChange(
  tx: Db,
  keyring: Keyring,
  policy: AssurancePolicy,
  about: Pick<Announcement, 'accountId' | 'at' | 'initiator' | 'reason' | 'txn'>,
  { before, after }: { before: string; after: string },
): Promise<void> {
  if (before === after) return;
  const direction = directionOf(policy, before, after);
  await announce(tx, keyring, {
    ...about,
    event: 'assurance-level-change',
    data: {
      namespace: levelNamespace,
      current_level: after,
      previous_level: before,
      ...(direction === null ? undefined : { change_direction: direction }),
    },
  });
}

/** Levels are a partial order: of two that don't dominate each other neither is the higher one. */
function directionOf(policy: AssurancePolicy, before: string, after: string): 'increase' | 'decrease' | null {
  if (before === noLevel || dominates(policy.levels, after, before)) return 'increase';
  if (after === noLevel || dominates(policy.levels, before, after)) return 'decrease';
  return null;
}
