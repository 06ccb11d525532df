import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceKind } from '../../src/assurance/evidence.ts';
import { enrolPasskey, issueRecoveryCodes, nameAuthenticator } from '../../src/commands/change-authenticators.ts';
import { endOwnSessions } from '../../src/commands/end-sessions.ts';
import { hearRegister } from '../../src/commands/hear-register.ts';
import { recordEvidence, refuseEvidence } from '../../src/commands/record-evidence.ts';
import { removePasskey } from '../../src/commands/remove-authenticators.ts';
import { revokeEvidence } from '../../src/commands/revoke-evidence.ts';
import { newId, open } from '../../src/lib/crypto.ts';
import { saveConsent } from '../../src/storage/consents.ts';
import type { Db } from '../../src/storage/db.ts';
import { insertSignalEvent, pruneSignalEvents, waitingEvents } from '../../src/storage/signal-events.ts';
import { insertStream } from '../../src/storage/signal-streams.ts';
import { loa, type Office, openOffice } from '../admin/staff-support.ts';
import { withDatabases } from '../support/databases.ts';
import { ownNumber, signedInFor, storedAccount, testKeyring } from '../support/rows.ts';
import { residents } from './citizens.ts';
import { registerReceiver } from './support.ts';

interface Told {
  readonly kind: string;
  readonly event?: string;
  readonly apps?: readonly { clientId: string; sid: string | null }[];
  readonly [name: string]: unknown;
}

