import { ShiminError } from '../lib/errors.ts';
import { lockAccount } from '../storage/accounts.ts';
import {
  removePassword as deletePassword,
  type Passkey,
  passkeysOf,
  passwordOf,
  replaceRecoveryCodes,
  revokePasskey,
  revokeTotp,
  suspendedPasskeysOf,
  suspendPasskey,
  totpOf,
} from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { endEventsBy, endEventsOf, endSessions } from '../storage/sessions.ts';
import { note, passkeyType, tell } from './change-authenticators.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';
import { tellApps } from './tell-apps.ts';

/**
 * Removes a passkey; false when it is not this account's.
 * @throws ShiminError `last_way_in` when nothing would be left to sign in with
 */
export async function removePasskey(
  deps: CommandDeps,
  input: { accountId: string; id: string; cause: Cause },
): Promise<boolean> {
  const { accountId, id, cause } = input;
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    // Two removals at once must not each leave the other's passkey as the last way in.
    await lockAccount(tx, accountId);
    const all = [...(await passkeysOf(tx, accountId)), ...(await suspendedPasskeysOf(tx, accountId))];
    const removed = all.find((passkey) => passkey.id === id);
    if (!removed || !(await revokePasskey(tx, accountId, id, at, 'removed_by_citizen'))) return false;
    const left = await passkeysOf(tx, accountId);
    const [password, totp] = [await passwordOf(tx, accountId), await totpOf(tx, accountId)];
    const typed = password !== null && totp !== null && !password.stopped && !totp.stopped;
    // One that was set aside is no way in, so that taking it away leaves no less.
    if (removed.suspendedAt === null && left.length === 0 && !typed)
      throw new ShiminError('last_way_in', { status: 409 });
    await note(tx, at, 'authenticator.revoked', accountId, cause, { kind: 'passkey' });
    await tell(tx, deps, at, accountId, { type: passkeyType(removed.transports), change: 'delete' });
    await notify(tx, deps, { accountId, kind: 'passkey_removed', at });
    await signOutWith(tx, deps, removed, at, 'user');
    return true;
  });
}

/** Whoever holds the device is signed out with it. */
async function signOutWith(
  tx: Db,
  deps: CommandDeps,
  { accountId, credentialId }: Passkey,
  at: Date,
  initiator: 'user' | 'system',
): Promise<void> {
  for (const uid of await endEventsOf(tx, accountId, credentialId, at)) {
    await tellApps(tx, deps.keyring, { accountId, which: { uid }, at, initiator });
    await endSessions(tx, accountId, { uid, at });
  }
}

/**
 * Sets a passkey aside that behaved as a copy would (SP 800-63B-4 4.5: promptly): it signs nobody in, sessions that it
 * opened end, and its owner is told and asked to make another. Once, however often it is shown.
 */
export async function setPasskeyAside(
  deps: CommandDeps,
  input: { passkey: Passkey; reason: 'backup_flags' | 'counter_rollback'; cause: Cause },
): Promise<void> {
  const { passkey, reason, cause } = input;
  const { accountId, id } = passkey;
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    if (!(await suspendPasskey(tx, id, at, reason))) return;
    const data = { kind: 'passkey', authenticatorId: id };
    await note(tx, at, 'authenticator.suspended', accountId, cause, data, reason);
    await tell(tx, deps, at, accountId, { type: passkeyType(passkey.transports), change: 'update' }, 'system');
    await notify(tx, deps, { accountId, kind: 'passkey_suspended', at });
    await signOutWith(tx, deps, passkey, at, 'system');
  });
}

/**
 * Removes the password, with the authenticator app and the recovery codes that are nothing without it. Sessions that rest
 * on it end, but for the one in which its holder says so. False when there is none.
 * @throws ShiminError `last_way_in` when no passkey would be left to sign in with
 */
export async function removePassword(
  deps: CommandDeps,
  input: { accountId: string; session: string | null; cause: Cause },
): Promise<boolean> {
  const { accountId, session, cause } = input;
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    await lockAccount(tx, accountId);
    if (!(await deletePassword(tx, accountId))) return false;
    if ((await passkeysOf(tx, accountId)).length === 0) throw new ShiminError('last_way_in', { status: 409 });
    const totp = await totpOf(tx, accountId);
    if (totp !== null) await revokeTotp(tx, accountId, totp.id, at, 'removed_by_citizen');
    await replaceRecoveryCodes(tx, accountId, []);
    await note(tx, at, 'authenticator.revoked', accountId, cause, { kind: 'password' });
    await tell(tx, deps, at, accountId, { type: 'password', change: 'delete' });
    await notify(tx, deps, { accountId, kind: 'password_removed', at });
    for (const uid of await endEventsBy(tx, accountId, ['password', 'totp', 'recovery_code'], at)) {
      if (uid === session) continue;
      await tellApps(tx, deps.keyring, { accountId, which: { uid }, at, initiator: 'user' });
      await endSessions(tx, accountId, { uid, at });
    }
    return true;
  });
}
