import { beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/lib/crypto.ts';
import { findAccount } from '../../src/storage/accounts.ts';
import type { Database } from '../../src/storage/db.ts';
import { evidenceOf, insertEvidence } from '../../src/storage/evidence.ts';
import { openInterventions } from '../../src/storage/interventions.ts';
import { eventsOfSession, insertEvent } from '../../src/storage/sessions.ts';
import { standingReader } from '../../src/storage/standing.ts';
import { withDatabases } from '../support/databases.ts';
import { later, storedAccount, t0 } from '../support/rows.ts';

withDatabases('what a level is computed from', (makeDb) => {
  let database: Database;
  beforeAll(async () => {
    database = await makeDb();
  });

  const evidenceColumns = (accountId: string, confirmed: string) => ({
    ...{ id: newId(), account_id: accountId, kind: 'face', source: 'face', strength: 'strong', category: 'mainland' },
    ...{ confirmed, recorded_at: t0.getTime(), expires_at: later(9).getTime(), reference: 'r-1' },
    ...{ revoked_at: later(5).getTime(), revoked_reason: 'test' },
  });

  it('is the same by every reader, column for column', async () => {
    const { knex } = database;
    const { id: accountId } = await storedAccount(knex);
    const sessionUid = newId();
    await knex('evidence').insert(evidenceColumns(accountId, '["photo","liveness"]'));
    await insertEvidence(knex, {
      ...{ accountId, kind: 'contact', source: 'sms', strength: 'weak', confirmed: ['phone'], recordedAt: t0 },
      ...{ expiresAt: null, reference: null },
    });
    const proved = { accountId, sessionUid, at: t0, interactionUid: newId(), ip: '192.0.2.0/24' };
    const plain = { userVerified: false, phishingResistant: false, deviceBound: false };
    await insertEvent(knex, {
      ...{ ...proved, method: 'passkey', credentialId: newId(), factors: ['possession', 'inherence'] },
      ...{ userVerified: true, phishingResistant: true, deviceBound: true },
    });
    const late = { accountId, sessionUid, at: later(1), interactionUid: null };
    await insertEvent(knex, { ...late, ...plain, method: 'password', credentialId: null, factors: ['knowledge'] });
    await knex('interventions').insert({
      ...{ id: newId(), account_id: accountId, kind: 'reprove', reason: 'data_leak', actor: 'test' },
      ...{ told_apps: '[]', at: t0.getTime(), until: later(60).getTime() },
    });
    const read = await standingReader(database)(accountId, sessionUid);
    expect(read).toEqual({
      account: await findAccount(knex, accountId),
      evidence: await evidenceOf(knex, accountId),
      events: await eventsOfSession(knex, sessionUid),
      interventions: await openInterventions(knex, accountId),
    });
    expect(read.evidence[0]).toMatchObject({
      category: 'mainland',
      revokedAt: later(5),
      confirmed: ['photo', 'liveness'],
    });
    expect(read.events.map(({ method, deviceBound }) => [method, deviceBound])).toEqual([
      ['passkey', true],
      ['password', false],
    ]);
    expect(read.interventions).toMatchObject([{ kind: 'reprove', at: t0, until: later(60) }]);
  });

  it('is refused by every reader where a column holds what was never written to it', async () => {
    const { id: accountId } = await storedAccount(database.knex);
    await database.knex('evidence').insert(evidenceColumns(accountId, '{"photo":true}'));
    await expect(evidenceOf(database.knex, accountId)).rejects.toThrow();
    await expect(standingReader(database)(accountId, null)).rejects.toThrow();
  });
});
