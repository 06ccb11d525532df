import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandDeps } from '../../src/commands/command.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readAudit } from '../../src/storage/audit.ts';
import { insertEvent } from '../../src/storage/sessions.ts';
import { admitAtLevelOne, relyingParty } from '../signals/citizens.ts';
import { prepareTransmitter, registerReceiver, type Transmitter } from '../signals/support.ts';
import { databaseKinds } from '../support/databases.ts';
import { BE, BS, SoftwareAuthenticator, UP, UV } from '../support/software-authenticator.ts';
import { Hand, type Holder, holderOf, passkeyOf } from './binding-support.ts';

describe.each(databaseKinds)('binding over HTTP [%s]', (kind) => {
  let transmitter: Transmitter;
  let deps: CommandDeps;
  let issuer: string;
  let app: ReturnType<typeof relyingParty>;

  beforeAll(async () => {
    transmitter = await prepareTransmitter(kind);
    ({ issuer } = transmitter);
    deps = { db: transmitter.database.knex, keyring: transmitter.keyring, clock: systemClock };
    await registerReceiver(deps, 'receiver');
    await admitAtLevelOne(deps, 'receiver');
    await transmitter.start();
    app = relyingParty(issuer, 'receiver');
  });
  afterAll(() => transmitter?.close());

  /** An app that takes nothing less than a key that can't be phished. */
  const strict = (acr = 'phr') => ({
    acr_values: acr,
    claims: JSON.stringify({ id_token: { acr: { essential: true, values: [acr] } } }),
  });
  const open = (extra: Record<string, string> = {}) => new Hand(issuer).go(app.authorizePath(extra));
  const keysOf = async ({ accountId }: Holder) => deps.db('passkeys').where({ account_id: accountId });
  const lines = async ({ accountId }: Holder) =>
    (await readAudit(deps.db, { afterSeq: 0, limit: 10_000 })).filter((line) => line.accountId === accountId);
  const refusals = async (holder: Holder) =>
    (await lines(holder)).filter(({ type }) => type === 'authenticator.refused').map(({ reason }) => reason);
  const tokensOf = async (hand: Hand) => app.exchange(hand.outside?.searchParams.get('code') ?? '');
  const acrOf = async (hand: Hand) => decodeJwt((await tokensOf(hand)).id_token).acr;
  const eventIn = async ({ accountId }: Holder, factors: readonly ('possession' | 'inherence')[]) => {
    const { cid } = await deps.db('journey_visits').orderBy('started_at', 'desc').first('cid');
    await insertEvent(deps.db, {
      ...{ accountId, method: 'bridge', at: new Date(), credentialId: 'wechat:x', sessionUid: null },
      ...{ interactionUid: cid, factors, userVerified: false, phishingResistant: false, deviceBound: false },
    });
  };

  it.each([true, false])(
    'a password and its code add no passkey to an account that has one (synced: %s)',
    async (synced) => {
      const holder = await holderOf(deps);
      await passkeyOf(deps, holder, issuer, synced);
      const thief = await open(strict());
      await thief.withPassword(holder);
      await thief.post(`${thief.base}/choose`, { way: 'enrol-passkey' });
      expect(thief.html).not.toContain('/enrol/passkey"');
      expect(await thief.post(`${thief.base}/enrol/passkey`, { ceremony: 'x', response: '{}' })).toBe(403);
      expect(await keysOf(holder)).toHaveLength(1);
      expect(await refusals(holder)).toEqual(['binding_too_weak']);
    },
  );

  it('a synced passkey adds no device-bound one to an account that has such a key', async () => {
    const holder = await holderOf(deps);
    const { device } = await passkeyOf(deps, holder, issuer, true);
    await passkeyOf(deps, holder, issuer, false);
    const thief = await new Hand(issuer).go('/account/authenticators');
    await thief.withPasskey(device);
    expect(
      await thief.newPasskey('/account/authenticators/passkeys', new SoftwareAuthenticator({ origin: issuer })),
    ).toBe(403);
    expect(await keysOf(holder)).toHaveLength(2);
    expect(await refusals(holder)).toEqual(['binding_too_weak']);
  });

  it('a key that is added raises nothing in its own request, used or not; in the same request anew it does', async () => {
    const holder = await holderOf(deps);
    const hand = await open(strict());
    await hand.withPassword(holder);
    await hand.post(`${hand.base}/choose`, { way: 'enrol-passkey' });
    const device = new SoftwareAuthenticator({ origin: issuer });
    const { base } = hand;
    expect(await hand.newPasskey(`${base}/enrol/passkey`, device)).toBe(303);
    expect(hand.outside).toBeNull();
    expect(hand.html).toContain(`action="${base}/again"`);
    const events = await deps.db('authentication_events').where({ account_id: holder.accountId });
    expect(events.map(({ method }) => method).sort()).toEqual(['password', 'totp']);

    // The challenge of another sign-in page of this request, made before: the key counts for nothing in it.
    const page = await hand.browser.send('GET', `${base}?show=sign-in`);
    expect(page.body).toContain('/again"');
    expect(await hand.post(`${base}/again`)).toBe(303);
    expect(hand.base).not.toBe(base);
    expect(await hand.withPasskey(device)).toBe(303);
    expect(await acrOf(hand)).toBe('phr');
  });

  it('a key that was added in a request signs nobody in to it, by a challenge that was shown before', async () => {
    const holder = await holderOf(deps);
    const hand = await open(strict());
    const early = { ...hand, html: hand.html };
    await hand.withPassword(holder);
    await hand.post(`${hand.base}/choose`, { way: 'enrol-passkey' });
    const device = new SoftwareAuthenticator({ origin: issuer });
    await hand.newPasskey(`${hand.base}/enrol/passkey`, device);
    hand.html = early.html;
    expect(await hand.withPasskey(device)).toBe(403);
    const events = await deps.db('authentication_events').where({ account_id: holder.accountId });
    expect(events.map(({ method }) => method).sort()).toEqual(['password', 'totp']);
  });

  it('one factor adds nothing to an account that has two', async () => {
    const holder = await holderOf(deps);
    const thief = await open(strict());
    await eventIn(holder, ['possession']);
    await thief.go(thief.base);
    await thief.post(`${thief.base}/choose`, { way: 'enrol-passkey' });
    expect(thief.html).not.toContain('/enrol/passkey"');
    expect(await thief.post(`${thief.base}/enrol/passkey`, { ceremony: 'x', response: '{}' })).toBe(403);
    expect(await keysOf(holder)).toEqual([]);
    expect(await refusals(holder)).toEqual(['binding_too_weak']);
  });

  it('a sign-in to another app a moment ago changes nothing on the page of the account', async () => {
    const holder = await holderOf(deps);
    const { device } = await passkeyOf(deps, holder, issuer, false);
    const hand = await open();
    await hand.withPasskey(device);
    expect(hand.outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
    await hand.go('/account');
    expect(hand.html).toContain('/account/authenticators');
    await hand.go('/account/authenticators');
    expect(hand.base).toMatch(/^\/interaction\//);
    expect(await hand.withPasskey(device)).toBe(303);
    expect(hand.base).toBe('/account/authenticators');
    const more = new SoftwareAuthenticator({ origin: issuer });
    expect(await hand.newPasskey('/account/authenticators/passkeys', more)).toBe(303);
    expect(await keysOf(holder)).toHaveLength(2);
  });

  describe('counters', () => {
    it('a synced passkey whose counter stays or runs back is a good passkey', async () => {
      const holder = await holderOf(deps);
      const { device } = await passkeyOf(deps, holder, issuer, true);
      for (const counter of [7, 7, 3, 0]) {
        const hand = await open();
        expect(await hand.withPasskey(device, { counter })).toBe(303);
        expect(hand.outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
      }
    });

    it.each([
      ['a device-bound passkey whose counter runs back', false, { counter: 0 }, 'counter_rollback'],
      ['a device-bound passkey that says it is synced', false, { flags: UP | UV | BE | BS }, 'backup_flags'],
      ['a synced passkey that says it is device-bound', true, { flags: UP | UV }, 'backup_flags'],
    ] as const)(
      '%s is set aside: refused, written down against its owner, who is told and makes another',
      async (_, synced, twist, reason) => {
        const holder = await holderOf(deps);
        const { id, device } = await passkeyOf(deps, holder, issuer, synced);
        const living = await open();
        await living.withPasskey(device);
        const copy = await open();
        expect(await copy.withPasskey(device, twist)).toBe(403);
        expect(copy.outside).toBeNull();
        const told = (await lines(holder)).filter(
          ({ outcome, type }) => outcome === 'refused' || type === 'authenticator.suspended',
        );
        expect(told.map(({ type, reason: why }) => [type, why])).toEqual([
          ['authentication.failed', reason],
          ['authenticator.suspended', reason],
        ]);
        expect(told[1]?.data).toEqual({ kind: 'passkey', authenticatorId: id });
        expect(await deps.db('outbox').where({ kind: 'notice', target: holder.accountId })).not.toEqual([]);
        // For good, however right it is from now on; what it had opened is shut.
        const again = await open();
        expect(await again.withPasskey(device)).toBe(403);
        const silent = await living.browser.follow(app.authorizePath({ prompt: 'none' }));
        expect(silent.outside?.searchParams.get('error')).toBe('login_required');

        const owner = await new Hand(issuer).go('/account/authenticators');
        await owner.withPassword(holder);
        expect(owner.html).toContain('已停用');
        const fresh = new SoftwareAuthenticator({ origin: issuer });
        expect(await owner.newPasskey('/account/authenticators/passkeys', fresh)).toBe(303);
        const inside = await open(strict());
        expect(await inside.withPasskey(fresh)).toBe(303);
        expect(inside.outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
      },
    );
  });

  describe('a password', () => {
    it('is removed by its holder, with what is nothing without it; whoever sits in a session that it opened is out', async () => {
      const holder = await holderOf(deps);
      const { device } = await passkeyOf(deps, holder, issuer, false);
      const thief = await open();
      await thief.withPassword(holder);
      expect(thief.outside?.searchParams.get('code')).toMatch(/^[\w-]{20,}$/);
      const hand = await new Hand(issuer).go('/account/authenticators');
      await hand.withPasskey(device);
      expect(await hand.post('/account/authenticators/password/remove')).toBe(303);
      expect(hand.base).toBe('/account/authenticators');
      for (const table of ['passwords', 'recovery_codes'])
        expect(await deps.db(table).where({ account_id: holder.accountId })).toEqual([]);
      const silent = await thief.browser.follow(app.authorizePath({ prompt: 'none' }));
      expect(silent.outside?.searchParams.get('error')).toBe('login_required');
      expect((await lines(holder)).at(-1)).toMatchObject({ type: 'authenticator.revoked', data: { kind: 'password' } });
    });

    it('that is the last way in stays', async () => {
      const holder = await holderOf(deps);
      const hand = await new Hand(issuer).go('/account/authenticators');
      await hand.withPassword(holder);
      expect(await hand.post('/account/authenticators/password/remove')).toBe(409);
      expect(await deps.db('passwords').where({ account_id: holder.accountId })).toHaveLength(1);
    });
  });
});
