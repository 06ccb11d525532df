import { beforeAll, describe, expect, it } from 'vitest';
import { chainStart, verifyChain } from '../../src/audit/chain.ts';
import type { AuditEvent } from '../../src/audit/events.ts';
import { activityOf, append, auditHead, readAudit } from '../../src/storage/audit.ts';
import { type Database, transaction } from '../../src/storage/db.ts';
import {
  evidenceOf,
  evidenceReference,
  insertEvidence,
  type NewEvidence,
  revokeEvidence,
} from '../../src/storage/evidence.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0 } from '../support/rows.ts';

withDatabases('ledgers', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });

  describe('evidence', () => {
    const facts = (accountId: string, changes: Partial<NewEvidence> = {}): NewEvidence => ({
      accountId,
      kind: 'population',
      source: 'population',
      strength: 'strong',
      confirmed: ['name', 'document_number'],
      recordedAt: t0,
      expiresAt: null,
      reference: 'tx-1',
      ...changes,
    });

    it('comes back as recorded, in order', async () => {
      const { id } = await storedAccount(database.knex);
      const first = await insertEvidence(database.knex, facts(id));
      const second = await insertEvidence(database.knex, facts(id, { kind: 'face', expiresAt: later(5) }));
      expect(await evidenceOf(database.knex, id)).toEqual([first, second]);
      expect(await evidenceReference(database.knex, first.id)).toBe('tx-1');
      expect(await evidenceReference(database.knex, 'none')).toBeNull();
    });

    it('is revoked once, by id, by kind or all, for its own account only', async () => {
      const a = await storedAccount(database.knex);
      const b = await storedAccount(database.knex);
      const one = await insertEvidence(database.knex, facts(a.id));
      await insertEvidence(database.knex, facts(a.id, { kind: 'face' }));
      await insertEvidence(database.knex, facts(a.id, { kind: 'contact' }));
      const revoke = (changes: object) =>
        revokeEvidence(database.knex, { accountId: a.id, at: later(1), reason: 'test', ...changes });
      expect(await revoke({ accountId: b.id, ids: [one.id] })).toBe(0);
      expect(await race(20, async () => (await revoke({ ids: [one.id] })) === 1)).toBe(1);
      expect(await revoke({ kinds: ['face'] })).toBe(1);
      expect(await revoke({ ids: [] })).toBe(0);
      expect(await revoke({ at: later(2) })).toBe(1);
      expect((await evidenceOf(database.knex, a.id)).map((row) => row.revokedAt)).toEqual([
        later(1),
        later(1),
        later(2),
      ]);
    });

    it('can be neither changed nor deleted, whoever tries', async () => {
      const { id } = await storedAccount(database.knex);
      const one = await insertEvidence(database.knex, facts(id));
      const rows = () => database.knex('evidence').where({ id: one.id });
      await expect(rows().update({ strength: 'superior' })).rejects.toThrow(/append-only/);
      await expect(rows().delete()).rejects.toThrow(/append-only/);
      await revokeEvidence(database.knex, { accountId: id, at: later(1), reason: 'x' });
      await expect(rows().update({ revoked_at: null })).rejects.toThrow(/append-only/);
    });
  });

  describe('audit', () => {
    const event = (accountId: string | null, changes: Partial<AuditEvent> = {}): AuditEvent => ({
      at: t0,
      type: 'authentication.succeeded',
      actor: { kind: 'citizen', id: accountId ?? 'x' },
      accountId,
      clientId: 'library',
      requestId: 'r',
      outcome: 'ok',
      reason: null,
      data: { methods: ['passkey'] },
      ...changes,
    });

    it('links what parallel transactions write, without a gap, and verifies', async () => {
      await Promise.all(Array.from({ length: 20 }, () => transaction(database.knex, (tx) => append(tx, event('a')))));
      const entries = await readAudit(database.knex, { afterSeq: 0, limit: 100 });
      expect(entries.map((entry) => entry.seq)).toEqual(Array.from({ length: entries.length }, (_, i) => i + 1));
      expect(verifyChain(entries, chainStart, await auditHead(database.knex))).toMatchObject({ ok: true });
    });

    it('is written with the change or not at all', async () => {
      const before = await auditHead(database.knex);
      const failing = transaction(database.knex, async (tx) => {
        await append(tx, event('b'));
        throw new Error('later');
      });
      await expect(failing).rejects.toThrow('later');
      expect(await auditHead(database.knex)).toEqual(before);
    });

    it('pages through the activity of one account, newest first', async () => {
      for (let i = 0; i < 5; i += 1) await append(database.knex, event('c', { at: later(i) }));
      const first = await activityOf(database.knex, 'c', { limit: 3 });
      expect(first.map((entry) => entry.at)).toEqual([later(4), later(3), later(2)]);
      const second = await activityOf(database.knex, 'c', { limit: 3, before: first.at(-1)?.seq });
      expect(second.map((entry) => entry.at)).toEqual([later(1), later(0)]);
    });

    it('refuses fields that the catalogue does not know', async () => {
      const stray = event('d', { data: { name: '张伟' } });
      await expect(append(database.knex, stray)).rejects.toThrow(/catalogue: name/);
    });

    it('can be neither changed nor deleted, and one who drops the guard is found out', async () => {
      await expect(database.knex('audit').where({ seq: 1 }).update({ outcome: 'refused' })).rejects.toThrow(
        /append-only/,
      );
      await expect(database.knex('audit').where({ seq: 1 }).delete()).rejects.toThrow(/append-only/);
      const on = database.kind === 'postgres' ? ' on audit' : '';
      for (const name of database.kind === 'postgres'
        ? ['audit_append_only']
        : ['audit_no_update', 'audit_no_delete']) {
        await database.knex.raw(`drop trigger ${name}${on}`);
      }
      await database.knex('audit').where({ seq: 2 }).update({ outcome: 'refused' });
      const altered = await readAudit(database.knex, { afterSeq: 0, limit: 100 });
      expect(verifyChain(altered)).toEqual({ ok: false, seq: 2, problem: 'hash' });
      await database.knex('audit').where({ seq: 2 }).delete();
      const cut = await readAudit(database.knex, { afterSeq: 0, limit: 100 });
      expect(verifyChain(cut)).toEqual({ ok: false, seq: 2, problem: 'gap' });
    });
  });
});
