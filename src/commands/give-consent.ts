import { agreementNow, type Release, together } from '../assurance/release.ts';
import { append } from '../storage/audit.ts';
import { consentWith, saveConsent, withdrawConsent } from '../storage/consents.ts';
import { transaction } from '../storage/db.ts';
import { revokeGrantsOfAccount } from '../storage/oidc-models/grants.ts';
import type { Cause, CommandDeps } from './command.ts';

/** Remembers what the citizen agreed that an app receives, besides what it does already. `department`: it is one of the city. */
export async function giveConsent(
  deps: CommandDeps,
  input: { accountId: string; clientId: string; department: boolean; release: Release; cause: Cause },
): Promise<void> {
  const at = deps.clock();
  const { accountId, clientId } = input;
  await transaction(deps.db, async (tx) => {
    const before = agreementNow(await consentWith(tx, accountId, clientId), input.department);
    const { scopes, claims } = together(before, input.release);
    await saveConsent(tx, { accountId, clientId, scopes, claims, basis: 'agreed', givenAt: at });
    await append(tx, {
      at,
      type: 'consent.given',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { scopes: [...scopes], claims: [...claims] },
    });
  });
}

/**
 * Takes back what an app receives, and ends what it was given with it: codes, access and refresh tokens. Null when there was
 * nothing; else on what basis it had been.
 */
export async function takeConsentBack(
  deps: CommandDeps,
  input: { accountId: string; clientId: string; cause: Cause },
): Promise<'agreed' | 'city_rules' | null> {
  const at = deps.clock();
  const { accountId, clientId } = input;
  return transaction(deps.db, async (tx) => {
    const before = await consentWith(tx, accountId, clientId);
    if (before === null || !(await withdrawConsent(tx, accountId, clientId, at))) return null;
    await revokeGrantsOfAccount(tx, accountId, clientId);
    const { basis, scopes, claims } = before;
    await append(tx, {
      at,
      type: basis === 'agreed' ? 'consent.withdrawn' : 'claims.stopped',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: basis === 'agreed' ? null : 'city_department',
      data: { scopes: [...scopes], claims: [...claims] },
    });
    return basis;
  });
}
