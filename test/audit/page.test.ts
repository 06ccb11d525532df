import { describe, expect, it } from 'vitest';
import { append, auditPage } from '../../src/storage/audit.ts';
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

  describe('plans', () => {
    it.each([
      ['account_id', 'x'],
      ['actor_id', 'x'],
      ['request_id', 'x'],
      ['type', 'x'],
    ])('%s is found by its index, in order', async (column, value) => {
      const db = await filled();
      const text = `select * from audit where ${column} = ? and seq < 100 order by seq desc limit 50`;
      const plan = JSON.stringify(await db.raw(`explain ${kind === 'sqlite' ? 'query plan ' : ''}${text}`, [value]));
      expect(plan).toMatch(/audit_by_\w+|audit_account_id_seq_index/);
      expect(plan).not.toMatch(/TEMP B-TREE|"Sort|Seq Scan/);
    });
  });
});
