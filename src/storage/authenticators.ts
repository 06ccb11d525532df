import { z } from 'zod';
import type { Db } from './db.ts';
import { clearFailures, failuresBucket, stoppedColumn } from './failures.ts';
import { flag, json, row, time, timeOrNull, toMs } from './rows.ts';

export interface Passkey {
  readonly id: string;
  readonly accountId: string;
  readonly credentialId: string;
  /** COSE key. */
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backupEligible: boolean;
  readonly backupState: boolean;
  readonly userVerifiedAtRegistration: boolean;
  readonly aaguid: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
  /** The authorization request in which it was added to an account that was there already. */
  readonly boundIn: string | null;
  /** Set aside because it behaved as a copy would; it signs nobody in. */
  readonly suspendedAt: Date | null;
}

export type NewPasskey = Omit<Passkey, 'lastUsedAt' | 'revokedAt' | 'suspendedAt' | 'boundIn'> & {
  readonly boundIn?: string | null;
};

export const passkeyRow = row({
  id: z.string(),
  accountId: z.string(),
  credentialId: z.string(),
  publicKey: z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes)),
  counter: z.number(),
  transports: json(z.array(z.string())),
  backupEligible: flag,
  backupState: flag,
  userVerifiedAtRegistration: flag,
  aaguid: z.string(),
  name: z.string(),
  createdAt: time,
  lastUsedAt: timeOrNull,
  revokedAt: timeOrNull,
  boundIn: z.string().nullable(),
  suspendedAt: timeOrNull,
});

