import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InterventionKind } from '../../src/assurance/interventions.ts';
import {
  answerComputer,
  arriveFromOtherDevice,
  askOtherDevice,
  type Decision,
  pickUpMs,
  questionOf,
  ticketOf,
} from '../../src/commands/cross-device.ts';
import { newId, randomToken } from '../../src/lib/crypto.ts';
import { setAccountStatus } from '../../src/storage/accounts.ts';
import { activityOf } from '../../src/storage/audit.ts';
import { insertPasskey, revokePasskey } from '../../src/storage/authenticators.ts';
import type { Db } from '../../src/storage/db.ts';
import { insertIntervention } from '../../src/storage/interventions.ts';
import { endSessions, eventsOfInteraction, insertEvent, type NewEvent } from '../../src/storage/sessions.ts';
import { withDatabases } from '../support/databases.ts';
import { later, race, storedAccount, t0, testKeyring } from '../support/rows.ts';

/** What passes the pages, on both databases, with a clock that can be moved: `d19-pages.test.ts` has the pages. */
withDatabases('D19 relayed and guessed approvals', (makeDb) => {
  let db: Db;
  let now = t0;
  let accountId: string;
  let credentialId: string;
  let passkeyId: string;
  let sessionUid: string;
  let interaction: string;
  const deps = () => ({ db, clock: () => now, keyring: testKeyring });
  const cause = { requestId: 'request-1', clientId: 'account' };

  beforeAll(async () => {
    ({ knex: db } = await makeDb());
  });
  beforeEach(async () => {
    now = t0;
    ({ id: accountId } = await storedAccount(db));
    [credentialId, passkeyId, sessionUid, interaction] = [randomToken(), newId(), randomToken(), randomToken()];
    await insertPasskey(db, {
      id: passkeyId,
      accountId,
      credentialId,
      publicKey: Buffer.from('key'),
      counter: 0,
      transports: ['internal'],
      backupEligible: false,
      backupState: false,
      userVerifiedAtRegistration: true,
      aaguid: '00000000-0000-0000-0000-000000000000',
      name: 'phone',
      createdAt: t0,
    });
  });

  const signIn = (changes: Partial<NewEvent> = {}) =>
    insertEvent(db, {
      accountId,
      sessionUid,
      interactionUid: null,
      method: 'passkey',
      at: now,
      credentialId,
      factors: ['possession', 'inherence'],
      userVerified: true,
      phishingResistant: true,
      deviceBound: true,
      ...changes,
    });
  const ask = (anew = false) =>
    askOtherDevice(deps(), { interaction, clientId: 'library', level: '2', place: '192.0.2.*', userAgent: 'PC', anew });
  const decide = (ticket: string, code: string, more: Partial<Decision> = {}) =>
    answerComputer(deps(), { ticket, code, approve: true, accountId, sessionUid, cause, ...more });
  const arrive = (ticket: string, more: { interaction?: string; signedInAs?: string | null } = {}) =>
    arriveFromOtherDevice(deps(), { ticket, interaction, signedInAs: null, cause, ...more });
  const trail = async () =>
    (await activityOf(db, accountId, { limit: 50 })).map(({ type, reason }) =>
      reason === null ? type : `${type}: ${reason}`,
    );

  it('D19 what it is worth: the phone’s factors at the phone’s time, neither phishing resistant nor bound', async () => {
    const phone = await signIn();
    now = later(30);
    const { ticket, code } = await ask();
    expect(await decide(ticket, code)).toBe('approved');
    expect(await arrive(ticket)).toEqual({ kind: 'signed_in' });
    const [event, ...others] = await eventsOfInteraction(db, interaction);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      accountId,
      method: 'cross_device',
      at: phone.at,
      credentialId,
      factors: ['possession', 'inherence'],
      userVerified: true,
      phishingResistant: false,
      deviceBound: false,
      interaction,
    });
    expect((await trail()).toSorted()).toEqual(['authentication.succeeded', 'cross_device.approved']);
  });

  it('D19 relayed QR code: without the number beside it five tries end it, and the right number comes too late', async () => {
    await signIn();
    const { ticket, code } = await ask();
    const wrong = code === '00000000' ? '11111111' : '00000000';
    for (const guess of ['', wrong, code.slice(0, 7), `${code}0`, wrong])
      expect(await decide(ticket, guess)).toBe('code_wrong');
    expect(await arrive(ticket)).toEqual({ kind: 'waiting' });
    expect(await decide(ticket, code)).toBe('gone');
    expect(await arrive(ticket)).toEqual({ kind: 'refused', reason: 'too_many_codes' });
    expect(await eventsOfInteraction(db, interaction)).toEqual([]);
    expect(await trail()).toContain('cross_device.refused: too_many_codes');
  });

  it('D19 guessed in parallel: 40 tries at once are looked at five times', async () => {
    await signIn();
    const { ticket, code } = await ask();
    const wrong = code === '00000000' ? '11111111' : '00000000';
    const looked = await race(40, async () => (await decide(ticket, wrong)) === 'code_wrong');
    expect(looked).toBeLessThanOrEqual(5);
  });

  it('D19 twice: of 20 approvals one counts, of 20 looks one signs in', async () => {
    await signIn();
    const { ticket, code } = await ask();
    // Of two people at once, too: the tries of the ticket are theirs together.
    expect(await race(5, async () => (await decide(ticket, code)) === 'approved')).toBe(1);
    expect(await decide(ticket, code)).toBe('gone');
    expect(await race(20, async () => (await arrive(ticket)).kind === 'signed_in')).toBe(1);
    expect(await arrive(ticket)).toEqual({ kind: 'waiting' });
    expect(await eventsOfInteraction(db, interaction)).toHaveLength(1);
    expect(await ticketOf(deps(), code)).toBeNull();
  });

  it('D19 late: approved up to two minutes, picked up a few seconds longer, never after', async () => {
    await signIn();
    const [first, second] = [await ask(), await ask()];
    now = later(119.999);
    expect(await decide(first.ticket, first.code)).toBe('approved');
    now = later(120);
    expect(await questionOf(deps(), second.ticket)).toBeNull();
    expect(await ticketOf(deps(), second.code)).toBeNull();
    expect(await decide(second.ticket, second.code)).toBe('gone');
    now = later(120 + pickUpMs / 1000);
    expect(await arrive(first.ticket)).toEqual({ kind: 'waiting' });
  });

  describe('D19 approver not strong enough', () => {
    const cases: readonly [string, Partial<NewEvent> | null, number][] = [
      ['not signed in', null, 0],
      [
        'password alone',
        { method: 'password', factors: ['knowledge'], phishingResistant: false, userVerified: false },
        0,
      ],
      [
        'authenticator app',
        { method: 'totp', factors: ['possession'], phishingResistant: false, userVerified: false },
        0,
      ],
      ['a bridge, however strong', { method: 'bridge' }, 0],
      ['a passkey without user verification', { userVerified: false, factors: ['possession'] }, 0],
      [
        'signed in by another phone itself',
        { method: 'cross_device', phishingResistant: false, deviceBound: false },
        0,
      ],
      ['signed in more than five minutes ago', {}, 301],
    ];
    it.each(cases)('%s', async (_name, event, seconds) => {
      if (event !== null) await signIn(event);
      now = later(seconds);
      const { ticket, code } = await ask();
      expect(await decide(ticket, code)).toBe('too_weak');
      expect(await arrive(ticket)).toEqual({ kind: 'waiting' });
      expect(await trail()).toEqual(['cross_device.refused: too_weak']);
    });

    it('another account’s session, and none', async () => {
      await signIn();
      const { id: stranger } = await storedAccount(db);
      const { ticket, code } = await ask();
      expect(await decide(ticket, code, { accountId: stranger })).toBe('too_weak');
      expect(await decide(ticket, code, { sessionUid: null })).toBe('too_weak');
    });

    it('signed in before an app that wants a new sign-in asked', async () => {
      await signIn();
      now = later(60);
      const { ticket, code } = await ask(true);
      expect(await decide(ticket, code)).toBe('too_weak');
      await signIn();
      expect(await decide(ticket, code)).toBe('approved');
    });
  });

  describe('D19 approved, and then', () => {
    const approved = async () => {
      await signIn();
      const { ticket, code } = await ask();
      expect(await decide(ticket, code)).toBe('approved');
      now = later(5);
      return ticket;
    };
    const put = (kind: InterventionKind) => () =>
      insertIntervention(db, testKeyring, {
        ...{
          id: newId(),
          accountId,
          kind,
          reason: 'takeover_suspected',
          note: null,
          actor: 'staff',
          at: now,
          until: null,
        },
      });
    const changes: readonly [string, () => Promise<unknown>][] = [
      ['signed out everywhere', () => endSessions(db, accountId, { at: now })],
      ['the passkey removed', () => revokePasskey(db, accountId, passkeyId, now, 'removed_by_citizen')],
      ['the account closed', () => setAccountStatus(db, accountId, 'suspended', now)],
      ['suspended by staff', put('suspended')],
      ['told to sign in again by staff', put('reauthenticate')],
    ];
    it.each(changes)('%s: nobody is signed in', async (_name, change) => {
      const ticket = await approved();
      await change();
      expect(await arrive(ticket)).toEqual({ kind: 'refused', reason: 'ended' });
      expect(await eventsOfInteraction(db, interaction)).toEqual([]);
      expect(await trail()).toContain('cross_device.refused: ended');
      expect(await arrive(ticket)).toEqual({ kind: 'waiting' });
    });

    it('picked up in another request or by a computer with somebody else: nobody is signed in, not even later', async () => {
      for (const foreign of [{ interaction: 'another' }, { signedInAs: newId() }]) {
        const ticket = await approved();
        expect(await arrive(ticket, foreign)).toEqual({ kind: 'refused', reason: 'another_person' });
        expect(await arrive(ticket)).toEqual({ kind: 'waiting' });
        expect(await eventsOfInteraction(db, interaction)).toEqual([]);
        expect(await eventsOfInteraction(db, 'another')).toEqual([]);
      }
    });
  });

  it('D19 refused: no number is needed, and the same person at the computer may sign in again', async () => {
    await signIn();
    const { ticket, code } = await ask();
    expect(await decide(ticket, '', { approve: false, sessionUid: null })).toBe('refused');
    expect(await decide(ticket, code)).toBe('gone');
    expect(await arrive(ticket)).toEqual({ kind: 'refused', reason: 'by_person' });
    const again = await ask();
    expect(await decide(again.ticket, again.code)).toBe('approved');
    expect(await arrive(again.ticket, { signedInAs: accountId })).toEqual({ kind: 'signed_in' });
  });

  it('D19 at rest: neither ticket nor number is readable in a copy of the database, and no two live numbers are alike', async () => {
    const asked = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(new Set(asked.map(({ code }) => code)).size).toBe(asked.length);
    const rows = JSON.stringify([await db('pending'), await db('throttles'), await db('audit')]);
    for (const { ticket, code } of asked) {
      expect(rows).not.toContain(ticket);
      expect(rows).not.toContain(code);
    }
  });
});
