import { beforeAll, expect, it } from 'vitest';
import { ShiminError } from '../../src/lib/errors.ts';
import {
  bindPerson,
  contactsOf,
  findAccount,
  findAccountByContact,
  findAccountByUserHandle,
  insertContact,
  personOf,
  removeContact,
  setAccountStatus,
} from '../../src/storage/accounts.ts';
import { type Database, transaction } from '../../src/storage/db.ts';
import { addDocument, findAccountByDocument, setName } from '../../src/storage/persons.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0, testKeyring } from '../support/rows.ts';

const zhang = { category: 'mainland', name: '张伟', documentType: 'resident_id', birthDate: '1990-01-01' } as const;

withDatabases('accounts', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });

  it('gives an account back as it was stored', async () => {
    const account = await storedAccount(database.knex, { displayName: '张*' });
    expect(await findAccount(database.knex, account.id)).toEqual(account);
    expect(await findAccountByUserHandle(database.knex, account.passkeyUserHandle)).toEqual(account);
    expect(await findAccount(database.knex, 'nobody')).toBeNull();
  });

  it('changes the status, and never that of a closed account', async () => {
    const { id } = await storedAccount(database.knex);
    expect(await setAccountStatus(database.knex, id, 'suspended', later(1))).toBe(true);
    expect(await setAccountStatus(database.knex, id, 'suspended', later(2))).toBe(false);
    expect(await setAccountStatus(database.knex, id, 'closed', later(3))).toBe(true);
    expect(await setAccountStatus(database.knex, id, 'active', later(4))).toBe(false);
    expect((await findAccount(database.knex, id))?.status).toBe('closed');
  });

  it('finds a contact by its blind index and stores it sealed', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    await insertContact(database.knex, testKeyring, {
      accountId,
      kind: 'phone',
      value: '+8613800000001',
      confirmedAt: t0,
    });
    expect(await findAccountByContact(database.knex, testKeyring, 'phone', '+8613800000001')).toEqual({ accountId });
    expect(await findAccountByContact(database.knex, testKeyring, 'email', '+8613800000001')).toBeNull();
    const contacts = await contactsOf(database.knex, testKeyring, accountId);
    expect(contacts).toMatchObject([{ kind: 'phone', value: '+8613800000001', confirmedAt: t0 }]);
    expect(JSON.stringify(await database.knex('contacts').where({ account_id: accountId }))).not.toContain(
      '13800000001',
    );
    expect(await removeContact(database.knex, accountId, contacts[0]?.id ?? '')).toBe(true);
    expect(await contactsOf(database.knex, testKeyring, accountId)).toEqual([]);
  });

  it('renews a confirmation of its own contact and refuses the contact of another account', async () => {
    const a = await storedAccount(database.knex);
    const b = await storedAccount(database.knex);
    const contact = { kind: 'email', value: 'Zhang@Example.org' } as const;
    await insertContact(database.knex, testKeyring, { ...contact, accountId: a.id, confirmedAt: t0 });
    await insertContact(database.knex, testKeyring, { ...contact, accountId: a.id, confirmedAt: later(9) });
    expect(await contactsOf(database.knex, testKeyring, a.id)).toMatchObject([{ confirmedAt: later(9) }]);
    const stolen = { ...contact, value: 'zhang@example.org', accountId: b.id, confirmedAt: later(10) };
    await expect(insertContact(database.knex, testKeyring, stolen)).rejects.toMatchObject({ code: 'identity_in_use' });
    expect(await contactsOf(database.knex, testKeyring, a.id)).toMatchObject([{ confirmedAt: later(9) }]);
  });

  it('binds a person, with several documents and names, all of it sealed', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    const db = database.knex;
    const bound = await bindPerson(db, testKeyring, { ...zhang, accountId, documentNumber: '11010519491231002X' });
    expect(bound.created).toBe(true);
    await addDocument(db, testKeyring, { accountId, type: 'passport', number: 'E12345678', at: t0 });
    await addDocument(db, testKeyring, { accountId, type: 'passport', number: 'E12345678', at: t0 });
    await setName(db, testKeyring, { accountId, script: 'Latn', name: 'ZHANG WEI', at: t0 });
    expect(await personOf(db, testKeyring, accountId)).toMatchObject({
      category: 'mainland',
      name: '张伟',
      birthDate: '1990-01-01',
      documents: [
        { type: 'resident_id', number: '11010519491231002X' },
        { type: 'passport', number: 'E12345678' },
      ],
      names: [
        { script: 'registered', name: '张伟' },
        { script: 'Latn', name: 'ZHANG WEI' },
      ],
      records: [{ id: bound.record, name: '张伟', birthDate: '1990-01-01' }, { name: null }],
    });
    expect(await findAccountByDocument(db, testKeyring, 'resident_id', '11010519491231002x')).toEqual({ accountId });
    const rows = JSON.stringify([await db('persons'), await db('person_names'), await db('person_documents')]);
    for (const secret of ['张伟', '11010519491231002X', '1990-01-01', 'ZHANG', 'E12345678'])
      expect(rows).not.toContain(secret);
  });

  it('binds the same person again without effect, and never another one to the account', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    const db = database.knex;
    const first = await bindPerson(db, testKeyring, { ...zhang, accountId, documentNumber: '440106199001010017' });
    const again = await bindPerson(db, testKeyring, { ...zhang, accountId, documentNumber: '440106199001010017' });
    expect(again).toEqual({ ...first, created: false });
    await expect(
      bindPerson(db, testKeyring, { ...zhang, accountId, documentNumber: '440106199001010025' }),
    ).rejects.toMatchObject({
      code: 'identity_mismatch',
    });
  });

  it('lets exactly one of 20 accounts have a person, and leaves nothing of the others', async () => {
    const accounts = await Promise.all(Array.from({ length: 20 }, () => storedAccount(database.knex)));
    const won = await race(20, async (i) => {
      try {
        const facts = { ...zhang, accountId: accounts[i]?.id ?? '', documentNumber: '440305200001011238' };
        await transaction(database.knex, (tx) => bindPerson(tx, testKeyring, facts));
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(ShiminError);
        expect(error).toMatchObject({ code: 'identity_in_use' });
        return false;
      }
    });
    expect(won).toBe(1);
    const ids = accounts.map((account) => account.id);
    expect(await database.knex('persons').whereIn('account_id', ids)).toHaveLength(1);
  });

  it('does not open a column moved to another person', async () => {
    const a = await storedAccount(database.knex);
    const b = await storedAccount(database.knex);
    const db = database.knex;
    await bindPerson(db, testKeyring, { ...zhang, accountId: a.id, documentNumber: 'A1' });
    const bound = await bindPerson(db, testKeyring, { ...zhang, accountId: b.id, documentNumber: 'B1' });
    const stolen = await db('person_documents')
      .join('persons', 'persons.id', 'person_id')
      .where({ account_id: a.id })
      .first('sealed_number');
    await db('person_documents').where({ person_id: bound.personId }).update({ sealed_number: stolen.sealed_number });
    await expect(personOf(db, testKeyring, b.id)).rejects.toMatchObject({ code: 'internal' });
  });
});
