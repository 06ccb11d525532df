import { beforeAll, expect, it } from 'vitest';
import { type Database, transaction } from '../../src/storage/db.ts';
import { MOST_EVENTS } from '../../src/storage/event-bounds.ts';
import {
  adoptEvents,
  endSessions,
  eventsOfInteraction,
  eventsOfSession,
  insertEvent,
  type NewEvent,
  pruneSessions,
  sessionRecordsOf,
  upsertSessionRecord,
} from '../../src/storage/sessions.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0 } from '../support/rows.ts';

const facts = {
  method: 'passkey',
  credentialId: 'c',
  factors: ['possession', 'inherence'],
  userVerified: true,
  phishingResistant: true,
  deviceBound: false,
} as const;

withDatabases('sessions', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });
  const event = (accountId: string, changes: Partial<NewEvent> = {}): NewEvent => ({
    ...facts,
    accountId,
    at: t0,
    sessionUid: null,
    interactionUid: null,
    ...changes,
  });
  const record = (accountId: string, uid: string, seconds = 0) => ({
    uid,
    accountId,
    userAgent: 'Firefox',
    ip: '198.51.100.0',
    createdAt: t0,
    lastSeenAt: later(seconds),
  });

  it('adopts the events of an interaction once, for its own account only', async () => {
    const a = await storedAccount(database.knex);
    const b = await storedAccount(database.knex);
    const stored = await insertEvent(database.knex, event(a.id, { interactionUid: 'i1' }));
    await insertEvent(database.knex, event(b.id, { interactionUid: 'i1' }));
    expect(await eventsOfInteraction(database.knex, 'i1')).toHaveLength(2);
    const adoption = { interactionUid: 'i1', accountId: a.id, sessionUid: 's1', at: later(1) };
    expect(await race(20, async () => (await adoptEvents(database.knex, adoption)) === 1)).toBe(1);
    expect(await adoptEvents(database.knex, { ...adoption, sessionUid: 's2' })).toBe(0);
    expect(await eventsOfSession(database.knex, 's1')).toEqual([stored]);
    expect(stored).toMatchObject({ ...facts, accountId: a.id, at: t0, interaction: 'i1' });
    expect(await eventsOfSession(database.knex, 's2')).toEqual([]);
  });

  it('keeps the newest of each class and no more than so many in all, in a session and in an interaction', async () => {
    const { id } = await storedAccount(database.knex);
    const other = await storedAccount(database.knex);
    const [sessionUid, interactionUid] = [`busy-${id}`, `busy-interaction-${id}`];
    const strong = { method: 'passkey', credentialId: 'rare', deviceBound: true } as const;
    const first = await insertEvent(database.knex, event(id, { ...strong, interactionUid }));
    const old = await insertEvent(database.knex, event(id, { credentialId: 'often', at: later(1), interactionUid }));
    const foreign = await insertEvent(database.knex, event(other.id, { sessionUid: `else-${id}` }));
    for (let i = 2; i < MOST_EVENTS + 20; i += 1)
      await insertEvent(database.knex, event(id, { credentialId: 'often', at: later(i), interactionUid }));
    const waiting = await eventsOfInteraction(database.knex, interactionUid);
    expect(waiting).toHaveLength(MOST_EVENTS);
    expect(waiting).toContainEqual(first);
    expect(waiting).not.toContainEqual(old);
    expect(waiting.at(-1)?.at).toEqual(later(MOST_EVENTS + 19));

    for (const uid of [interactionUid, `${interactionUid}-2`]) {
      if (uid !== interactionUid) {
        const password = { method: 'password', factors: ['knowledge'], credentialId: null } as const;
        await insertEvent(database.knex, event(id, { ...password, at: later(200), interactionUid: uid }));
      }
      await adoptEvents(database.knex, { interactionUid: uid, accountId: id, sessionUid, at: later(300) });
    }
    const kept = await eventsOfSession(database.knex, sessionUid);
    expect(kept).toHaveLength(MOST_EVENTS);
    expect(new Set(kept.map(({ credentialId }) => credentialId))).toEqual(new Set(['rare', 'often', null]));
    expect(await eventsOfSession(database.knex, `else-${id}`)).toEqual([foreign]);
  });

  it('shows the live sessions of an account, newest first', async () => {
    const { id } = await storedAccount(database.knex);
    await upsertSessionRecord(database.knex, record(id, `old-${id}`, 1));
    await upsertSessionRecord(database.knex, record(id, `new-${id}`, 5));
    await upsertSessionRecord(database.knex, record(id, `old-${id}`, 9));
    expect((await sessionRecordsOf(database.knex, id)).map((row) => [row.uid, row.lastSeenAt])).toEqual([
      [`old-${id}`, later(9)],
      [`new-${id}`, later(5)],
    ]);
  });

  it('ends one, all but one, or all sessions, with their events; they never come back', async () => {
    const { id } = await storedAccount(database.knex);
    const uids = ['x', 'y', 'z'].map((name) => `${name}-${id}`);
    const [x = '', y = '', z = ''] = uids;
    for (const uid of uids) {
      await upsertSessionRecord(database.knex, record(id, uid));
      await insertEvent(database.knex, event(id, { sessionUid: uid, interactionUid: `i-${uid}` }));
    }
    const underWay = () => insertEvent(database.knex, event(id, { interactionUid: `under-way-${id}` }));
    await underWay();
    const end = async (which: Parameters<typeof endSessions>[2]) =>
      (await transaction(database.knex, (tx) => endSessions(tx, id, which))).uids;
    expect(await end({ uid: x, at: later(3) })).toEqual([x]);
    expect(await end({ uid: x, at: later(4) })).toEqual([]);
    expect(await eventsOfSession(database.knex, x)).toEqual([]);
    // One session ended is no word about what is under way elsewhere; all others are.
    expect(await eventsOfInteraction(database.knex, `under-way-${id}`)).toHaveLength(1);
    expect(await end({ except: z })).toEqual([y]);
    expect(await eventsOfInteraction(database.knex, `under-way-${id}`)).toEqual([]);
    await underWay();
    expect(await eventsOfSession(database.knex, z)).toHaveLength(1);
    await upsertSessionRecord(database.knex, record(id, x, 99));
    expect((await sessionRecordsOf(database.knex, id)).map((row) => row.uid)).toEqual([z]);
    expect(await end({})).toEqual([z]);
    expect(await eventsOfInteraction(database.knex, `under-way-${id}`)).toEqual([]);
  });

  it("never ends another account's session", async () => {
    const a = await storedAccount(database.knex);
    const b = await storedAccount(database.knex);
    const uid = `of-${b.id}`;
    await upsertSessionRecord(database.knex, record(b.id, uid));
    expect((await transaction(database.knex, (tx) => endSessions(tx, a.id, { uid }))).uids).toEqual([]);
    await upsertSessionRecord(database.knex, record(a.id, uid, 50));
    expect(await sessionRecordsOf(database.knex, b.id)).toMatchObject([{ uid, lastSeenAt: t0 }]);
  });

  it('deletes the engine rows of an ended session and the tokens issued in it', async () => {
    const { id } = await storedAccount(database.knex);
    const uid = `engine-${id}`;
    const row = { payload: '{}', version: 0, expires_at: later(999).getTime(), account_id: id };
    await database
      .knex('oidc_models')
      .insert({ ...row, key: `s-${id}`.slice(0, 43), model: 'Session', session_uid: uid });
    await database.knex('oidc_models').insert({ ...row, key: `g-${id}`.slice(0, 43), model: 'Grant' });
    await database.knex('oidc_models').insert({
      ...row,
      key: `t-${id}`.slice(0, 43),
      model: 'AccessToken',
      session_uid: uid,
      grant_key: `g-${id}`.slice(0, 43),
    });
    expect((await transaction(database.knex, (tx) => endSessions(tx, id, { uid }))).uids).toEqual([uid]);
    expect(await database.knex('oidc_models').where({ session_uid: uid })).toEqual([]);
  });

  it('prunes what is old', async () => {
    await pruneSessions(database.knex, later(1_000_000), 10_000);
    expect(await database.knex('authentication_events')).toEqual([]);
    expect(await database.knex('session_records')).toEqual([]);
  });
});
