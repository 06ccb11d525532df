import { beforeEach, expect, it } from 'vitest';
import type { AssurancePolicy } from '../../src/assurance/policy.ts';
import { announceLevels } from '../../src/commands/announce-levels.ts';
import { killSource } from '../../src/commands/switch-source.ts';
import { open } from '../../src/lib/crypto.ts';
import { saveConsent } from '../../src/storage/consents.ts';
import type { Db } from '../../src/storage/db.ts';
import { insertEvidence } from '../../src/storage/evidence.ts';
import { appendPolicy, currentPolicy } from '../../src/storage/policies.ts';
import { insertStream, setStreamStatus } from '../../src/storage/signal-streams.ts';
import { loa, type Office, openOffice } from '../admin/staff-support.ts';
import { withDatabases } from '../support/databases.ts';
import { ownNumber, storedAccount, testKeyring } from '../support/rows.ts';
import { registerReceiver } from './support.ts';

const day = 86_400_000;

withDatabases('levels of many', (makeDb) => {
  let db: Db;
  let office: Office;
  let streamId: string;

  beforeEach(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
    for (const id of ['receiver', 'deaf']) await registerReceiver({ db, keyring: testKeyring }, id);
    const settings = { method: 'poll', endpointUrl: null, authorization: null, eventsRequested: null } as const;
    streamId = (await insertStream(db, testKeyring, 'receiver', { ...settings, description: null }, office.now)) ?? '';
    await announceLevels(office.deps);
  });

  const move = (ms: number) => {
    office.now = new Date(office.now.getTime() + ms);
  };
  /** A citizen at level 3 whom the app knows. */
  const citizen = async (app = 'receiver', expiresAt: Date | null = null) => {
    const { id } = await storedAccount(db);
    const facts = {
      accountId: id,
      strength: 'strong',
      recordedAt: office.now,
      reference: null,
      record: 'one',
    } as const;
    const record = { ...facts, kind: 'population', source: 'population', expiresAt: null } as const;
    await insertEvidence(db, { ...record, confirmed: ['name', 'document_number'] });
    await insertEvidence(db, { ...facts, ...ownNumber, expiresAt: null });
    await insertEvidence(db, { ...facts, kind: 'face', source: 'face', expiresAt, confirmed: ['liveness', 'photo'] });
    await saveConsent(db, { accountId: id, clientId: app, scopes: ['openid'], claims: [], givenAt: office.now });
    return id;
  };
  const publish = async (change: (document: AssurancePolicy) => AssurancePolicy) => {
    const { version, document } = await currentPolicy(db);
    const next = { ...change(document), version: version + 1 };
    const at = office.now;
    expect(
      await appendPolicy(db, {
        version: version + 1,
        document: next,
        createdBy: 'test',
        at,
        expectedPrevious: version,
      }),
    ).toBe(true);
  };
  /** Faces are worth nothing after `seconds`. */
  const facesLast = (seconds: number) => (document: AssurancePolicy) => ({
    ...document,
    levels: document.levels.map((level) => ({
      ...level,
      identity: level.identity.map((way) => ({
        ...way,
        rules: way.rules.map((rule) => (rule.kind === 'face' ? { ...rule, maxAge: seconds } : rule)),
      })),
    })),
  });
  const sweep = async () => {
    let goes = 1;
    while (await announceLevels(office.deps)) goes += 1;
    return goes;
  };
  const queued = async () => {
    const rows = await db('outbox').orderBy('id');
    return rows.map((message) => JSON.parse(open(testKeyring, message.payload, `outbox:${message.id}`)));
  };

  it('a published policy is told of to each app whose citizens it moves, in small transactions', async () => {
    const people = [];
    for (let i = 0; i < 60; i += 1) people.push(await citizen());
    await citizen('deaf');
    move(60_000);
    await sweep();
    await publish(facesLast(30));
    expect(await sweep()).toBeGreaterThanOrEqual(3);
    const told = await queued();
    expect(told.map(({ accountId }) => accountId).sort()).toEqual(people.sort());
    expect(new Set(told.map(({ data }) => JSON.stringify(data)))).toEqual(
      new Set([
        JSON.stringify({
          namespace: 'urn:shimin:loa',
          current_level: loa(2),
          previous_level: loa(3),
          change_direction: 'decrease',
        }),
      ]),
    );
    expect(told[0]).toMatchObject({
      initiator: 'policy',
      reason: 'policy_published',
      apps: [{ clientId: 'receiver' }],
    });
    // Once is enough, and the way back is told too.
    await sweep();
    expect(await queued()).toHaveLength(60);
    await publish(facesLast(365 * 86_400));
    await sweep();
    const back = (await queued()).slice(60).map(({ data }) => data.change_direction);
    expect(new Set(back)).toEqual(new Set(['increase']));
    expect(await queued()).toHaveLength(120);
  });

  it('a killed source is told of at once, and its return too', async () => {
    const person = await citizen();
    const by = await office.member('assurance_admin', 'bridge_admin');
    await killSource(office.deps, { by, source: 'face', reason: 'answers wrong' });
    await sweep();
    expect(await queued()).toMatchObject([
      { accountId: person, initiator: 'admin', reason: 'source_switched', data: { current_level: loa(2) } },
    ]);
    await db('sources').where({ id: 'face' }).update({ enabled: true });
    // As on another node: seen within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await sweep();
    expect((await queued())[1]).toMatchObject({ data: { current_level: loa(3), change_direction: 'increase' } });
  });

  it('time takes a level, and the app hears of it: by an end of its own and by age, after a standstill too', async () => {
    const byEnd = await citizen('receiver', new Date(office.now.getTime() + 30_000));
    const byAge = await citizen();
    await sweep();
    move(25_000);
    await sweep();
    expect(await queued()).toEqual([]);
    move(10_000);
    await sweep();
    expect(await queued()).toMatchObject([
      { accountId: byEnd, reason: 'evidence_expired', data: { previous_level: loa(3), current_level: loa(2) } },
    ]);
    // Stopped for a year and a day.
    await db('level_sweep').update({
      told: JSON.stringify({ version: 1, off: [], at: office.now.getTime() + 365 * day - 7_200_000 }),
    });
    move(366 * day);
    await sweep();
    expect((await queued()).slice(1)).toMatchObject([
      { accountId: byAge, reason: 'evidence_expired', data: { previous_level: loa(3), current_level: loa(2) } },
    ]);
  });

  it('several processes at it tell each once', async () => {
    const people = [];
    for (let i = 0; i < 40; i += 1) people.push(await citizen());
    move(60_000);
    await sweep();
    await publish(facesLast(30));
    await Promise.all(Array.from({ length: 4 }, sweep));
    await sweep();
    expect((await queued()).map(({ accountId }) => accountId).sort()).toEqual(people.sort());
  });

  it('no more is queued than the receivers take', async () => {
    await citizen();
    const filler = { kind: 'signal', target: 'x', payload: 'x', created_at: 0, due_at: 0, attempts: 0 };
    for (let i = 0; i < 500; i += 100)
      await db('outbox').insert(Array.from({ length: 100 }, (_, n) => ({ ...filler, id: `filler-${i + n}` })));
    move(60_000);
    await publish(facesLast(30));
    expect(await announceLevels(office.deps)).toBe(false);
    expect(await db('outbox')).toHaveLength(500);
    await db('outbox').delete();
    await sweep();
    expect(await queued()).toHaveLength(1);
  });

  it('where nobody listens nothing is computed, and who comes later starts from then', async () => {
    await citizen();
    await setStreamStatus(db, streamId, 'disabled', null, office.now);
    move(60_000);
    await sweep();
    await publish(facesLast(30));
    expect(await sweep()).toBe(1);
    await setStreamStatus(db, streamId, 'enabled', null, office.now);
    await sweep();
    expect(await queued()).toEqual([]);
  });
});
