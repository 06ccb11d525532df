import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceKind } from '../../src/assurance/evidence.ts';
import type { InterventionKind } from '../../src/assurance/interventions.ts';
import type { By } from '../../src/commands/change-rules.ts';
import { endSessionsOf } from '../../src/commands/end-sessions-of.ts';
import { expireInterventions } from '../../src/commands/expire-interventions.ts';
import { intervene } from '../../src/commands/intervene.ts';
import { liftIntervention } from '../../src/commands/lift-intervention.ts';
import { recordAuthentication } from '../../src/commands/record-authentication.ts';
import { recordEvidence } from '../../src/commands/record-evidence.ts';
import { newId, open } from '../../src/lib/crypto.ts';
import { setAccountStatus } from '../../src/storage/accounts.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { saveConsent } from '../../src/storage/consents.ts';
import type { Db } from '../../src/storage/db.ts';
import { evidenceOf } from '../../src/storage/evidence.ts';
import { interventionsOf, openInterventions } from '../../src/storage/interventions.ts';
import { adoptEvents, eventsOfInteraction, eventsOfSession, insertEvent } from '../../src/storage/sessions.ts';
import { insertStream } from '../../src/storage/signal-streams.ts';
import { revokeRole } from '../../src/storage/staff.ts';
import { loa, type Office, openOffice } from '../admin/staff-support.ts';
import { registerReceiver } from '../signals/support.ts';
import { withDatabases } from '../support/databases.ts';
import { ownNumber, storedAccount, t0, testKeyring } from '../support/rows.ts';

