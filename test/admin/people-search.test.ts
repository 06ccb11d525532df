import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewritePersons } from '../../src/commands/rewrite-persons.ts';
import { blindIndex, newPersonKey, sealFor } from '../../src/lib/crypto.ts';
import { bindPerson } from '../../src/storage/accounts.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { databaseKinds, type FreshDatabase, freshDatabase } from '../support/databases.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';

describe.each(databaseKinds)('staff find a person by what the person gives [%s]', (kind) => {
  let fresh: FreshDatabase;
  let city: TestCity;
  let room: Staffroom;
  let desk: Desk;
  beforeAll(async () => {
    fresh = await freshDatabase(kind);
    city = await startCity({ SHIMIN_DATABASE_URL: fresh.url });
    room = await openStaffroom(city);
    desk = await room.desk(['support']);
  });
  afterAll(async () => {
    await room?.close();
    await city?.close();
    await fresh?.remove();
  });

  const person = async (documentType: string, documentNumber: string) => {
    const { id: accountId } = await storedAccount(room.db, {
      sealedKey: newPersonKey(room.keyring).sealedKey,
    });
    const who = { accountId, category: 'foreign', name: 'JOHN A. SMITH' } as const;
    await bindPerson(room.db, room.keyring, { ...who, documentType, documentNumber });
    return accountId;
  };
  const find = (type: string, value: string) =>
    desk.post('/admin/people/find', { kind: `document.${type}`, value, reason: 'citizen_called' });

  it.each([
    ['hk_id', 'A1234563', ['A123456(3)', 'a123456（3）', 'Ａ１２３４５６３']],
    ['cn_hm_travel_permit', 'H7654321001', ['H76543210', 'H7654321002', 'h 7654-3210']],
    ['cn_tw_travel_permit', '12345678', ['1234567801(D)', '1234 5678']],
    ['cn_resident_id', '130503196704010016', ['130503670401001', '１３０５０３１９６７０４０１００１６']],
    ['passport', 'UTO:L898902C3', ['L898902C3', 'uto l898902c3', 'UTO:L898902C3']],
    ['mo_bir', '1234567(8)', ['1/234567/8', '12345678']],
  ])('%s %s', async (type, stored, given) => {
    const accountId = await person(type, stored);
    for (const value of given) {
      const answer = await find(type, value);
      expect([value, answer.status, answer.headers.get('location')]).toEqual([
        value,
        303,
        `/admin/people/${accountId}`,
      ]);
    }
  });

  it('two accounts that hold one document in two spellings are shown as a pair, by their numbers only', async () => {
    const [one, two] = [await person('hk_id', 'Q6543215'), await person('hk_id', 'O1234561')];
    const row = await room
      .db('person_documents as d')
      .join('persons as p', 'p.id', 'd.person_id')
      .where({ account_id: two })
      .first('d.id', 'p.id as person');
    const { sealed_key: key } = await room.db('accounts').where({ id: two }).first('sealed_key');
    await room
      .db('person_documents')
      .where({ id: row.id })
      .update({
        sealed_number: sealFor(room.keyring, key, 'Q654321(5)', `person:${row.person}:document:hk_id`),
        number_blind: blindIndex(room.keyring, 'document:hk_id', 'Q654321(5)'),
        form: 0,
      });
    await rewritePersons({ db: room.db, keyring: room.keyring, clock: () => new Date() });
    const html = await (await desk.get('/admin/merges', 'text/html')).text();
    for (const id of [one, two]) expect(html).toContain(`href="/admin/people/${id}"`);
    expect(html).not.toContain('654321');
  });

  it('a passport’s number that two states use says that the state is needed, and opens nobody’s record', async () => {
    const [one] = [await person('passport', 'UTO:X1234567'), await person('passport', 'AUS:X1234567')];
    const several = await find('passport', 'X1234567');
    expect(several.status).toBe(422);
    const looks = await room.db('staff_looks').where({ staff_id: desk.accountId, account_id: one });
    expect(looks).toEqual([]);
    expect((await find('passport', 'UTO X1234567')).headers.get('location')).toBe(`/admin/people/${one}`);
  });
});
