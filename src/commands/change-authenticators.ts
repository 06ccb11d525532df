import type { AuditEvent } from '../audit/events.ts';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { insertPasskey, type NewPasskey, renamePasskey, replaceRecoveryCodes } from '../storage/authenticators.ts';
import { type Db, transaction } from '../storage/db.ts';
import { announce } from './announce.ts';
import { bindTo, type Ceremony } from './bind.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';

type ChangeType =
  | 'authenticator.added'
  | 'authenticator.renamed'
  | 'authenticator.revoked'
  | 'authenticator.suspended'
  | 'recovery_codes.replaced';

export async function note(
  tx: Db,
  at: Date,
  type: ChangeType,
  accountId: string,
  cause: Cause,
  data: AuditEvent['data'],
  /** Why we did it; without one it was the account's holder. */
  reason: string | null = null,
): Promise<void> {
  await append(tx, {
    at,
    type,
    actor: reason === null ? { kind: 'citizen', id: accountId } : { kind: 'system', id: 'authenticators' },
    accountId,
    clientId: cause.clientId,
    requestId: cause.requestId,
    outcome: 'ok',
    reason,
    data,
  });
}

/** Apps that asked hear that the ways in have changed, and of which type; not which one (CAEP 1.0 3.3). */
export async function tell(
  tx: Db,
  deps: CommandDeps,
  at: Date,
  accountId: string,
  change: { type: string; change: 'create' | 'update' | 'delete' },
  initiator: 'user' | 'system' = 'user',
): Promise<void> {
  const data = { credential_type: change.type, change_type: change.change };
  await announce(tx, deps.keyring, { accountId, event: 'credential-change', data, at, initiator });
}

export const passkeyType = (transports: readonly string[]) =>
  transports.includes('internal') ? 'fido2-platform' : 'fido2-roaming';

/**
 * Adds a passkey to an account whose holder signed in for it. That is no sign-in: it counts from the next request on, so
 * that whatever let somebody add it opens no more at once than it does by itself.
 * @throws ShiminError `binding_too_weak`; `passkey_rejected` when it is known already, to whomever
 */
export async function enrolPasskey(
  deps: CommandDeps,
  input: {
    accountId: string;
    passkey: Omit<NewPasskey, 'id' | 'accountId' | 'createdAt' | 'boundIn'>;
    ceremony: Ceremony;
    cause: Cause;
  },
): Promise<void> {
  const { accountId, passkey, ceremony, cause } = input;
  const adding = { kind: 'passkey', backupEligible: passkey.backupEligible } as const;
  await bindTo(deps, { accountId, adding, ground: ceremony, cause }, async (tx, at) => {
    const boundIn = ceremony.kind === 'interaction' ? ceremony.interaction : null;
    if (!(await insertPasskey(tx, { ...passkey, id: newId(), accountId, createdAt: at, boundIn })))
      throw new ShiminError('passkey_rejected', { status: 409, detail: { reason: 'known_credential' } });
    await note(tx, at, 'authenticator.added', accountId, cause, { kind: 'passkey' });
    await tell(tx, deps, at, accountId, { type: passkeyType(passkey.transports), change: 'create' });
    await notify(tx, deps, { accountId, kind: 'passkey_added', at });
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
 * New recovery codes void the old ones. `hashes` are keyed hashes; the codes themselves are shown once and forgotten.
 * @throws ShiminError `binding_too_weak`
 */
export async function issueRecoveryCodes(
  deps: CommandDeps,
  input: { accountId: string; hashes: readonly string[]; ceremony: Ceremony; cause: Cause },
): Promise<void> {
  const { accountId, hashes, ceremony, cause } = input;
  await bindTo(deps, { accountId, adding: { kind: 'recovery_codes' }, ground: ceremony, cause }, async (tx, at) => {
    await replaceRecoveryCodes(tx, accountId, hashes);
    await note(tx, at, 'recovery_codes.replaced', accountId, cause, { count: hashes.length });
    await tell(tx, deps, at, accountId, { type: 'recovery-codes', change: 'update' });
    await notify(tx, deps, { accountId, kind: 'recovery_codes_new', at });
  });
}
