import { append } from '../storage/audit.ts';
import { saveConsent, withdrawConsent } from '../storage/consents.ts';
import { transaction } from '../storage/db.ts';
import type { Cause, CommandDeps } from './command.ts';

/** Remembers what the citizen agreed that an app receives. */
export async function giveConsent(
  deps: CommandDeps,
  input: { accountId: string; clientId: string; scopes: readonly string[]; claims: readonly string[]; cause: Cause },
): Promise<void> {
  const at = deps.clock();
  const { accountId, clientId } = input;
  await transaction(deps.db, async (tx) => {
    await saveConsent(tx, { accountId, clientId, scopes: input.scopes, claims: input.claims, givenAt: at });
    await append(tx, {
      at,
      type: 'consent.given',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { scopes: [...input.scopes], claims: [...input.claims] },
    });
  });
}

/** Takes consent back; false when there was none. The caller ends the app's tokens. */
export async function takeConsentBack(
  deps: CommandDeps,
  input: { accountId: string; clientId: string; cause: Cause },
): Promise<boolean> {
  const at = deps.clock();
  const { accountId, clientId } = input;
  return transaction(deps.db, async (tx) => {
    if (!(await withdrawConsent(tx, accountId, clientId, at))) return false;
    await append(tx, {
      at,
      type: 'consent.withdrawn',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: {},
    });
    return true;
  });
}