withDatabases('what is announced', (makeDb) => {
  let db: Db;
  let office: Office;
  let accountId: string;
  const cause = { requestId: 'request-1', clientId: 'account' };
  const people = residents(100);
  let resident = people[0];

  beforeAll(async () => {
    ({ knex: db } = await makeDb());
    office = await openOffice(db);
    for (const id of ['receiver', 'second', 'deaf']) await registerReceiver({ db, keyring: testKeyring }, id);
    const settings = { endpointUrl: null, authorization: null, eventsRequested: null, description: null };
    for (const id of ['receiver', 'second'])
      await insertStream(db, testKeyring, id, { method: 'poll', ...settings }, office.now);
  });
  beforeEach(async () => {
    resident = people.shift();
    await db('outbox').delete();
    ({ id: accountId } = await storedAccount(db));
    for (const clientId of ['receiver', 'deaf'])
      await saveConsent(db, { accountId, clientId, scopes: ['openid'], claims: [], givenAt: office.now });
  });

  /** What waits to be told, and forgotten at once. */
  const told = async (): Promise<Told[]> => {
    const rows = await db('outbox').orderBy('id');
    await db('outbox').delete();
    return rows.map(({ id, kind, payload }) => ({ kind, ...JSON.parse(open(testKeyring, payload, `outbox:${id}`)) }));
  };
  const facts = (kind: EvidenceKind, source: string, confirmed: string[]) =>
    ({ kind, source, strength: 'strong', category: 'mainland', confirmed, expiresAt: null, reference: 'one' }) as const;
  const prove = async () => {
    await recordEvidence(office.deps, {
      accountId,
      facts: facts('population', 'population', ['name', 'document_number']),
      person: {
        category: 'mainland',
        name: resident?.name ?? '',
        documentType: 'cn_resident_id',
        documentNumber: resident?.number ?? '',
        birthDate: '1988-06-15',
      },
      cause,
    });
    await recordEvidence(office.deps, {
      accountId,
      facts: { ...facts('elements', 'carrier', []), ...ownNumber },
      cause,
    });
    await recordEvidence(office.deps, { accountId, facts: facts('face', 'face', ['liveness', 'photo']), cause });
  };
  const session = async (uid: string, apps: Record<string, string>) => {
    const authorizations = Object.fromEntries(
      Object.entries(apps).map(([clientId, sid]) => [clientId, { sid, grantId: newId() }]),
    );
    await db('oidc_models').insert({
      key: newId(),
      model: 'Session',
      session_uid: uid,
      account_id: accountId,
      payload: JSON.stringify({ uid, accountId, authorizations }),
    });
  };
  const enrol = async () =>
    enrolPasskey(office.deps, {
      accountId,
      passkey: {
        credentialId: newId(),
        publicKey: Buffer.from('key'),
        counter: 0,
        transports: ['internal'],
        backupEligible: true,
        backupState: true,
        userVerifiedAtRegistration: true,
        aaguid: '00000000-0000-0000-0000-000000000000',
        name: 'phone',
      },
      ceremony: await signedInFor(db, accountId, office.now),
      cause,
    });
  const passkeys = async () => (await db('passkeys').where({ account_id: accountId })).map(({ id }) => String(id));
  const change = (before: string, after: string, direction: string) => ({
    event: 'assurance-level-change',
    data: { namespace: 'urn:shimin:loa', current_level: after, previous_level: before, change_direction: direction },
  });
  const credential = (type: string, kind: string) => ({
    event: 'credential-change',
    initiator: 'user',
    data: { credential_type: type, change_type: kind },
  });

  /** Command by command: what leads up to it, it, and what the one app that is connected and listens is told. */
  const table: Record<string, { before?: () => Promise<unknown>; act: () => Promise<unknown>; told: object[] }> = {
    'recording evidence': {
      act: prove,
      told: [
        { ...change('none', loa(2), 'increase'), initiator: 'user' },
        { ...change(loa(2), loa(3), 'increase'), initiator: 'user' },
      ],
    },
    'recording evidence that adds nothing': { before: prove, act: prove, told: [] },
    'a refusal that takes evidence': {
      before: prove,
      act: () =>
        refuseEvidence(office.deps, {
          accountId,
          kind: 'population',
          source: 'population',
          reason: 'cancelled',
          revokeKinds: ['population', 'face'],
          cause,
        }),
      told: [{ ...change(loa(3), 'none', 'decrease'), initiator: 'system', reason: 'cancelled' }],
    },
    'revoking evidence': {
      before: prove,
      act: () =>
        revokeEvidence(office.deps, {
          which: { accountId, kinds: ['face'] },
          reason: 'fraud',
          actor: { kind: 'staff', id: 'clerk' },
          initiator: 'admin',
          requestId: null,
        }),
      told: [{ ...change(loa(3), loa(2), 'decrease'), initiator: 'admin', reason: 'fraud' }],
    },
    'a notice of the register': {
      before: prove,
      act: () =>
        hearRegister(office.deps, {
          documentType: 'cn_resident_id',
          documentNumber: resident?.number ?? '',
          status: 'cancelled',
          requestId: null,
        }),
      told: [{ ...change(loa(3), 'none', 'decrease'), initiator: 'system', reason: 'cancelled' }],
    },
    'adding a passkey': { act: enrol, told: [credential('fido2-platform', 'create')] },
    'naming a passkey': {
      before: enrol,
      act: async () => nameAuthenticator(office.deps, { accountId, id: (await passkeys())[0] ?? '', name: 'x', cause }),
      told: [],
    },
    'removing a passkey': {
      before: async () => [await enrol(), await enrol()],
      act: async () => removePasskey(office.deps, { accountId, id: (await passkeys())[0] ?? '', cause }),
      told: [credential('fido2-platform', 'delete')],
    },
    'new recovery codes': {
      act: async () => {
        const ceremony = await signedInFor(db, accountId, office.now);
        await issueRecoveryCodes(office.deps, { accountId, hashes: ['a', 'b'], ceremony, cause });
      },
      told: [credential('recovery-codes', 'update')],
    },
    'ending all sessions': {
      before: () => session('s1', { receiver: 'sid-1', deaf: 'sid-2' }),
      act: () => endOwnSessions(office.deps, { accountId, which: {}, cause }),
      told: [{ event: 'session-revoked', initiator: 'user', apps: [{ clientId: 'receiver', sid: null }] }],
    },
    'ending one session': {
      before: async () => [await session('s1', { receiver: 'sid-1' }), await session('s2', { receiver: 'sid-2' })],
      act: () => endOwnSessions(office.deps, { accountId, which: { uid: 's2' }, cause }),
      told: [{ event: 'session-revoked', apps: [{ clientId: 'receiver', sid: 'sid-2' }] }],
    },
    'ending the other sessions': {
      before: async () => [
        await session('s1', { receiver: 'sid-1' }),
        await session('s2', { receiver: 'sid-2' }),
        await session('s3', { deaf: 'sid-3' }),
      ],
      act: () => endOwnSessions(office.deps, { accountId, which: { except: 's1' }, cause }),
      told: [{ event: 'session-revoked', apps: [{ clientId: 'receiver', sid: 'sid-2' }] }],
    },
    'ending sessions where there are none': {
      act: () => endOwnSessions(office.deps, { accountId, which: {}, cause }),
      told: [],
    },
  };
  describe.each(Object.entries(table))('%s', (_name, row) => {
    it('tells whoever is connected and listens', async () => {
      await row.before?.();
      await told();
      await row.act();
      const signals = (await told()).filter(({ kind }) => kind === 'signal');
      expect(signals).toMatchObject(row.told);
      for (const signal of signals) {
        expect(signal).toMatchObject({ accountId, at: office.now.getTime() });
        expect(signal.apps?.map(({ clientId }) => clientId)).toEqual(['receiver']);
      }
    });
  });

  it('back-channel logout waits for each app of an ended session', async () => {
    await session('s1', { receiver: 'sid-1', deaf: 'sid-2' });
    await told();
    await endOwnSessions(office.deps, { accountId, which: { uid: 's1' }, cause });
    const logouts = (await told()).filter(({ kind }) => kind === 'backchannel-logout');
    expect(logouts.map(({ clientId, sid }) => [clientId, sid]).sort()).toEqual([
      ['deaf', 'sid-2'],
      ['receiver', 'sid-1'],
    ]);
  });

  it('what nobody fetches is forgotten in time', async () => {
    const [stream] = await db('signal_streams').where({ client_id: 'receiver' });
    const event = { streamId: String(stream?.id), type: 'x', claims: {}, algorithm: 'ES256' };
    for (const days of [0, 29, 31]) {
      const at = new Date(office.now.getTime() - days * 86_400_000);
      await insertSignalEvent(db, testKeyring, { ...event, sourceId: newId(), at });
    }
    const look = { limit: 10, at: office.now, onSetAside: () => undefined };
    expect(await pruneSignalEvents(db, new Date(office.now.getTime() - 30 * 86_400_000))).toBe(1);
    expect(await waitingEvents(db, testKeyring, event.streamId, look)).toHaveLength(2);
  });

  it('what is undone is not told', async () => {
    await enrol();
    await told();
    const [last = ''] = await passkeys();
    await expect(removePasskey(office.deps, { accountId, id: last, cause })).rejects.toMatchObject({
      code: 'last_way_in',
    });
    expect(await told()).toEqual([]);
  });
});
