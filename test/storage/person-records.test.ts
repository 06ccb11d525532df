import { expect, it } from 'vitest';
import { down, up } from '../../migrations/202611301150_person_records.ts';
import { newId } from '../../src/lib/crypto.ts';
import { bindPerson, personOf } from '../../src/storage/accounts.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { addDocument } from '../../src/storage/persons.ts';
import { withDatabases } from '../support/databases.ts';
import { storedAccount, t0, testKeyring } from '../support/rows.ts';

withDatabases('records of persons from before', (makeDb) => {
  it('evidence is of the only document, or of the one that its source vouches for, or of none', async () => {
    const { knex: db } = await makeDb();
    const [one, two] = [(await storedAccount(db)).id, (await storedAccount(db)).id];
    const bind = (accountId: string, documentType: string, documentNumber: string) =>
      bindPerson(db, testKeyring, {
        ...{ accountId, category: 'hong_kong', name: '陳大文', birthDate: '1985-03-03', documentType, documentNumber },
      });
    await bind(one, 'cn_hm_travel_permit', 'H11111111');
    await bind(two, 'cn_hm_travel_permit', 'H22222222');
    await addDocument(db, testKeyring, { accountId: two, type: 'hk_id', number: 'A1234563', at: t0 });
    await down(db);
    const wrote = async (account_id: string, kind: string, source: string, reference: string, more: object = {}) => {
      const row = { id: newId(), account_id, kind, source, reference, category: 'hong_kong', strength: 'strong' };
      await db('evidence').insert({ ...row, confirmed: '["name","document_number"]', recorded_at: 1, ...more });
      return row.id;
    };
    const ids = {
      contact: await wrote(one, 'contact', 'sms', '', { confirmed: '["phone"]' }),
      only: await wrote(one, 'elements', 'unionpay', 'x'),
      nameless: await wrote(one, 'upstream', 'wechat', 'x', { confirmed: '["name"]' }),
      permit: await wrote(two, 'document', 'exit-entry', 'r-1', { revoked_at: 5 }),
      face: await wrote(two, 'face', 'face', 'r-1', { confirmed: '["photo"]' }),
      card: await wrote(two, 'upstream', 'iam-smart', 'x'),
      open: await wrote(two, 'upstream', 'openid', 'x'),
    };
    await up(db);
    const of = new Map(
      [...(await evidenceOf(db, one)), ...(await evidenceOf(db, two))].map((row) => [row.id, row.record]),
    );
    const [single, both] = [await personOf(db, testKeyring, one), await personOf(db, testKeyring, two)];
    const [permit, card] = both?.records ?? [];
    expect(Object.entries(ids).map(([name, id]) => [name, of.get(id)])).toEqual([
      ['contact', null],
      ['only', single?.records[0]?.id],
      ['nameless', null],
      ['permit', permit?.id],
      ['face', permit?.id],
      ['card', card?.id],
      ['open', null],
    ]);
    expect(permit).toMatchObject({ name: '陳大文', birthDate: '1985-03-03', documents: [{ number: 'H22222222' }] });
    expect(card).toMatchObject({ name: null, documents: [{ type: 'hk_id' }] });
    const changed = db('evidence').where({ id: ids.only }).update({ record_id: 'other' });
    await expect(changed).rejects.toThrow('append-only');
  });
});
