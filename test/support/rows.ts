import { proofs, provedBy } from '../../src/assurance/worth.ts';
import type { Ceremony } from '../../src/commands/bind.ts';
import { type Keyring, makeKeyring, newId, newPersonKey, parseKeyring, randomToken } from '../../src/lib/crypto.ts';
import { type Account, insertAccount } from '../../src/storage/accounts.ts';
import type { Db } from '../../src/storage/db.ts';
import { insertEvent } from '../../src/storage/sessions.ts';

export const testKeyring: Keyring = parseKeyring(makeKeyring());
export const t0 = new Date('2026-11-23T09:00:00.000Z');
export const later = (seconds: number): Date => new Date(t0.getTime() + seconds * 1000);

/** An active account, stored. */
export async function storedAccount(db: Db, changes: Partial<Account> = {}): Promise<Account> {
  const account: Account = {
    id: newId(),
    status: 'active',
    displayName: null,
    locale: 'zh-Hans',
    createdAt: t0,
    sealedKey: newPersonKey(testKeyring).sealedKey,
    passkeyUserHandle: randomToken(),
    ...changes,
  };
  await insertAccount(db, account);
  return account;
}

/** Runs the same thing `n` times at once and says how many answered true. */
export async function race(n: number, attempt: (i: number) => Promise<boolean>): Promise<number> {
  const results = await Promise.all(Array.from({ length: n }, (_, i) => attempt(i)));
  return results.filter(Boolean).length;
}

/** What ties somebody to the record of a register: the number that they confirmed is theirs at its carrier. */
export const ownNumber = provedBy(proofs.carrier);

/** The holder of an account signs in for a change, as strongly as can be; what the command is to ask for. */
export async function signedInFor(db: Db, accountId: string, at: Date): Promise<Ceremony> {
  const interaction = newId();
  await insertEvent(db, {
    ...{ accountId, method: 'bridge', at, credentialId: 'test:test', sessionUid: null, interactionUid: interaction },
    ...{ factors: ['possession', 'inherence'], userVerified: true, phishingResistant: true, deviceBound: true },
  });
  return { kind: 'interaction', interaction };
}
