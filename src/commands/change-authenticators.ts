import type { AuditEvent } from '../audit/events.ts';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import {
  insertPasskey,
  type NewPasskey,
  passkeysOf,
  passwordOf,
  renamePasskey,
  replaceRecoveryCodes,
  revokePasskey,
  totpOf,
} from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { endEventsOf } from '../storage/external-identities.ts';
import { endSessions, insertEvent } from '../storage/sessions.ts';
import { announce } from './announce.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';
import type { EventFacts } from './record-authentication.ts';
import { tellApps } from './tell-apps.ts';

type ChangeType = 'authenticator.added' | 'authenticator.renamed' | 'authenticator.revoked' | 'recovery_codes.replaced';

async function note(
  tx: Db,
  at: Date,
  type: ChangeType,
  accountId: string,
  cause: Cause,
  data: AuditEvent['data'],
): Promise<void> {
  await append(tx, {
    at,
    type,
    actor: { kind: 'citizen', id: accountId },
    accountId,
    clientId: cause.clientId,
    requestId: cause.requestId,
    outcome: 'ok',
    reason: null,
    data,
  });
}

/** Apps that asked hear that the ways in have changed, and of which type; never which one (CAEP 1.0 3.3). */
async function tell(
  tx: Db,
  deps: CommandDeps,
  at: Date,
  accountId: string,
  change: { type: string; change: 'create' | 'update' | 'delete' },
): Promise<void> {
  const data = { credential_type: change.type, change_type: change.change };
  await announce(tx, deps.keyring, { accountId, event: 'credential-change', data, at, initiator: 'user' });
}

const passkeyType = (transports: readonly string[]) =>
  transports.includes('internal') ? 'fido2-platform' : 'fido2-roaming';

/**
 * Adds a passkey to an account. The ceremony is an authentication event too when it happened in an interaction: the
 * person just showed the key with user verification.
 */
export async function enrolPasskey(
  deps: CommandDeps,
  input: {
    accountId: string;
    passkey: Omit<NewPasskey, 'id' | 'accountId' | 'createdAt'>;
    event: { facts: EventFacts; interaction: string } | null;
    cause: Cause;
  },
): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    const stored = await insertPasskey(tx, {
      ...input.passkey,
      id: newId(),
      accountId: input.accountId,
      createdAt: at,
    });
    if (!stored) throw new ShiminError('passkey_rejected', { status: 409, detail: { reason: 'known_credential' } });
    if (input.event) {
      await insertEvent(tx, {
        ...input.event.facts,
        accountId: input.accountId,
        sessionUid: null,
        interactionUid: input.event.interaction,
        at,
      });
    }
    await note(tx, at, 'authenticator.added', input.accountId, input.cause, { kind: 'passkey' });
    await tell(tx, deps, at, input.accountId, { type: passkeyType(input.passkey.transports), change: 'create' });
    await notify(tx, deps, { accountId: input.accountId, kind: 'passkey_added', at });
  });
}

/** False when the passkey is not this account's. */
export async function nameAuthenticator(
  deps: CommandDeps,
  input: { accountId: string; id: string; name: string; cause: Cause },
): Promise<boolean> {
  return transaction(deps.db, async (tx) => {
    if (!(await renamePasskey(tx, input.accountId, input.id, input.name))) return false;
    await note(tx, deps.clock(), 'authenticator.renamed', input.accountId, input.cause, { kind: 'passkey' });
    return true;
  });
}

/**
 * Removes a passkey; false when it is not this account's.
 * @throws ShiminError `last_way_in` when nothing would be left to sign in with
 */
export async function removePasskey(
  deps: CommandDeps,
  input: { accountId: string; id: string; cause: Cause },
): Promise<boolean> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    // Two removals at once must not each leave the other's passkey as the last way in.
    await lockAccount(tx, input.accountId);
    const removed = (await passkeysOf(tx, input.accountId)).find(({ id }) => id === input.id);
    if (!removed || !(await revokePasskey(tx, input.accountId, input.id, at, 'removed_by_citizen'))) return false;
    const left = await passkeysOf(tx, input.accountId);
    const password = await passwordOf(tx, input.accountId);
    const totp = await totpOf(tx, input.accountId);
    const typed = password !== null && totp !== null && !password.stopped && !totp.stopped;
    if (left.length === 0 && !typed) throw new ShiminError('last_way_in', { status: 409 });
    await note(tx, at, 'authenticator.revoked', input.accountId, input.cause, { kind: 'passkey' });
    await tell(tx, deps, at, input.accountId, { type: passkeyType(removed.transports), change: 'delete' });
    await notify(tx, deps, { accountId: input.accountId, kind: 'passkey_removed', at });
    // Whoever holds the lost device is signed out with it.
    for (const uid of await endEventsOf(tx, input.accountId, removed.credentialId, at)) {
      await tellApps(tx, deps.keyring, { accountId: input.accountId, which: { uid }, at, initiator: 'user' });
      await endSessions(tx, input.accountId, { uid, at });
    }
    return true;
  });
}

/** New recovery codes void the old ones. `hashes` are keyed hashes; the codes themselves are shown once and forgotten. */
export async function issueRecoveryCodes(
  deps: CommandDeps,
  input: { accountId: string; hashes: readonly string[]; cause: Cause },
): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    await replaceRecoveryCodes(tx, input.accountId, input.hashes);
    await note(tx, at, 'recovery_codes.replaced', input.accountId, input.cause, { count: input.hashes.length });
    await tell(tx, deps, at, input.accountId, { type: 'recovery-codes', change: 'update' });
    await notify(tx, deps, { accountId: input.accountId, kind: 'recovery_codes_new', at });
  });
}
