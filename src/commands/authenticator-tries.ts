import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { clearFailures, countFailure, failuresBucket, maxFailures } from '../storage/failures.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';

/** Something whose secret is typed; `id` is the account's for what it has one of. */
export interface TypedAuthenticator {
  readonly accountId: string;
  readonly kind: 'password' | 'totp' | 'recovery_code';
  readonly id: string;
}

/**
 * Counts a try before it is looked at, so that tries side by side count, too: the how-many-eth in a row it is, or null where
 * the authenticator is stopped (SP 800-63B-4 3.2.2). A try that turns out right ends the row (`endRow`).
 */
export function beginTry(deps: CommandDeps, { kind, id }: TypedAuthenticator): Promise<number | null> {
  return countFailure(deps.db, failuresBucket(kind, id), deps.clock());
}

/** A try that was right: of this authenticator only. */
export const endRow = (db: Db, { kind, id }: TypedAuthenticator): Promise<void> =>
  clearFailures(db, failuresBucket(kind, id));

/**
 * A failed authentication leaves one audit line; the reason is a code, never what was typed. With the last try of the row
 * the authenticator is stopped until it is bound anew, and its holder hears of it.
 */
export async function noteFailure(
  deps: CommandDeps,
  input: { accountId: string | null; method: string; reason: string; cause: Cause; tries?: number | null },
): Promise<void> {
  const { accountId, method, cause, tries } = input;
  const at = deps.clock();
  const line = {
    at,
    actor: { kind: accountId === null ? ('anonymous' as const) : ('citizen' as const), id: accountId ?? 'unknown' },
    accountId,
    clientId: cause.clientId,
    requestId: cause.requestId,
    outcome: 'refused' as const,
  };
  const { reason } = input;
  await transaction(deps.db, async (tx) => {
    await append(tx, { ...line, type: 'authentication.failed', reason, data: { methods: [method] } });
    if (accountId === null || tries !== maxFailures) return;
    const data = { methods: [method], failures: maxFailures };
    await append(tx, { ...line, type: 'authentication.locked', reason: 'too_many_failures', data });
    await notify(tx, deps, { accountId, kind: 'authenticator_stopped', at });
  });
}
