import { beforeAll, describe, expect, it } from 'vitest';
import type { AssurancePolicy } from '../../src/assurance/policy.ts';
import { newId } from '../../src/lib/crypto.ts';
import { findApp, listApps, saveApp } from '../../src/storage/apps.ts';
import { type Database, transaction } from '../../src/storage/db.ts';
import { type Claim, claim, done, enqueue, retry } from '../../src/storage/outbox.ts';
import { appendPolicy, currentPolicy, policyByVersion } from '../../src/storage/policies.ts';
import {
  insertSigningKey,
  keyEpoch,
  type SigningKey,
  setKeyStatus,
  signingKeys,
} from '../../src/storage/signing-keys.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, t0, testKeyring } from '../support/rows.ts';

const document = (version: number): AssurancePolicy => ({
  version,
  levels: [],
  authenticationLabels: [],
  apps: {},
  defaultFloor: 'urn:shimin:loa:1',
});

withDatabases('registers', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });

  it('registers and changes apps', async () => {
    const app = {
      id: 'library',
      metadata: { redirect_uris: ['http://localhost:5001/callback'] },
      name: { en: 'Library', 'zh-Hans': '图书馆' },
      purpose: { en: 'Borrowing' },
      ownerName: 'City Library',
      createdAt: t0,
    };
    await saveApp(database.knex, app);
    await saveApp(database.knex, { ...app, ownerName: 'Library Board', createdAt: later(9) });
    expect(await findApp(database.knex, 'library')).toEqual({ ...app, ownerName: 'Library Board' });
    expect(await findApp(database.knex, 'none')).toBeNull();
    expect((await listApps(database.knex)).map((one) => one.id)).toEqual(['library']);
  });

  describe('policies', () => {
    const publish = (version: number, expectedPrevious: number) => ({
      version,
      expectedPrevious,
      document: document(version),
      createdBy: 'admin',
      at: t0,
    });

    it('are published by exactly one of 20 who saw the same version, and seen by the next call', async () => {
      await expect(currentPolicy(database.knex)).rejects.toMatchObject({ code: 'config_invalid' });
      expect(await appendPolicy(database.knex, publish(1, 0))).toBe(true);
      expect(await currentPolicy(database.knex)).toEqual({ version: 1, document: document(1) });
      const won = await race(20, () => transaction(database.knex, (tx) => appendPolicy(tx, publish(2, 1))));
      expect(won).toBe(1);
      expect((await currentPolicy(database.knex)).version).toBe(2);
      expect(await appendPolicy(database.knex, publish(3, 1))).toBe(false);
      expect(await appendPolicy(database.knex, publish(2, 2))).toBe(false);
      expect((await policyByVersion(database.knex, 1))?.document.version).toBe(1);
      expect(await policyByVersion(database.knex, 9)).toBeNull();
    });

    it('are the same object while the version is, and an undone one is never kept', async () => {
      const before = await currentPolicy(database.knex);
      expect(await currentPolicy(database.knex)).toBe(before);
      const undone = transaction(database.knex, async (tx) => {
        await appendPolicy(tx, publish(3, 2));
        expect((await currentPolicy(tx)).version).toBe(3);
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect(await currentPolicy(database.knex)).toBe(before);
    });
  });

  it('moves signing keys on, one current at a time, and the epoch with each change', async () => {
    const db = database.knex;
    const key = (kid: string, status: SigningKey['status']): SigningKey => ({
      kid,
      alg: 'ES256',
      use: 'sig',
      sealedPrivateJwk: 'v1.sealed',
      publicJwk: { kty: 'EC' },
      status,
      createdAt: t0,
      activatedAt: status === 'current' ? t0 : null,
      retiredAt: null,
    });
    const epoch = await keyEpoch(db);
    await insertSigningKey(db, key('k1', 'current'));
    await insertSigningKey(db, key('k2', 'next'));
    expect(await keyEpoch(db)).toBe(epoch + 2);
    await expect(setKeyStatus(db, 'k2', 'current')).rejects.toThrow();
    await transaction(db, async (tx) => {
      await setKeyStatus(tx, 'k1', 'previous');
      await setKeyStatus(tx, 'k2', 'current', { activatedAt: later(1) });
    });
    expect(await signingKeys(db)).toEqual(
      [key('k1', 'previous'), { ...key('k2', 'current'), activatedAt: later(1) }].map((k) =>
        k.kid === 'k1' ? { ...k, activatedAt: t0 } : k,
      ),
    );
    expect(await setKeyStatus(db, 'k1', 'previous', { retiredAt: later(2) })).toBe(true);
    expect((await signingKeys(db))[0]).toMatchObject({ retiredAt: later(2), sealedPrivateJwk: '' });
    expect(await setKeyStatus(db, 'k1', 'current')).toBe(false);
    expect(await keyEpoch(db)).toBe(epoch + 5);
  });

  it('hands each message to one worker, sealed at rest, again after a lease or a retry, until done', async () => {
    const db = database.knex;
    const [kinds, leaseMs] = [['logout'], 10_000];
    const ids = [];
    for (let i = 0; i < 10; i += 1) {
      ids.push(
        await transaction(db, (tx) =>
          enqueue(tx, { kind: 'logout', target: 'library', payload: { i }, at: t0 }, testKeyring),
        ),
      );
    }
    expect(JSON.stringify(await db('outbox'))).not.toContain('"i"');
    const take = async (at: Date, wish: Claim) => (await claim(db, at, wish, testKeyring)).messages;
    const claimed = (await Promise.all(Array.from({ length: 5 }, () => take(t0, { kinds, limit: 4, leaseMs })))).flat();
    expect(claimed.map((message) => message.id).sort()).toEqual(
      [...new Set(claimed.map((message) => message.id))].sort(),
    );
    const rest = await take(t0, { kinds, limit: 10, leaseMs });
    expect([...claimed, ...rest].map((message) => message.id).sort()).toEqual(ids.sort());
    expect(await take(later(9), { kinds, limit: 10, leaseMs })).toEqual([]);
    expect(await take(later(10), { kinds: ['another'], limit: 10, leaseMs })).toEqual([]);
    const [first, second, ...others] = claimed;
    for (const message of [...others, ...rest]) await done(db, message.id);
    await done(db, first?.id ?? '');
    await retry(db, second?.id ?? '', later(600), 'timeout');
    expect(await take(later(599), { kinds, limit: 10, leaseMs })).toEqual([]);
    const again = await take(later(600), { kinds, limit: 10, leaseMs });
    expect(again).toEqual([{ ...second, attempts: 2 }]);
    await done(db, newId());
  });
});
