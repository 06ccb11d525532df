import type { UpstreamFacts } from '../assurance/upstream-facts.ts';
import { proofs, provedBy } from '../assurance/worth.ts';
import { newId, newPersonKey, randomToken, sealFor } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { findAccountByContact, insertAccount, insertContact } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import {
  insertPasskey,
  insertTotp,
  type NewPasskey,
  replaceRecoveryCodes,
  setPassword,
} from '../storage/authenticators.ts';
import { transaction } from '../storage/db.ts';
import { insertEvidence } from '../storage/evidence.ts';
import { insertEvent } from '../storage/sessions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { linkFirst } from './link-identity.ts';
import type { EventFacts } from './record-authentication.ts';
import { tellingOwner, vouchedClaims } from './tell-owner.ts';

export type FirstAuthenticator =
  | { kind: 'passkey'; passkey: Omit<NewPasskey, 'id' | 'accountId' | 'createdAt'> }
  | { kind: 'bridge'; facts: UpstreamFacts }
  | { kind: 'password'; hash: string; totpSecret: string; totpStep: number; recoveryHashes: readonly string[] };

export interface Registration {
  accountId: string;
  /** WebAuthn user handle chosen when the options were made; random, so that it says nothing about the person. */
  userHandle: string;
  phone: string;
  locale: string;
  interaction: string;
  first: FirstAuthenticator;
  facts: readonly EventFacts[];
  cause: Cause;
}

/**
 * Makes an account with its confirmed phone number and its first way in: all of it or nothing.
 * @throws ShiminError `identity_in_use` when the number, or the document that an upstream vouches for, belongs to an account already
 */
export async function registerCitizen(deps: CommandDeps, input: Registration): Promise<void> {
  const { accountId, first, cause } = input;
  const claims = first.kind === 'bridge' ? vouchedClaims(first.facts) : null;
  return tellingOwner(deps, { accountId, claims, cause }, () => registerIn(deps, input));
}

async function registerIn(deps: CommandDeps, input: Registration): Promise<void> {
  const at = deps.clock();
  const { accountId } = input;
  await transaction(deps.db, async (tx) => {
    if (await findAccountByContact(tx, deps.keyring, 'phone', input.phone))
      throw new ShiminError('identity_in_use', { status: 409 });
    const { sealedKey } = newPersonKey(deps.keyring);
    await insertAccount(tx, {
      id: accountId,
      status: 'active',
      displayName: null,
      locale: input.locale,
      createdAt: at,
      sealedKey,
      passkeyUserHandle: input.userHandle,
    });
    await insertContact(tx, deps.keyring, { accountId, kind: 'phone', value: input.phone, confirmedAt: at });
    await insertEvidence(tx, {
      accountId,
      ...provedBy(proofs.sms),
      recordedAt: at,
      expiresAt: null,
      reference: null,
    });
    const { first } = input;
    if (first.kind === 'passkey') {
      const stored = await insertPasskey(tx, { ...first.passkey, id: newId(), accountId, createdAt: at });
      if (!stored) throw new ShiminError('passkey_rejected', { status: 409, detail: { reason: 'known_credential' } });
    } else if (first.kind === 'bridge') {
      await linkFirst(tx, deps, { ...input, facts: first.facts });
    } else {
      await setPassword(tx, { accountId, hash: first.hash, createdAt: at });
      await insertTotp(tx, {
        id: newId(),
        accountId,
        sealedSecret: sealFor(deps.keyring, sealedKey, first.totpSecret, `totp:${accountId}`),
        lastStep: first.totpStep,
        confirmedAt: at,
      });
      await replaceRecoveryCodes(tx, accountId, first.recoveryHashes);
    }
    for (const facts of input.facts) {
      await insertEvent(tx, { ...facts, accountId, sessionUid: null, interactionUid: input.interaction, at });
    }
    await append(tx, {
      at,
      type: 'account.registered',
      actor: { kind: 'citizen', id: accountId },
      accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: { authenticator: first.kind },
    });
  });
}

/** Ids for an account that does not exist yet; the WebAuthn user handle is not the account id (WebAuthn L3 14.6.1). */
export function proposeAccount(): { accountId: string; userHandle: string } {
  return { accountId: newId(), userHandle: randomToken(32) };
}
