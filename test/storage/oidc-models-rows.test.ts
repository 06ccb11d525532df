import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encode } from '../../src/storage/oidc-models/record.ts';
import { emptyBatch, openRows, type Rows } from '../../src/storage/oidc-models/rows.ts';
import { sqliteRows } from '../../src/storage/oidc-models/sqlite-rows.ts';
import { type Opened, openPostgres, openSqlite } from './oidc-models-databases.ts';

const now = Date.UTC(2030, 0, 1);
const row = (model: string, id: string, payload: Record<string, unknown> = {}) =>
  encode(model, id, { jti: id, ...payload }, now + 60_000, undefined);
const nothing = emptyBatch();

describe.each([
  ['better-sqlite3', openSqlite, (opened: Opened) => openRows(opened.database)],
  // The statements and the road of the fallback driver, which is not installed here.
  ['sqlite3', openSqlite, (opened: Opened) => sqliteRows(opened.database.knex, undefined, null)],
  ['postgres', openPostgres, (opened: Opened) => openRows(opened.database)],
])('rows through %s', (_driver, open, make) => {
  let opened: Opened;
  let rows: Rows;
  beforeEach(async () => {
    opened = await open();
    rows = make(opened);
  }, 120_000);
  afterEach(() => opened.stop());

  test('rows come back as they went, and a token with its grant and session in any order', async () => {
    const grant = row('Grant', 'g', { accountId: 'a' });
    const session = row('Session', 's', { uid: 'u', accountId: 'a' });
    const token = row('RefreshToken', 'r', { grantId: 'g', sessionUid: 'u' });
    await rows.write({ ...nothing, puts: [grant, session, token] });
    expect((await rows.find(token.key, now, false)).map((each) => each.key)).toEqual([token.key]);
    const [found] = await rows.find(token.key, now, true);
    expect(found).toEqual(token);
    expect(await rows.findSession('u', now)).toEqual(session);
    expect(await rows.find(token.key, now + 60_000, true)).toEqual([]);
  });

  test('a change applies to the version that was read and to no other', async () => {
    const first = row('Session', 's', { uid: 'u' });
    await rows.write({ ...nothing, puts: [first] });
    expect((await rows.write({ ...nothing, changes: [{ ...first, payload: '{"a":1}' }] })).lost).toEqual([]);
    expect((await rows.write({ ...nothing, changes: [{ ...first, payload: '{"a":2}' }] })).lost).toEqual([first.key]);
    expect((await rows.find(first.key, now, false))[0]).toMatchObject({ payload: '{"a":1}', version: 1 });
    await rows.write({ ...nothing, deletes: [first.key] });
    expect((await rows.write({ ...nothing, changes: [{ ...first, version: 1 }] })).lost).toEqual([first.key]);
    expect(await rows.find(first.key, now, false)).toEqual([]);
  });

  test('what comes of a code is written by one of many, and of the rest nothing', async () => {
    const code = row('AuthorizationCode', 'shared');
    const gone = row('AccessToken', 'deleted by the winner only');
    await rows.write({ ...nothing, puts: [code, gone] });
    const tokens = Array.from({ length: 8 }, (_, i) => row('AccessToken', `from the code ${i}`));
    const outcomes = await Promise.all(
      tokens.map((token) => rows.write({ ...nothing, consume: { key: code.key, at: now }, puts: [token] })),
    );
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const found = await Promise.all(tokens.map((token) => rows.find(token.key, now, false)));
    expect(found.map((each) => each.length)).toEqual(outcomes.map(({ replayed }) => (replayed ? 0 : 1)));
    const late = { ...nothing, consume: { key: code.key, at: now }, changes: [gone], deletes: [gone.key] };
    expect((await rows.write(late)).replayed).toBe(true);
    expect(await rows.find(gone.key, now, false)).toHaveLength(1);
  });

  test('one of many consumes; the grant and its tokens go together', async () => {
    const token = row('AuthorizationCode', 'c', { grantId: 'g' });
    const grant = row('Grant', 'g');
    await rows.write({ ...nothing, puts: [token, grant] });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => rows.consume(token.key, now)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await rows.consume(grant.key, now + 60_000)).toBe(false);
    await rows.revokeFamilyOf(token.key);
    expect(await rows.find(token.key, now, false)).toEqual([]);
    expect(await rows.find(grant.key, now, false)).toEqual([]);
  });

  test('a replay entry is taken once until it expires', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => rows.insertReplay('k', now + 10, now)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await rows.insertReplay('k', now + 20, now + 10)).toBe(true);
  });

  test('a write that fails takes nobody else with it', async () => {
    const bad = row('AccessToken', 'bad');
    // The column forbids it, as it would forbid what a bug might send.
    Object.assign(bad, { model: null });
    const outcomes = await Promise.allSettled([
      rows.write({ ...nothing, puts: [row('AccessToken', 'one')] }),
      rows.write({ ...nothing, puts: [row('AccessToken', 'two'), bad] }),
      rows.write({ ...nothing, puts: [row('AccessToken', 'three')] }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await rows.find(row('AccessToken', 'one').key, now, false)).toHaveLength(1);
    expect(await rows.find(row('AccessToken', 'two').key, now, false)).toHaveLength(0);
  });
});
