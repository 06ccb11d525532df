import { describe, expect, it } from 'vitest';
import { rollUp } from '../../src/jobs/rollups.ts';
import { append, auditPage, auditPageLines, auditRange, linesAround } from '../../src/storage/audit.ts';
import { rollupMark } from '../../src/storage/daily-counts.ts';
import type { Db } from '../../src/storage/db.ts';
import { withDatabases } from '../support/databases.ts';

const at = (day: number) => new Date(Date.UTC(2026, 10, day, 4));

withDatabases('the log, page by page', (makeDb, kind) => {
  async function filled(): Promise<Db> {
    const { knex } = await makeDb();
    for (let i = 1; i <= 9; i += 1)
      await append(knex, {
        at: at(i),
        type: i % 2 === 0 ? 'consent.given' : 'session.ended',
        actor: { kind: 'citizen', id: `actor-${i % 3}` },
        accountId: `account-${i % 3}`,
        clientId: null,
        requestId: `request-${i}`,
        outcome: 'ok',
        reason: null,
        data: {},
      });
    return knex;
  }
  const seqs = async (...args: Parameters<typeof auditPage>) => (await auditPage(...args)).map(({ seq }) => seq);

  it('the newest first, and on from where a page ended', async () => {
    const db = await filled();
    expect(await seqs(db, {}, { limit: 4 })).toEqual([9, 8, 7, 6]);
    expect(await seqs(db, {}, { limit: 4, before: 6 })).toEqual([5, 4, 3, 2]);
    expect(await seqs(db, {}, { limit: 4, until: at(3) })).toEqual([2, 1]);
    expect(await seqs(db, {}, { limit: 4, until: at(1) })).toEqual([]);
  });

  it('by person, actor, request or kind', async () => {
    const db = await filled();
    expect(await seqs(db, { accountId: 'account-1' }, { limit: 9 })).toEqual([7, 4, 1]);
    expect(await seqs(db, { actorId: 'actor-2' }, { limit: 9, before: 8 })).toEqual([5, 2]);
    expect(await seqs(db, { requestId: 'request-3' }, { limit: 9 })).toEqual([3]);
    expect(await seqs(db, { type: 'consent.given' }, { limit: 9, until: at(6) })).toEqual([4, 2]);
    expect(await seqs(db, { type: 'nonsense' }, { limit: 9 })).toEqual([]);
  });

  it('between days, and as it is stored', async () => {
    const db = await filled();
    expect(await seqs(db, {}, { limit: 9, since: at(3), until: at(6) })).toEqual([5, 4, 3]);
    expect(await seqs(db, { type: 'consent.given' }, { limit: 9, since: at(5) })).toEqual([8, 6]);
    expect(await seqs(db, {}, { limit: 9, since: at(10) })).toEqual([]);
    const range = await auditRange(db, { accountId: 'account-1' }, { after: 1, last: 6, limit: 9 });
    expect(range.map(({ seq }) => seq)).toEqual([4]);
    expect((await linesAround(db, 9)).map(({ seq }) => seq)).toEqual([8, 9]);
  });

  it('a line that somebody spoilt is told as such, and hides no other; the dashboard counts on', async () => {
    const db = await filled();
    await db.raw(kind === 'sqlite' ? 'drop trigger audit_no_update' : 'alter table audit disable trigger all');
    await db('audit').where({ seq: 4 }).update({ data: 'no json' });
    const page = await auditPageLines(db, {}, { limit: 9 });
    expect(page.map((line) => [line.seq, 'type' in line]).filter(([, whole]) => !whole)).toEqual([[4, false]]);
    await expect(rollUp({ db, clock: () => at(20) })).resolves.toBe(false);
    expect(await rollupMark(db, 'audit')).toBe('9');
  });

  describe('plans', () => {
    /** The statements that `work` sends, each with the plan of the database for it. */
    async function plansOf(db: Db, work: () => Promise<unknown>): Promise<{ sql: string; plan: string }[]> {
      const sent: { sql: string; bindings: readonly (string | number)[] }[] = [];
      const hear = (query: (typeof sent)[number]) => void sent.push(query);
      db.on('query', hear);
      await work();
      db.removeListener('query', hear);
      const explain = kind === 'sqlite' ? 'explain query plan ' : 'explain ';
      const plans: { sql: string; plan: string }[] = [];
      for (const { sql, bindings } of sent.filter(({ sql }) => sql.startsWith('select'))) {
        const said: unknown = await db.transaction(async (tx) => {
          // Of nine lines PostgreSQL would read all: what it does with many is asked for.
          if (kind === 'postgres') await tx.raw('set local enable_seqscan = off');
          return tx.raw(explain + sql.replaceAll(/\$\d+/g, '?'), [...bindings]);
        });
        plans.push({ sql, plan: JSON.stringify(said) });
      }
      return plans;
    }

    const more = { before: 9, since: at(2), until: at(9), limit: 50 };
    it.each([
      ['the first page', {}, 'audit_pkey|sqlite_autoindex_audit_1'],
      ['a person', { accountId: 'x' }, 'audit_account_id_seq_index'],
      ['an actor', { actorId: 'x' }, 'audit_by_actor'],
      ['a request', { requestId: 'x' }, 'audit_by_request'],
      ['a kind', { type: 'x' }, 'audit_by_type'],
    ])('%s: by its index, in order, whatever the days and the page', async (_what, filter, index) => {
      const db = await filled();
      const page = await plansOf(db, () => auditPage(db, filter, { limit: 50 }));
      const narrowed = await plansOf(db, () => auditPage(db, filter, more));
      const exported = await plansOf(db, () => auditRange(db, filter, { after: 1, last: 9, limit: 50 }));
      expect([page.length, narrowed.length, exported.length]).toEqual([1, 3, 1]);
      for (const { sql, plan } of [...page, ...narrowed, ...exported]) {
        const times = / where "?`?at/.test(sql);
        expect(plan, sql).toMatch(new RegExp(times ? 'audit_by_time' : index));
        expect(plan, sql).not.toMatch(/TEMP B-TREE|"Sort|Seq Scan/);
      }
    });

    it('a line and its neighbours', async () => {
      const db = await filled();
      for (const { plan } of await plansOf(db, () => linesAround(db, 5)))
        expect(plan).toMatch(/audit_pkey|sqlite_autoindex_audit_1/);
    });
  });
});
