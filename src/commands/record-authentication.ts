import type { AuthenticationEvent } from '../assurance/evidence.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { advancePasskey, advanceTotp, boundIn, useRecoveryCode } from '../storage/authenticators.ts';
import { transaction } from '../storage/db.ts';
import { insertEvent } from '../storage/sessions.ts';
import { endRow } from './authenticator-tries.ts';
import { liftByDoing } from './close-interventions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';

/** What a ceremony proved, before it has an id and a time. */
export type EventFacts = Omit<AuthenticationEvent, 'id' | 'at' | 'interaction'>;

/** The authenticator's own record that has to move on with its use, so that the use can't be repeated. */
export type Use =
  | { kind: 'passkey'; id: string; counter: number; backupState: boolean }
  | { kind: 'totp'; id: string; step: number }
  | { kind: 'recovery_code'; hash: string }
  | { kind: 'none' };

/**
 * Records completed uses of authenticators in one interaction. Each use is taken by a conditional write: of two
 * requests with the same assertion, step or code exactly one gets here to the end.
 * @throws ShiminError `ceremony_replayed` when a use was taken by somebody else; `passkey_too_new` for one that was added
 * to the account in this very interaction
 */
export async function recordAuthentication(
  deps: CommandDeps,
  input: { accountId: string; interaction: string; facts: readonly EventFacts[]; uses: readonly Use[]; cause: Cause },
): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    for (const use of input.uses) {
      if (use.kind === 'passkey' && (await boundIn(tx, use.id)) === input.interaction)
        throw new ShiminError('passkey_too_new', { status: 403 });
      if (!(await take(tx, use, input.accountId, at))) throw new ShiminError('ceremony_replayed', { status: 409 });
      const { accountId } = input;
      if (use.kind === 'totp') await endRow(tx, { accountId, kind: 'totp', id: use.id });
      if (use.kind === 'recovery_code') await endRow(tx, { accountId, kind: 'recovery_code', id: accountId });
    }
    for (const facts of input.facts) {
      await insertEvent(tx, {
        ...facts,
        accountId: input.accountId,
        sessionUid: null,
        interactionUid: input.interaction,
        at,
      });
    }
    if (input.uses.some(({ kind }) => kind === 'recovery_code'))
      await notify(tx, deps, { accountId: input.accountId, kind: 'recovery_code_used', at });
    await liftByDoing(tx, deps, { accountId: input.accountId, part: 'sign_in', at, cause: input.cause });
    await append(tx, {
      at,
      type: 'authentication.succeeded',
      actor: { kind: 'citizen', id: input.accountId },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { methods: input.facts.map((facts) => facts.method) },
    });
  });
}

function take(
  tx: Parameters<Parameters<typeof transaction>[1]>[0],
  use: Use,
  accountId: string,
  at: Date,
): Promise<boolean> {
  switch (use.kind) {
    case 'passkey':
      return advancePasskey(tx, use.id, { counter: use.counter, backupState: use.backupState, at });
    case 'totp':
      return advanceTotp(tx, use.id, use.step);
    case 'recovery_code':
      return useRecoveryCode(tx, accountId, use.hash, at);
    case 'none':
      return Promise.resolve(true);
  }
}