withDatabases('interventions', (makeDb) => {
  let db: Db;
  let office: Office;
  let support: By;
  let accountId: string;
  const cause = { requestId: 'request-1', clientId: 'account' };

  beforeAll(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
    support = await office.member('support');
    await registerReceiver({ db, keyring: testKeyring }, 'receiver');
    const settings = { endpointUrl: null, authorization: null, eventsRequested: null, description: null };
    await insertStream(db, testKeyring, 'receiver', { method: 'poll', ...settings }, office.now);
  });
  beforeEach(async () => {
    office.now = t0;
    ({ id: accountId } = await storedAccount(db));
    await saveConsent(db, { accountId, clientId: 'receiver', scopes: ['openid'], claims: [], givenAt: t0 });
    await db('outbox').delete();
  });

  const tick = (ms = 1_000) => {
    office.now = new Date(office.now.getTime() + ms);
  };
  const put = async (kind: InterventionKind, more: { until?: Date; note?: string; by?: By } = {}) => {
    const { until = null, note = null, by = support } = more;
    return intervene(office.deps, { by, accountId, kind, reason: 'takeover_suspected', note, until });
  };
  const idOf = (result: Awaited<ReturnType<typeof put>>) =>
    'done' in result ? result.done : `denied ${result.denied}`;
  const lift = (id: string, by = support) =>
    liftIntervention(office.deps, { by, accountId, id, reason: 'cleared', note: null });
  const facts = (kind: EvidenceKind, confirmed: string[]) =>
    ({
      kind,
      source: kind,
      strength: 'strong',
      category: 'mainland',
      confirmed,
      expiresAt: null,
      reference: null,
    }) as const;
  const prove = async () => {
    const confirmed = ['name', 'document_number'];
    await recordEvidence(office.deps, { accountId, facts: facts('population', confirmed), record: 'one', cause });
    const tie = { ...facts('elements', []), ...ownNumber };
    await recordEvidence(office.deps, { accountId, facts: tie, record: 'one', cause });
  };
  const showFace = () =>
    recordEvidence(office.deps, { accountId, facts: facts('face', ['liveness', 'photo']), record: 'one', cause });
  const shown = {
    method: 'passkey' as const,
    credentialId: null,
    factors: ['possession', 'inherence'] as const,
    userVerified: true,
    phishingResistant: true,
    deviceBound: true,
  };
  const signIn = async (interaction = newId()) => {
    await recordAuthentication(office.deps, {
      accountId,
      interaction,
      facts: [shown],
      uses: [{ kind: 'none' }],
      cause,
    });
    return interaction;
  };
  const adopt = (interaction: string, sessionUid: string) =>
    adoptEvents(db, { interactionUid: interaction, accountId, sessionUid, at: office.now });
  const kindsOpen = async () => (await openInterventions(db, accountId)).map(({ kind }) => kind);
  const counting = async () =>
    (await evidenceOf(db, accountId)).filter(({ revokedAt }) => revokedAt === null).map(({ kind }) => kind);
  const lines = async (prefix = 'intervention.') =>
    (await readAudit(db, { afterSeq: 0, limit: 10_000 })).filter(
      (line) => line.accountId === accountId && line.type.startsWith(prefix),
    );
  const told = async () => {
    const rows = await db('outbox').orderBy('id');
    await db('outbox').delete();
    return rows.map(({ id, payload }) => {
      const { event, data, reason, initiator } = JSON.parse(open(testKeyring, payload, `outbox:${id}`));
      return [event, data?.current_level ?? data?.reason ?? null, reason ?? null, initiator];
    });
  };

  describe('setting and lifting', () => {
    it('keeps reason, note, actor and end, the note sealed', async () => {
      const until = new Date(t0.getTime() + 60_000);
      const id = idOf(await put('suspended', { until, note: 'caller knew the code word' }));
      expect(await interventionsOf(db, testKeyring, accountId)).toMatchObject([
        {
          id,
          kind: 'suspended',
          reason: 'takeover_suspected',
          note: 'caller knew the code word',
          actor: support.accountId,
          at: t0,
          until,
          liftedAt: null,
        },
      ]);
      expect(JSON.stringify(await db('interventions').where({ id }))).not.toContain('code word');
      expect(await lines()).toMatchObject([
        {
          type: 'intervention.set',
          actor: { kind: 'staff', id: support.accountId },
          reason: 'takeover_suspected',
          requestId: 'request-1',
          data: { interventionId: id, kind: 'suspended', until: until.toISOString() },
        },
      ]);
      tick();
      expect(await lift(id)).toEqual({ done: null });
      expect(await interventionsOf(db, testKeyring, accountId)).toMatchObject([
        { liftedAt: office.now, liftedHow: 'lifted', liftedBy: support.accountId, liftedReason: 'cleared' },
      ]);
      expect((await lines()).at(-1)).toMatchObject({
        type: 'intervention.ended',
        data: { kind: 'suspended', how: 'lifted' },
      });
      expect(await lift(id)).toEqual({ denied: 'not_open' });
    });

    it('replaces a weaker one, and refuses one that is there already', async () => {
      await put('suspended');
      expect('done' in (await put('blocked'))).toBe(true);
      expect(await kindsOpen()).toEqual(['blocked']);
      expect(await put('blocked')).toEqual({ denied: 'already' });
      expect(await put('suspended')).toEqual({ denied: 'already' });
      await put('reprove');
      await put('reauthenticate');
      await put('reauthenticate_and_reprove');
      expect(await kindsOpen()).toEqual(['blocked', 'reauthenticate_and_reprove']);
      expect((await lines()).map(({ type, data }) => `${type} ${data.kind}`)).toContain(
        'intervention.refused suspended',
      );
    });

    it('is open once of a kind, whoever asks at the same time, and by the database', async () => {
      const results = await Promise.all(Array.from({ length: 10 }, () => put('reprove')));
      expect(results.filter((result) => 'done' in result)).toHaveLength(1);
      expect(results.filter((result) => 'denied' in result && result.denied === 'already')).toHaveLength(9);
      const [row] = await db('interventions').where({ account_id: accountId });
      await expect(db('interventions').insert({ ...row, id: newId() })).rejects.toThrow(/unique|duplicate/i);
    });

    it('is refused to who may not, on their own account, on a closed one, and with an end that is over', async () => {
      const clerk = await office.member('clerk');
      expect(await put('blocked', { by: clerk })).toEqual({ denied: 'forbidden' });
      const fired = await office.member('support');
      await revokeRole(db, fired.accountId, 'support', t0);
      expect(await put('blocked', { by: fired })).toEqual({ denied: 'forbidden' });
      expect(await put('blocked', { until: t0 })).toEqual({ denied: 'past' });
      const own = { by: support, accountId: support.accountId, kind: 'blocked', reason: 'misuse' } as const;
      expect(await intervene(office.deps, { ...own, note: null, until: null })).toEqual({ denied: 'self' });
      const id = idOf(await put('suspended'));
      expect(await lift(id, clerk)).toEqual({ denied: 'forbidden' });
      const other = await storedAccount(db);
      const elsewhere = { by: support, accountId: other.id, id, reason: 'cleared', note: null } as const;
      expect(await liftIntervention(office.deps, elsewhere)).toEqual({ denied: 'not_open' });
      expect(await endSessionsOf(office.deps, { by: clerk, accountId, uid: null })).toEqual({ denied: 'forbidden' });
      await setAccountStatus(db, accountId, 'closed', t0);
      expect(await put('blocked')).toEqual({ denied: 'gone' });
      expect((await lines('intervention.refused')).map(({ reason, outcome }) => [reason, outcome])).toEqual([
        ['forbidden', 'refused'],
        ['forbidden', 'refused'],
        ['past', 'refused'],
        ['forbidden', 'refused'],
        ['forbidden', 'refused'],
      ]);
    });
  });

  describe('lifting itself', () => {
    it('reauthenticate: by a new sign-in, and what it ended stays ended', async () => {
      const before = await signIn();
      await adopt(before, 's-before');
      const waiting = await signIn();
      tick();
      await put('reauthenticate');
      expect(await eventsOfSession(db, 's-before')).toEqual([]);
      expect(await eventsOfInteraction(db, waiting)).toEqual([]);
      expect(await adopt(waiting, 's-late')).toBe(0);
      // One whose transaction was under way at that moment comes to light later.
      const racing = newId();
      await insertEvent(db, { ...shown, accountId, sessionUid: null, interactionUid: racing, at: t0 });
      tick();
      const anew = await signIn();
      expect(await kindsOpen()).toEqual([]);
      expect(await eventsOfInteraction(db, racing)).toEqual([]);
      expect(await eventsOfInteraction(db, anew)).toHaveLength(1);
      expect((await lines()).at(-1)).toMatchObject({
        actor: { kind: 'citizen', id: accountId },
        data: { kind: 'reauthenticate', how: 'done' },
      });
    });

    it('reprove: by identity evidence after it, and the evidence of before is revoked', async () => {
      await prove();
      await showFace();
      expect((await told()).map(([, level]) => level)).toEqual([loa(2), loa(3)]);
      tick();
      await put('reprove');
      expect(await told()).toEqual([['assurance-level-change', 'none', 'takeover_suspected', 'admin']]);
      expect(await counting()).toEqual(['population', 'elements', 'face']);
      tick();
      await recordEvidence(office.deps, { accountId, facts: facts('contact', ['phone']), cause });
      await signIn();
      expect(await kindsOpen()).toEqual(['reprove']);
      await prove();
      expect(await kindsOpen()).toEqual([]);
      // The face has to be shown anew: the proof of before belongs to whom was doubted.
      expect(await counting()).toEqual(['contact', 'population', 'elements']);
      expect((await told()).map(([, level]) => level)).toEqual([loa(1), loa(2)]);
    });

    it.each(['sign in, prove', 'prove, sign in'])('both: %s', async (order) => {
      await prove();
      await signIn();
      tick();
      await put('reauthenticate_and_reprove');
      for (const step of order.split(', ')) {
        expect(await kindsOpen()).toEqual(['reauthenticate_and_reprove']);
        tick();
        await (step === 'prove' ? prove() : signIn());
      }
      expect(await kindsOpen()).toEqual([]);
      expect(await counting()).toEqual(['population', 'elements']);
    });

    it('leaves alone what asks for something else', async () => {
      await put('suspended');
      await put('reprove');
      tick();
      await signIn();
      expect(await kindsOpen()).toEqual(['reprove', 'suspended']);
      await prove();
      expect(await kindsOpen()).toEqual(['suspended']);
    });
  });

  describe('ends and news', () => {
    it('ends at its time, told by the housekeeping of exactly one process', async () => {
      await prove();
      await told();
      const until = new Date(t0.getTime() + 60_000);
      await put('suspended', { until });
      await put('reprove', { until });
      expect((await told()).map(([event]) => event)).toEqual(['account-disabled', 'assurance-level-change']);
      office.now = new Date(until.getTime() - 1);
      expect(await expireInterventions(office.deps)).toBe(0);
      office.now = until;
      const closed = await Promise.all([expireInterventions(office.deps), expireInterventions(office.deps)]);
      expect(closed.reduce((sum, count) => sum + count, 0)).toBe(2);
      expect(await kindsOpen()).toEqual([]);
      expect((await told()).sort()).toEqual([
        ['account-enabled', null, null, 'policy'],
        ['assurance-level-change', loa(2), 'intervention_expired', 'policy'],
      ]);
      expect((await lines()).filter(({ type }) => type === 'intervention.ended')).toMatchObject([
        { actor: { kind: 'system', id: 'interventions' }, data: { how: 'expired' } },
        { actor: { kind: 'system', id: 'interventions' }, data: { how: 'expired' } },
      ]);
    });

    it('says disabled and enabled once each, however many stop the account', async () => {
      await put('suspended');
      const blocked = idOf(await put('blocked'));
      expect(await told()).toEqual([['account-disabled', 'hijacking', 'takeover_suspected', 'admin']]);
      await lift(blocked);
      expect(await told()).toEqual([['account-enabled', null, null, 'admin']]);
    });

    it('counts evidence again that was doubted by mistake', async () => {
      await prove();
      await told();
      const id = idOf(await put('reprove'));
      await lift(id);
      expect((await told()).map(([, level]) => level)).toEqual(['none', loa(2)]);
      expect(await counting()).toEqual(['population', 'elements']);
    });

    it('sets a new one where the old one’s time is over', async () => {
      const until = new Date(t0.getTime() + 1_000);
      await put('blocked', { until });
      office.now = until;
      expect('done' in (await put('blocked'))).toBe(true);
      expect((await interventionsOf(db, testKeyring, accountId)).map(({ liftedHow }) => liftedHow)).toEqual([
        null,
        'expired',
      ]);
    });
  });
});
