import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/lib/crypto.ts';
import type { Db } from '../../src/storage/db.ts';
import { aliasesOf } from '../../src/storage/merges.ts';
import { openLook } from '../../src/storage/staff-looks.ts';
import { startCity, type TestCity } from '../support/city.ts';
import { storedAccount } from '../support/rows.ts';
import { type Desk, openStaffroom, type Staffroom } from '../support/staff-http.ts';

let city: TestCity;
let room: Staffroom;
beforeAll(async () => {
  city = await startCity();
  room = await openStaffroom(city);
});
afterAll(async () => {
  await room?.close();
  await city?.close();
});

const look = (db: Db, desk: Desk, accountId: string) =>
  openLook(db, {
    ...{ staffId: desk.accountId, accountId, reason: 'citizen_present' },
    until: new Date(Date.now() + 600_000),
  });
const waiting = async (db: Db) => db('changes').where({ status: 'proposed' }).first('id', 'revision');

it('two officials who have looked both up merge two accounts, and undo it; an app goes on seeing the subject it knows', async () => {
  const { db } = room;
  const [one, two] = [await room.desk(['support']), await room.desk(['support'])];
  const [keep, gone] = [await storedAccount(db), await storedAccount(db)];
  const pair = { keepId: keep.id, goneId: gone.id };
  await db('consents').insert({
    ...{ account_id: gone.id, client_id: 'library', scopes: '["openid"]', claims: '[]', given_at: 1 },
  });

  expect((await one.post('/admin/merges/propose', pair)).status).toBe(422);
  expect((await one.post('/admin/merges/propose', { ...pair, reason: 'one person' })).status).toBe(409);
  for (const id of [keep.id, gone.id]) await look(db, one, id);
  expect((await one.post('/admin/merges/propose', { ...pair, reason: 'one person' })).status).toBe(303);

  const { id, revision } = await waiting(db);
  const decision = { decision: 'approve', revision: String(revision) };
  expect((await one.post(`/admin/merges/${id}/decide`, decision)).status).toBe(403);
  expect((await two.post(`/admin/merges/${id}/decide`, decision)).status).toBe(409);
  for (const each of [keep.id, gone.id]) await look(db, two, each);
  const page = await (await two.get('/admin/merges', 'text/html')).text();
  expect(page).toContain(gone.id);
  expect(page).not.toContain('value="approve"');
  expect((await two.post(`/admin/merges/${id}/decide`, decision)).status).toBe(409);
  // `test/attacks/merge-ceremony.test.ts` signs both holders in and lets them say so.
  await db('merge_answers').where({ change_id: id }).update({ answer: 'yes' });
  expect(await (await two.get('/admin/merges', 'text/html')).text()).toContain('value="approve"');
  expect(page).not.toMatch(/undefined|\[object Object\]/);
  expect((await two.post(`/admin/merges/${id}/decide`, decision)).status).toBe(303);

  // Read from the table: what this process would hold of it in memory may be a second old, as on another node.
  expect([...(await aliasesOf(db, keep.id)).values()]).toEqual([gone.id]);
  const done = await (await one.get('/admin/merges?done=approved', 'text/html')).text();
  expect(done).toContain('/undo"');

  const merge = await db('merges').where({ gone_id: gone.id }).first('id');
  expect((await two.post(`/admin/merges/${merge.id}/undo`, { reason: 'it was wrong' })).status).toBe(303);
  const back = await waiting(db);
  const undo = { decision: 'approve', revision: String(back.revision) };
  expect((await one.post(`/admin/merges/${back.id}/decide`, undo)).status).toBe(303);
  expect(await aliasesOf(db, keep.id)).toEqual(new Map());
  expect(await db('accounts').where({ id: gone.id }).first('status')).toEqual({ status: 'active' });
  expect(await db('consents').where({ account_id: gone.id }).first('client_id')).toEqual({ client_id: 'library' });
});

it('support is shown who is in dispute at the counter, with the state', async () => {
  const { db } = room;
  const support = await room.desk(['support']);
  const [here, other] = [await storedAccount(db), await storedAccount(db)];
  const id = newId();
  await db('counter_cases').insert({
    ...{
      id,
      account_id: here.id,
      officials: 2,
      status: 'disputed',
      opened_at: 1,
      expires_at: 2,
      closed_at: 3,
      revision: 3,
    },
    ...{ reason: 'claimed_as_strongly', document_type: 'passport', category: 'foreign', other_account_id: other.id },
  });
  const shown = async () => {
    const page = await (await support.get('/admin/merges', 'text/html')).text();
    return page.slice(page.indexOf('id="at-counter"'), page.indexOf('Waiting for a second official'));
  };
  const open = await shown();
  for (const text of [here.id, other.id, 'Another account proved the same document', '>Open<'])
    expect(open).toContain(text);
  expect(open).not.toMatch(/undefined|\[object Object\]/);
  await db('counter_cases').insert({
    ...{
      id: newId(),
      account_id: here.id,
      officials: 1,
      status: 'confirmed',
      opened_at: 4,
      expires_at: 5,
      revision: 1,
    },
  });
  expect(await shown()).toContain('>Settled<');
});