/** False if that credential id is known already, to whomever (WebAuthn 3 7.1 step 26). */
export async function insertPasskey(db: Db, passkey: NewPasskey): Promise<boolean> {
  const inserted = await db('passkeys')
    .insert({
      id: passkey.id,
      account_id: passkey.accountId,
      credential_id: passkey.credentialId,
      public_key: passkey.publicKey,
      counter: passkey.counter,
      transports: JSON.stringify(passkey.transports),
      backup_eligible: passkey.backupEligible,
      backup_state: passkey.backupState,
      user_verified_at_registration: passkey.userVerifiedAtRegistration,
      aaguid: passkey.aaguid,
      name: passkey.name,
      created_at: toMs(passkey.createdAt),
      bound_in: passkey.boundIn ?? null,
    })
    .onConflict('credential_id')
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

/** Revoked ones included, so that the answer can say why; look at `revokedAt`. */
export async function findPasskeyByCredentialId(db: Db, credentialId: string): Promise<Passkey | null> {
  const found = await db('passkeys').where({ credential_id: credentialId }).first();
  return found === undefined ? null : passkeyRow.parse(found);
}

const living = (db: Db, accountId: string) => db('passkeys').where({ account_id: accountId }).whereNull('revoked_at');

/** The passkeys that sign the account's holder in, oldest first. */
export async function passkeysOf(db: Db, accountId: string): Promise<Passkey[]> {
  const rows = await living(db, accountId).whereNull('suspended_at').orderBy('id');
  return rows.map((raw) => passkeyRow.parse(raw));
}

/** Those that were set aside, oldest first. */
export async function suspendedPasskeysOf(db: Db, accountId: string): Promise<Passkey[]> {
  const rows = await living(db, accountId).whereNotNull('suspended_at').orderBy('id');
  return rows.map((raw) => passkeyRow.parse(raw));
}

/** The authorization request in which a passkey was added to its account; null: it came with it, or by an area. */
export async function boundIn(db: Db, id: string): Promise<string | null> {
  const found = await db('passkeys').where({ id }).first('bound_in');
  return z.object({ bound_in: z.string().nullable() }).optional().parse(found)?.bound_in ?? null;
}

/** Exactly one caller gets true. */
export async function suspendPasskey(db: Db, id: string, at: Date, reason: string): Promise<boolean> {
  const changed = await db('passkeys')
    .where({ id })
    .whereNull('revoked_at')
    .whereNull('suspended_at')
    .update({ suspended_at: toMs(at), suspended_reason: reason });
  return changed === 1;
}

/**
 * Notes a use. True only if the passkey lives and, where it is bound to its device, its counter grew or stays zero
 * (WebAuthn 3 6.1.1): of parallel uses of one assertion with such a counter exactly one gets true. Copies of a synced
 * passkey count each for themselves, or not at all: their counter says nothing.
 */
export async function advancePasskey(
  db: Db,
  id: string,
  use: { counter: number; backupState: boolean; at: Date },
): Promise<boolean> {
  const changed = await db('passkeys')
    .where({ id })
    .whereNull('revoked_at')
    .whereNull('suspended_at')
    .where((either) => {
      either.where('counter', '<', use.counter).orWhere('backup_eligible', true);
      if (use.counter === 0) either.orWhere('counter', 0);
    })
    .update({ counter: use.counter, backup_state: use.backupState, last_used_at: toMs(use.at) });
  return changed === 1;
}

/** False unless it is a live passkey of that account. */
export async function renamePasskey(db: Db, accountId: string, id: string, name: string): Promise<boolean> {
  return (await db('passkeys').where({ id, account_id: accountId }).whereNull('revoked_at').update({ name })) === 1;
}

/** Exactly one caller gets true. */
export async function revokePasskey(db: Db, accountId: string, id: string, at: Date, reason: string): Promise<boolean> {
  const changed = await db('passkeys')
    .where({ id, account_id: accountId })
    .whereNull('revoked_at')
    .update({ revoked_at: toMs(at), revoked_reason: reason });
  return changed === 1;
}

export interface Password {
  readonly accountId: string;
  /** PHC string: scheme, cost and salt with it. */
  readonly hash: string;
  readonly createdAt: Date;
  /** After too many failures in a row: it opens nothing until it is set anew. */
  readonly stopped: boolean;
}

const passwordRow = row({ accountId: z.string(), hash: z.string(), createdAt: time, stopped: flag });

/** Sets or replaces it; no earlier hash is kept (N-06: no history to compare with). */
export async function setPassword(db: Db, password: Omit<Password, 'stopped'>): Promise<void> {
  await db('passwords')
    .insert({ account_id: password.accountId, hash: password.hash, created_at: toMs(password.createdAt) })
    .onConflict('account_id')
    .merge();
  await clearFailures(db, failuresBucket('password', password.accountId));
}

export async function passwordOf(db: Db, accountId: string): Promise<Password | null> {
  const found = await db('passwords')
    .where({ account_id: accountId })
    .first('passwords.*', stoppedColumn(db, 'password', 'account_id'));
  return found === undefined ? null : passwordRow.parse(found);
}

/** False if there was none. */
export async function removePassword(db: Db, accountId: string): Promise<boolean> {
  return (await db('passwords').where({ account_id: accountId }).delete()) === 1;
}

export interface Totp {
  readonly id: string;
  readonly accountId: string;
  readonly sealedSecret: string;
  /** The last time step used; a step counts once (RFC 6238 5.2). */
  readonly lastStep: number;
  readonly confirmedAt: Date | null;
  readonly revokedAt: Date | null;
  /** After too many failures in a row: it opens nothing until another is bound. */
  readonly stopped: boolean;
}

const totpRow = row({
  id: z.string(),
  accountId: z.string(),
  sealedSecret: z.string(),
  lastStep: z.number(),
  confirmedAt: timeOrNull,
  revokedAt: timeOrNull,
  stopped: flag,
});

/** An account has one live authenticator app: revoke the earlier one first, else the database refuses. */
export async function insertTotp(db: Db, totp: Omit<Totp, 'revokedAt' | 'stopped'>): Promise<void> {
  await db('totps').insert({
    id: totp.id,
    account_id: totp.accountId,
    sealed_secret: totp.sealedSecret,
    last_step: totp.lastStep,
    confirmed_at: toMs(totp.confirmedAt),
  });
}

export async function totpOf(db: Db, accountId: string): Promise<Totp | null> {
  const found = await db('totps')
    .where({ account_id: accountId })
    .whereNull('revoked_at')
    .first('totps.*', stoppedColumn(db, 'totp', 'id'));
  return found === undefined ? null : totpRow.parse(found);
}

/** Uses up a time step: true for exactly one caller, and never for a step at or before the last one used. */
export async function advanceTotp(db: Db, id: string, step: number): Promise<boolean> {
  const changed = await db('totps')
    .where({ id })
    .whereNull('revoked_at')
    .where('last_step', '<', step)
    .update({ last_step: step });
  return changed === 1;
}

export async function revokeTotp(db: Db, accountId: string, id: string, at: Date, reason: string): Promise<boolean> {
  const changed = await db('totps')
    .where({ id, account_id: accountId })
    .whereNull('revoked_at')
    .update({ revoked_at: toMs(at), revoked_reason: reason });
  return changed === 1;
}

/** Makes the earlier codes void. Call it in a transaction. */
export async function replaceRecoveryCodes(
  tx: Db,
  accountId: string,
  hashes: readonly string[],
  at = new Date(),
): Promise<void> {
  await tx('recovery_codes').where({ account_id: accountId }).delete();
  await clearFailures(tx, failuresBucket('recovery_code', accountId));
  if (hashes.length === 0) return;
  const rows = hashes.map((hash) => ({ account_id: accountId, code_hash: hash, created_at: toMs(at) }));
  await tx('recovery_codes').insert(rows);
}

/** Exactly one caller gets true for a code. */
export async function useRecoveryCode(db: Db, accountId: string, hash: string, at: Date): Promise<boolean> {
  const changed = await db('recovery_codes')
    .where({ account_id: accountId, code_hash: hash })
    .whereNull('used_at')
    .update({ used_at: toMs(at) });
  return changed === 1;
}

export async function recoveryCodesLeft(db: Db, accountId: string): Promise<number> {
  const rows = await db('recovery_codes').where({ account_id: accountId }).whereNull('used_at').count({ left: '*' });
  return z.object({ left: z.number() }).parse(rows[0]).left;
}
