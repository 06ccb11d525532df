import { beforeEach, expect, it } from 'vitest';
import { hearRegister } from '../../src/commands/hear-register.ts';
import { rewritePersons } from '../../src/commands/rewrite-persons.ts';
import { blindIndex, newId, sealFor } from '../../src/lib/crypto.ts';
import { addDocument, bindPerson, personOf } from '../../src/storage/accounts.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { formOfRows, openDisputes } from '../../src/storage/canonical-rows.ts';
import type { Db } from '../../src/storage/db.ts';
import { evidenceOf, insertEvidence } from '../../src/storage/evidence.ts';
import { findAccountByDocument, findAccountsByNumber } from '../../src/storage/person-documents.ts';
import { withDatabases } from '../support/databases.ts';
import { later, storedAccount, t0, testKeyring } from '../support/rows.ts';

withDatabases('documents and names of persons', (makeDb) => {
  let db: Db;
  beforeEach(async () => {
    ({ knex: db } = await makeDb());
  });

  const deps = (clock = () => t0) => ({ db, keyring: testKeyring, clock });
  const bound = async (type: string, number: string, name = '陳大文') => {
    const { id: accountId } = await storedAccount(db);
    await bindPerson(db, testKeyring, {
      ...{ accountId, category: 'hong_kong', name, documentType: type, documentNumber: number, at: t0 },
    });
    return accountId;
  };

  /** A person as the version before wrote one: the number as it came, under the fingerprint of that spelling. */
  const old = async (type: string, number: string, name = '陳大文') => {
    const account = await storedAccount(db);
    const personId = newId();
    await db('persons').insert({ id: personId, account_id: account.id, category: 'hong_kong', created_at: 1 });
    await oldDocument(personId, account.sealedKey, type, number);
    await db('person_names').insert({
      ...{ id: newId(), person_id: personId, script: 'registered', registered: true, created_at: 1 },
      sealed_name: sealFor(testKeyring, account.sealedKey, name, `person:${personId}:name:registered`),
    });
    return { accountId: account.id, personId, sealedKey: account.sealedKey };
  };
  const oldDocument = (personId: string, sealedKey: string, type: string, number: string) =>
    db('person_documents').insert({
      ...{ id: newId(), person_id: personId, type, created_at: 1 },
      sealed_number: sealFor(testKeyring, sealedKey, number, `person:${personId}:document:${type}`),
      number_blind: blindIndex(testKeyring, `document:${type}`, number),
    });
  const owner = (type: string, number: string) => findAccountByDocument(db, testKeyring, type, number);
  const rows = async () => JSON.stringify([await db('person_documents').orderBy('id'), await db('person_names')]);

  it.each([
    ['cn_hm_travel_permit', 'H1234567801', 'H12345678', 'cn_hm_travel_permit'],
    ['cn_tw_travel_permit', '05616820', '0561682001(D)', 'cn_tw_travel_permit'],
    ['cn_resident_id', '110105 19491231 002x', '11010519491231002X', 'cn_resident_id'],
    ['cn_resident_id_15', '130503670401001', '130503196704010016', 'cn_resident_id'],
    ['hk_id', 'A123456(3)', 'ａ1234563', 'hk_id'],
    ['mo_bir', '1/234567/8', '1234567（8）', 'mo_bir'],
    ['passport', 'D<<:C01X00T47', 'D:C01X00T47', 'passport'],
  ])('%s %s and %s are one key: one account has it', async (type, first, second, sameType) => {
    const accountId = await bound(type, first);
    expect(await owner(sameType, second)).toEqual({ accountId });
    await expect(bound(sameType, second)).rejects.toMatchObject({ code: 'identity_in_use' });
    await addDocument(db, testKeyring, { accountId, type: sameType, number: second, at: t0 });
    expect(await db('person_documents')).toHaveLength(1);
  });

  it('a notice of the register in another spelling takes the evidence all the same', async () => {
    const accountId = await bound('cn_resident_id', '11010519491231002X');
    await insertEvidence(db, {
      ...{ accountId, kind: 'population', source: 'population', strength: 'strong', category: 'mainland' },
      ...{ confirmed: ['name', 'document_number'], recordedAt: t0, expiresAt: null, reference: 'r' },
    });
    const notice = { documentType: 'cn_resident_id', documentNumber: '110105-19491231-002x' } as const;
    expect(await hearRegister(deps(), { ...notice, status: 'deceased', requestId: null })).toBe(1);
    expect((await evidenceOf(db, accountId)).map(({ revokedAt }) => revokedAt !== null)).toEqual([true]);
  });

  it('rows of before are found in every spelling once they are written anew, and a second run changes nothing', async () => {
    const spelled = [
      ['hk_id', 'A123456(3)', 'A1234563'],
      ['cn_hm_travel_permit', 'H1234567801', 'H12345678'],
      ['cn_resident_id_15', '130503670401001', '130503196704010016'],
      ['passport', 'UTO:L898902C3', 'UTO:L898902C3'],
    ] as const;
    const ids: string[] = [];
    for (const [type, number] of spelled) ids.push((await old(type, number, 'JOHN A\u00B7 SMITH')).accountId);
    expect(await owner('hk_id', 'A1234563')).toBeNull();
    expect(await formOfRows(db)).toEqual({ stale: 8, disputed: 0 });

    expect(await rewritePersons(deps())).toEqual({ documents: 4, names: 4, disputes: 0, unreadable: 0 });
    for (const [i, [type, number, canonical]] of spelled.entries()) {
      expect(await owner(type, number)).toEqual({ accountId: ids[i] });
      expect(await owner(type, canonical)).toEqual({ accountId: ids[i] });
      const person = await personOf(db, testKeyring, ids[i] ?? '');
      expect(person?.documents[0]?.number).toBe(canonical);
      expect(person?.name).toBe('JOHN A. SMITH');
    }
    expect((await personOf(db, testKeyring, ids[2] ?? ''))?.documents[0]?.type).toBe('cn_resident_id');
    expect(await findAccountsByNumber(db, testKeyring, 'passport', 'L898902C3')).toEqual([ids[3]]);

    const before = await rows();
    expect(await rewritePersons(deps())).toEqual({ documents: 0, names: 0, disputes: 0, unreadable: 0 });
    expect(await rows()).toBe(before);
  });

  it('goes on where it was interrupted, over more rows than one batch', async () => {
    for (let i = 0; i < 205; i += 1) await old('hk_id', `A${String(100_000 + i)}(3)`);
    await db.raw('update person_documents set form = 1 where id = (select max(id) from person_documents)');
    expect(await rewritePersons(deps())).toMatchObject({ documents: 204, names: 205 });
    expect(await formOfRows(db)).toEqual({ stale: 0, disputed: 0 });
  });

  it('two runs at once write each row once and lose none', async () => {
    for (let i = 0; i < 20; i += 1) await old('hk_id', `A${String(200_000 + i)}(3)`);
    const runs = await Promise.all([rewritePersons(deps()), rewritePersons(deps())]);
    expect(runs.reduce((sum, { documents }) => sum + documents, 0)).toBe(20);
    expect(await owner('hk_id', 'A2000003')).not.toBeNull();
  });

  it('two spellings that one person holds become one document', async () => {
    const { accountId, personId, sealedKey } = await old('cn_hm_travel_permit', 'H12345678');
    await oldDocument(personId, sealedKey, 'cn_hm_travel_permit', 'H1234567801');
    await rewritePersons(deps());
    expect((await personOf(db, testKeyring, accountId))?.documents).toEqual([
      { type: 'cn_hm_travel_permit', number: 'H12345678' },
    ]);
  });

  it('one document of two accounts is taken from neither: both have a line, staff see the pair, later runs look again', async () => {
    const first = await old('cn_hm_travel_permit', 'H12345678');
    const second = await old('cn_hm_travel_permit', 'H1234567801');
    expect(await rewritePersons(deps())).toMatchObject({ documents: 1, disputes: 1 });
    expect(await owner('cn_hm_travel_permit', 'H1234567801')).toEqual({ accountId: first.accountId });
    expect((await personOf(db, testKeyring, second.accountId))?.documents).toHaveLength(1);
    expect(await openDisputes(db, testKeyring)).toEqual([
      { accountId: second.accountId, otherId: first.accountId, type: 'cn_hm_travel_permit', foundAt: t0 },
    ]);
    const lines = (await readAudit(db, { afterSeq: 0, limit: 100 })).filter(({ type }) => type === 'document.disputed');
    expect(lines.map(({ accountId }) => accountId).sort()).toEqual([first.accountId, second.accountId].sort());
    expect(JSON.stringify(lines)).not.toContain('H12345678');
    expect(await rewritePersons(deps())).toMatchObject({ documents: 0, disputes: 0 });

    // The first is no longer theirs: the second gets its one key, and the dispute is over.
    await db('person_documents').where({ person_id: first.personId }).delete();
    expect(await rewritePersons(deps(() => later(60)))).toMatchObject({ documents: 1, disputes: 0 });
    expect(await owner('cn_hm_travel_permit', 'H12345678')).toEqual({ accountId: second.accountId });
    expect(await openDisputes(db, testKeyring)).toEqual([]);
  });

  it('what does not open any more is left as it is and counted', async () => {
    const { accountId } = await old('hk_id', 'A123456(3)');
    await db('accounts').where({ id: accountId }).update({ sealed_key: '' });
    expect(await rewritePersons(deps())).toEqual({ documents: 0, names: 0, disputes: 0, unreadable: 2 });
    expect(await db('person_documents')).toHaveLength(1);
  });

  it('names are stored as the one rule writes them, whoever brings them', async () => {
    const accountId = await bound('hk_id', 'A1234563', ' JOHN\u200B  A. SMITH ');
    expect((await personOf(db, testKeyring, accountId))?.name).toBe('JOHN A. SMITH');
  });

  it('a passport’s number leads to its holder without its state, unless two states use it', async () => {
    const one = await bound('passport', 'UTO:L898902C3');
    const find = (given: string) => findAccountsByNumber(db, testKeyring, 'passport', given);
    expect(await find('l898902c3')).toEqual([one]);
    expect(await find('UTO L898902C3')).toEqual([one]);
    const two = await bound('passport', 'AUS:L898902C3');
    expect((await find('L898902C3')).sort()).toEqual([one, two].sort());
    expect(await find('AUS:L898902C3')).toEqual([two]);
    const three = await bound('passport', 'UTO:ABC123456');
    expect(await find('ABC 123456')).toEqual([three]);
    expect(await find('L898902C4')).toEqual([]);
  });
});
