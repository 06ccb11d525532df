import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keptForMs } from '../../src/admin-api/once.ts';
import { ShiminError } from '../../src/lib/errors.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { changeStatuses, changesIn } from '../../src/storage/changes.ts';
import { transaction } from '../../src/storage/db.ts';
import { claimKey, keepAnswer, keptAnswer, pruneIdempotency } from '../../src/storage/idempotency.ts';
import { currentPolicy } from '../../src/storage/policies.ts';
import { loa, raised } from '../admin/staff-support.ts';
import { databaseKinds, withDatabases } from '../support/databases.ts';
import { testKeyring } from '../support/rows.ts';
import { type Answered, type Api, entryOf, openApi, type Program, revisionOf } from './support.ts';

describe.each(databaseKinds)('once, over HTTP [%s]', (kind) => {
  let api: Api;
  let ana: Program & { id: string };
  let apps: Program & { id: string };

  beforeAll(async () => {
    api = await openApi(kind);
    ana = await api.program(['assurance_admin']);
    apps = await api.program(['app_admin']);
  });
  afterAll(() => api?.close());

  const changes = async () => (await changesIn(api.db, changeStatuses, { limit: 1_000 })).length;
  const lines = async () => (await readAudit(api.db, { afterSeq: 0, limit: 10_000 })).length;
  const replayed = (answer: Answered) => answer.headers.get('idempotency-replayed') === 'true';

  it('does one thing once, however often and however much at once it is asked for', async () => {
    const [before, written] = [await changes(), await lines()];
    const key = randomUUID();
    const body = { enabled: false, reason: 'costs' };
    const ask = () => ana('post', '/sources/sms/switch', { body, key });
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    answers.push(await ask());
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(new Set(answers.map(revisionOf)).size).toBe(1);
    expect(answers.filter((answer) => !replayed(answer))).toHaveLength(1);
    expect([await changes(), await lines()]).toEqual([before + 1, written + 1]);
  });

  it('tells a new secret again to whoever lost the answer, and keeps it sealed', async () => {
    const id = await api.register([]);
    const key = randomUUID();
    const ask = () => apps('post', `/apps/${id}/secret`, { body: { overlapHours: 1 }, key });
    const [first, second] = [await ask(), await ask()];
    expect(first.body.secret).toMatch(/^[\w-]{43}$/);
    expect(second.body.secret).toBe(first.body.secret);
    const rows = JSON.stringify(await api.db('idempotency'));
    expect(rows).not.toContain(first.body.secret);
  });

  it('refuses the same key for something else', async () => {
    const key = randomUUID();
    const ask = (path: string, reason: string) => ana('post', path, { body: { enabled: false, reason }, key });
    const before = await changes();
    expect((await ask('/sources/counter/switch', 'one')).status).toBe(201);
    for (const answer of [await ask('/sources/counter/switch', 'two'), await ask('/sources/sms/switch', 'one')])
      expect(entryOf(answer)).toEqual({ status: 422, code: 'idempotency_key_reused' });
    expect(await changes()).toBe(before + 1);
  });

  it('keeps the keys of two apps apart', async () => {
    const ben = await api.program(['assurance_admin']);
    const sent = { body: { enabled: false, reason: 'costs' }, key: 'the-same-key' };
    const [a, b] = [await ana('post', '/sources/sms/switch', sent), await ben('post', '/sources/face/switch', sent)];
    expect([a.status, b.status]).toEqual([201, 201]);
    expect(a.body.id).not.toBe(b.body.id);
  });

  it('gives a refusal that is on record again, without a second line', async () => {
    const { document } = await currentPolicy(api.db);
    const draft = await ana('post', '/policy/drafts', { body: { document: raised(document, loa(2)) } });
    const proposal = await ana('post', `/changes/${draft.body.id}/propose`, {
      body: { reason: 'because' },
      revision: revisionOf(draft),
    });
    const key = randomUUID();
    const path = `/changes/${draft.body.id}/decide`;
    const ask = () => ana('post', path, { body: { decision: 'approve' }, revision: revisionOf(proposal), key });
    const written = await lines();
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(entryOf)).toEqual(Array(3).fill({ status: 403, code: 'decider_no_person' }));
    expect(answers.filter(replayed)).toHaveLength(2);
    expect(await lines()).toBe(written + 1);
  });

  it('lets one that changed nothing be tried again', async () => {
    const key = randomUUID();
    const body = { enabled: false, reason: 'x' };
    const answer = await ana('post', '/sources/nobody/switch', { body, key });
    expect(answer.status).toBe(404);
    expect(await api.db('idempotency').where({ client_id: ana.id, key })).toEqual([]);
  });

  it('needs a key that is one', async () => {
    const body = { enabled: false, reason: 'x' };
    for (const key of ['x'.repeat(65), 'with blank'])
      expect(entryOf(await ana('post', '/sources/sms/switch', { body, key }))).toEqual({
        status: 400,
        code: 'request_invalid',
      });
    const none = await ana('post', '/sources/sms/switch', { body, key: null });
    expect(none.body.errors).toEqual([
      expect.objectContaining({ in: 'header', pointer: '/Idempotency-Key', code: 'required' }),
    ]);
  });

  it('makes one proposal of what two apps ask for at the same moment, each with a key of its own', async () => {
    const ben = await api.program(['assurance_admin']);
    const before = await changes();
    const ask = (program: Program) =>
      program('post', '/sources/population/switch', { body: { enabled: false, reason: 'x' } });
    const answers = await Promise.all([ask(ana), ask(ben), ask(ana), ask(ben)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await changes()).toBe(before + 1);
  });
});

withDatabases('kept answers', (makeDb) => {
  const now = new Date('2026-11-23T09:00:00Z');
  const expiresAt = new Date(now.getTime() + keptForMs);
  const request = { clientId: 'robot', key: 'k', requestHash: 'h'.repeat(43) };

  it('are claimed by one of many, found by all, and forgotten after a day', async () => {
    const { knex: db } = await makeDb();
    const claims = await Promise.all(
      Array.from({ length: 8 }, () =>
        transaction(db, async (tx) => {
          const claimed = await claimKey(tx, request, { now, expiresAt });
          if (claimed) await keepAnswer(tx, testKeyring, request, { status: 201 });
          return claimed;
        }),
      ),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await keptAnswer(db, testKeyring, request)).toEqual({ same: true, answer: { status: 201 } });
    const other = { ...request, requestHash: 'i'.repeat(43) };
    expect(await keptAnswer(db, testKeyring, other)).toMatchObject({ same: false });
    expect(await keptAnswer(db, testKeyring, { ...request, key: 'l' })).toBeNull();

    // A day later the key is new, whether the row was cleared away or not.
    const next = { now: expiresAt, expiresAt: new Date(expiresAt.getTime() + keptForMs) };
    expect(await transaction(db, (tx) => claimKey(tx, other, next))).toBe(true);
    expect(await pruneIdempotency(db, expiresAt)).toBe(0);
    expect(await pruneIdempotency(db, next.expiresAt)).toBe(1);
    expect(await pruneIdempotency(db, next.expiresAt)).toBe(0);
  });

  it('are not there when the work failed', async () => {
    const { knex: db } = await makeDb();
    const failing = transaction(db, async (tx) => {
      await claimKey(tx, request, { now, expiresAt });
      throw new ShiminError('internal', { status: 500 });
    });
    await expect(failing).rejects.toThrow('internal');
    expect(await keptAnswer(db, testKeyring, request)).toBeNull();
  });
});
