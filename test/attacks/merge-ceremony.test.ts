import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Decision, decideChange } from '../../src/commands/decide-change.ts';
import { proposeChange } from '../../src/commands/propose-change.ts';
import { newId } from '../../src/lib/crypto.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { insertCase } from '../../src/storage/counter-cases.ts';
import { assignRole } from '../../src/storage/staff.ts';
import { admitAtLevelOne, relyingParty } from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { storedAccount } from '../support/rows.ts';
import type { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import { Hand, type Holder, holderOf, passkeyOf } from './binding-support.ts';

const page = '/account/merges';

describe.each(databaseKinds)('a merge is confirmed by both holders, over HTTP [%s]', (kind) => {
  let transmitter: Transmitter;
  let issuer: string;
  let app: ReturnType<typeof relyingParty>;
  let ahead = 0;
  /** The officials' clock; the server's own goes on as it is. */
  const clock = () => new Date(Date.now() + ahead);
  const deps = () => ({ db: transmitter.database.knex, keyring: transmitter.keyring, clock });

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    ({ issuer } = transmitter);
    await registerReceiver(deps(), 'receiver');
    await admitAtLevelOne(deps(), 'receiver');
    await transmitter.start();
    app = relyingParty(issuer, 'receiver');
  });
  afterAll(() => transmitter?.close());

  const official = async () => {
    const { id: accountId } = await storedAccount(deps().db);
    await assignRole(deps().db, { accountId, role: 'support', grantedBy: 'test', at: new Date() });
    return { accountId, cause: { requestId: null, clientId: 'admin' } };
  };
  const propose = async (keep: Holder, gone: Holder) =>
    proposeChange(deps(), {
      by: await official(),
      what: { kind: 'merge', payload: { keepId: keep.accountId, goneId: gone.accountId } },
      reason: 'one person',
    });
  const decide = async (
    { id, revision }: { id: string; revision: number },
    decision: Decision['decision'] = 'approve',
  ) => decideChange(deps(), { by: await official(), id, revision, decision, reason: '' });
  const two = async () => [await holderOf(deps()), await holderOf(deps())] as const;
  /** Goes where the notice says and signs in for it. */
  const asHolder = async (holder: Holder, device?: SoftwareAuthenticator) => {
    const hand = await new Hand(issuer).go(page);
    if (device) await hand.withPasskey(device);
    else await hand.withPassword(holder);
    return hand;
  };
  const say = (hand: Hand, { id }: { id: string }, what: 'confirm' | 'refuse') => hand.post(`${page}/${id}/${what}`);
  const yes = async (holder: Holder, change: { id: string }) => say(await asHolder(holder), change, 'confirm');
  const lines = async (...holders: Holder[]) =>
    (await readAudit(deps().db, { afterSeq: 0, limit: 10_000 }))
      .filter(({ type, accountId }) => type.startsWith('merge.') && holders.some((one) => one.accountId === accountId))
      .map(({ type, outcome, reason }) => [type, outcome, reason]);
  const merges = async (keep: Holder) => deps().db('merges').where({ keep_id: keep.accountId });
  const signedInToAnApp = async (holder: Holder) => {
    const hand = await new Hand(issuer).go(app.authorizePath());
    await hand.withPassword(holder);
    expect(hand.outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
    return hand;
  };

  it('sign-ins of the last half hour to some app confirm nothing: two officials alone don’t merge', async () => {
    const [keep, gone] = await two();
    for (const holder of [keep, gone]) await signedInToAnApp(holder);
    const change = await propose(keep, gone);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
    expect(await merges(keep)).toEqual([]);
  });

  it('both see the other side masked, sign in for it and say yes; then, and not before, a second official merges', async () => {
    const [keep, gone] = await two();
    const change = await propose(keep, gone);
    expect(
      await deps().db('outbox').where({ kind: 'notice' }).whereIn('target', [keep.accountId, gone.accountId]),
    ).toHaveLength(2);
    for (const [own, other] of [
      [keep, gone],
      [gone, keep],
    ] as const) {
      await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
      const hand = await asHolder(own);
      expect(hand.base).toBe(page);
      expect(hand.html).toContain(`•••• ${other.phone.slice(-4)}`);
      expect(hand.html).not.toContain(other.phone);
      expect(hand.html).not.toContain(other.accountId);
      expect(await say(hand, change, 'confirm')).toBe(303);
    }
    expect((await decide(change)).status).toBe('published');
    expect(await merges(keep)).toHaveLength(1);
    expect((await lines(keep, gone)).map(([type]) => type)).toEqual([
      ...['merge.asked', 'merge.asked', 'merge.confirmed', 'merge.confirmed'],
    ]);
  });

  it('a session that was there before the question is no sign-in for it, to whatever app', async () => {
    const [keep, gone] = await two();
    const hand = await signedInToAnApp(keep);
    await hand.go('/account');
    expect(hand.base).toBe('/account');
    const change = await propose(keep, gone);
    await hand.go('/account');
    expect(hand.html).toContain(page);
    // The page asks for the sign-in; a form sent past it writes nothing.
    expect(await say(hand, change, 'confirm')).toBe(303);
    expect(hand.base).toMatch(/^\/interaction\//);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
    expect(await deps().db('merge_answers').where({ change_id: change.id }).whereNotNull('answer')).toEqual([]);
  });

  it('a sign-in to the account of a moment ago, before the question, is asked for anew', async () => {
    const [keep, gone] = await two();
    const hand = await new Hand(issuer).go('/account/authenticators');
    await hand.withPassword(keep);
    expect(hand.base).toBe('/account/authenticators');
    await propose(keep, gone);
    await hand.go(page);
    expect(hand.base).toMatch(/^\/interaction\//);
    await hand.withPassword(keep);
    expect(hand.base).toBe(page);
    expect(hand.html).toContain('/confirm"');
  });

  it('a password and its code confirm nothing for an account that has a passkey', async () => {
    const [keep, gone] = await two();
    const { device } = await passkeyOf(deps(), keep, issuer, false);
    await passkeyOf(deps(), gone, issuer, true);
    const change = await propose(keep, gone);
    const thief = await asHolder(keep);
    expect(thief.base).not.toBe(page);
    await say(thief, change, 'confirm');
    expect(await lines(keep)).toEqual([['merge.asked', 'ok', null]]);
    const owner = await asHolder(keep, device);
    expect(await say(owner, change, 'confirm')).toBe(303);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('a synced passkey confirms nothing for an account that has a key of one device: refused, with a line', async () => {
    const [keep, gone] = await two();
    const { device } = await passkeyOf(deps(), keep, issuer, true);
    await passkeyOf(deps(), keep, issuer, false);
    const change = await propose(keep, gone);
    expect(await say(await asHolder(keep, device), change, 'confirm')).toBe(403);
    expect((await lines(keep)).at(-1)).toEqual(['merge.confirmed', 'refused', 'merge_unproven']);
    await yes(gone, change);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('one holder who says yes twice is one, and nobody answers for the other', async () => {
    const [keep, gone] = await two();
    const change = await propose(keep, gone);
    const hand = await asHolder(keep);
    expect(await say(hand, change, 'confirm')).toBe(303);
    expect(await say(hand, change, 'confirm')).toBe(303);
    expect((await lines(keep)).filter(([type]) => type === 'merge.confirmed')).toHaveLength(1);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
    const stranger = await holderOf(deps());
    const [other] = await two();
    await propose(stranger, other);
    expect(await yes(stranger, change)).toBe(404);
    await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('what was said of one pair, or the other way round, is good for no other', async () => {
    const [keep, gone] = await two();
    const third = await holderOf(deps());
    const said = await propose(keep, gone);
    await yes(keep, said);
    await yes(gone, said);
    const turned = await propose(gone, keep);
    const another = await propose(keep, third);
    expect(turned.id).not.toBe(said.id);
    for (const change of [turned, another])
      await expect(decide(change)).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('a refusal ends it, also after a yes; asked anew, both answer anew', async () => {
    const [keep, gone] = await two();
    const change = await propose(keep, gone);
    await yes(gone, change);
    const hand = await asHolder(keep);
    expect(await say(hand, change, 'confirm')).toBe(303);
    expect(await say(hand, change, 'refuse')).toBe(303);
    await expect(decide(change)).rejects.toMatchObject({ code: 'change_decided' });
    expect(await say(hand, change, 'confirm')).toBe(404);
    expect((await lines(keep)).map(([type]) => type)).toEqual(['merge.asked', 'merge.confirmed', 'merge.declined']);
    const again = await propose(keep, gone);
    expect(again.id).not.toBe(change.id);
    await expect(decide(again)).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('used once: after the merge is undone the old answers merge nothing', async () => {
    const [keep, gone] = await two();
    const change = await propose(keep, gone);
    await yes(keep, change);
    await yes(gone, change);
    await decide(change);
    const { id: mergeId } = (await merges(keep))[0];
    const what = { kind: 'unmerge', payload: { mergeId, keepId: keep.accountId, goneId: gone.accountId } } as const;
    await decide(await proposeChange(deps(), { by: await official(), what, reason: 'it was wrong' }));
    await expect(decide(change)).rejects.toMatchObject({ code: 'change_decided' });
    expect(await yes(keep, change)).toBe(404);
    await expect(decide(await propose(keep, gone))).rejects.toMatchObject({ code: 'merge_unproven' });
  });

  it('after seven days it is over: no official approves it, no holder answers it', async () => {
    const [keep, gone] = await two();
    ahead = -7 * 24 * 3_600_000 - 1000;
    const change = await propose(keep, gone);
    ahead = 0;
    expect(await yes(keep, change)).toBe(404);
    expect(await yes(gone, change)).toBe(404);
    // The housekeeping of the server may have closed it meanwhile.
    const over = { code: expect.stringMatching(/^change_(expired|decided)$/) };
    await expect(decide(change)).rejects.toMatchObject(over);
    expect(await merges(keep)).toEqual([]);
  });

  it('a case at a counter that is opened after both said yes stops it', async () => {
    const [keep, gone] = await two();
    const change = await propose(keep, gone);
    await yes(keep, change);
    await yes(gone, change);
    const { db, keyring } = deps();
    const at = { openedAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000) };
    await insertCase(db, keyring, { id: newId(), accountId: gone.accountId, officials: 2, code: 'WXYZ2345', ...at });
    await expect(decide(change)).rejects.toMatchObject({ code: 'change_stale' });
    expect(await merges(keep)).toEqual([]);
  });
});
