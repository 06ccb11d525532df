import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { newId, randomToken } from '../../src/lib/crypto.ts';
import {
  advancePasskey,
  advanceTotp,
  findPasskeyByCredentialId,
  insertPasskey,
  insertTotp,
  type NewPasskey,
  passkeysOf,
  passwordOf,
  recoveryCodesLeft,
  removePassword,
  renamePasskey,
  replaceRecoveryCodes,
  revokePasskey,
  revokeTotp,
  setPassword,
  suspendedPasskeysOf,
  suspendPasskey,
  totpOf,
  useRecoveryCode,
} from '../../src/storage/authenticators.ts';
import { type Database, transaction } from '../../src/storage/db.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0 } from '../support/rows.ts';

function passkey(accountId: string, changes: Partial<NewPasskey> = {}): NewPasskey {
  return {
    id: newId(),
    accountId,
    credentialId: randomToken(),
    publicKey: randomBytes(77),
    counter: 0,
    transports: ['internal', 'hybrid'],
    backupEligible: true,
    backupState: false,
    userVerifiedAtRegistration: true,
    aaguid: '00000000-0000-0000-0000-000000000000',
    name: '我的手机',
    createdAt: t0,
    ...changes,
  };
}

withDatabases('authenticators', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });

  describe('passkeys', () => {
    it('come back as stored, and a credential id is taken once', async () => {
      const { id: accountId } = await storedAccount(database.knex);
      const stored = passkey(accountId);
      expect(await insertPasskey(database.knex, stored)).toBe(true);
      expect(await findPasskeyByCredentialId(database.knex, stored.credentialId)).toEqual({
        ...stored,
        lastUsedAt: null,
        revokedAt: null,
        boundIn: null,
        suspendedAt: null,
      });
      const other = await storedAccount(database.knex);
      expect(await insertPasskey(database.knex, passkey(other.id, { credentialId: stored.credentialId }))).toBe(false);
      expect((await findPasskeyByCredentialId(database.knex, stored.credentialId))?.accountId).toBe(accountId);
    });

    it('bound to a device never let their counter go back, and let one of 20 equal uses through', async () => {
      const { id: accountId } = await storedAccount(database.knex);
      const stored = passkey(accountId, { counter: 5, backupEligible: false });
      await insertPasskey(database.knex, stored);
      const use = (counter: number) =>
        transaction(database.knex, (tx) => advancePasskey(tx, stored.id, { counter, backupState: true, at: later(1) }));
      expect(await use(5)).toBe(false);
      expect(await use(0)).toBe(false);
      expect(await race(20, () => use(6))).toBe(1);
      expect(await findPasskeyByCredentialId(database.knex, stored.credentialId)).toMatchObject({
        counter: 6,
        backupState: true,
        lastUsedAt: later(1),
      });
    });

    it('that are synced may show any counter, and none once they are set aside', async () => {
      const { id: accountId } = await storedAccount(database.knex);
      const stored = passkey(accountId, { counter: 5 });
      await insertPasskey(database.knex, stored);
      const use = (counter: number) =>
        advancePasskey(database.knex, stored.id, { counter, backupState: true, at: later(1) });
      for (const counter of [5, 3, 0, 9]) expect(await use(counter)).toBe(true);
      expect(await race(20, () => suspendPasskey(database.knex, stored.id, later(2), 'backup_flags'))).toBe(1);
      expect(await use(10)).toBe(false);
      expect(await passkeysOf(database.knex, accountId)).toEqual([]);
      expect((await suspendedPasskeysOf(database.knex, accountId)).map(({ id }) => id)).toEqual([stored.id]);
    });

    it('that keep no counter may be used again and again', async () => {
      const { id: accountId } = await storedAccount(database.knex);
      const stored = passkey(accountId);
      await insertPasskey(database.knex, stored);
      expect(
        await race(3, () => advancePasskey(database.knex, stored.id, { counter: 0, backupState: true, at: t0 })),
      ).toBe(3);
    });

    it('are renamed and revoked by their own account only, revoked once, and then dead', async () => {
      const { id: accountId } = await storedAccount(database.knex);
      const other = await storedAccount(database.knex);
      const stored = passkey(accountId);
      await insertPasskey(database.knex, stored);
      expect(await renamePasskey(database.knex, other.id, stored.id, 'x')).toBe(false);
      expect(await renamePasskey(database.knex, accountId, stored.id, '平板')).toBe(true);
      expect((await passkeysOf(database.knex, accountId)).map((key) => key.name)).toEqual(['平板']);
      expect(await revokePasskey(database.knex, other.id, stored.id, later(2), 'lost')).toBe(false);
      expect(await race(20, () => revokePasskey(database.knex, accountId, stored.id, later(2), 'lost'))).toBe(1);
      expect(await passkeysOf(database.knex, accountId)).toEqual([]);
      expect((await findPasskeyByCredentialId(database.knex, stored.credentialId))?.revokedAt).toEqual(later(2));
      expect(await advancePasskey(database.knex, stored.id, { counter: 9, backupState: false, at: t0 })).toBe(false);
      expect(await renamePasskey(database.knex, accountId, stored.id, 'y')).toBe(false);
    });
  });

  it('keeps one password per account', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    expect(await passwordOf(database.knex, accountId)).toBeNull();
    await setPassword(database.knex, { accountId, hash: '$argon2id$1', createdAt: t0 });
    await setPassword(database.knex, { accountId, hash: '$argon2id$2', createdAt: later(1) });
    expect(await passwordOf(database.knex, accountId)).toEqual({
      accountId,
      hash: '$argon2id$2',
      createdAt: later(1),
      stopped: false,
    });
    expect(await removePassword(database.knex, accountId)).toBe(true);
    expect(await removePassword(database.knex, accountId)).toBe(false);
  });

  it('uses up a TOTP step once, for exactly one of 20, and never an earlier one', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    const totp = { id: newId(), accountId, sealedSecret: 'p1.x', lastStep: 100, confirmedAt: t0 };
    await insertTotp(database.knex, totp);
    expect(await totpOf(database.knex, accountId)).toEqual({ ...totp, revokedAt: null, stopped: false });
    expect(await race(20, () => transaction(database.knex, (tx) => advanceTotp(tx, totp.id, 101)))).toBe(1);
    expect(await advanceTotp(database.knex, totp.id, 100)).toBe(false);
    await expect(insertTotp(database.knex, { ...totp, id: newId() })).rejects.toThrow();
    expect(await revokeTotp(database.knex, accountId, totp.id, t0, 'lost')).toBe(true);
    expect(await revokeTotp(database.knex, accountId, totp.id, t0, 'lost')).toBe(false);
    expect(await advanceTotp(database.knex, totp.id, 102)).toBe(false);
    expect(await totpOf(database.knex, accountId)).toBeNull();
    await insertTotp(database.knex, { ...totp, id: newId() });
  });

  it('lets a recovery code work once, for exactly one of 20, and voids the old set', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    await transaction(database.knex, (tx) => replaceRecoveryCodes(tx, accountId, ['a', 'b', 'c']));
    expect(await race(20, () => transaction(database.knex, (tx) => useRecoveryCode(tx, accountId, 'a', t0)))).toBe(1);
    expect(await recoveryCodesLeft(database.knex, accountId)).toBe(2);
    const other = await storedAccount(database.knex);
    expect(await useRecoveryCode(database.knex, other.id, 'b', t0)).toBe(false);
    await transaction(database.knex, (tx) => replaceRecoveryCodes(tx, accountId, ['d']));
    expect(await useRecoveryCode(database.knex, accountId, 'b', t0)).toBe(false);
    expect(await recoveryCodesLeft(database.knex, accountId)).toBe(1);
  });
});
