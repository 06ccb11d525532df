import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authenticationOptions, registrationOptions } from '../../src/authenticators/passkey.ts';
import { BE, BS, type Twist, UP, UV, type Wire } from '../support/software-authenticator.ts';
import { Bench, newUserHandle, origin, rpId } from './passkey-bench.ts';

const swap = (change: (wire: Wire) => unknown): Twist => ({ response: change });
const inResponse = (fields: Record<string, unknown>): Twist =>
  swap((wire) => ({ ...wire, response: { ...wire.response, ...fields } }));

describe('signing in with a passkey', () => {
  it('offers any passkey of the site when nobody is known yet', async () => {
    const { options, keep } = await authenticationOptions({ rpId, userVerification: 'preferred' });
    expect(options.allowCredentials).toBeUndefined();
    expect(options.userVerification).toBe('preferred');
    expect(keep.allow).toEqual([]);
  });

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('accepts an %s key and says what it proved', async (algorithm) => {
    const bench = new Bench();
    const row = await bench.enrolled({ algorithm });
    expect(await bench.signIn()).toMatchObject({
      ok: true,
      passkey: row,
      counter: 2,
      backupState: false,
      userVerified: true,
      event: {
        credentialId: row.credentialId,
        factors: ['possession', 'inherence'],
        phishingResistant: true,
        deviceBound: true,
      },
    });
  });

  it('N-45: without user verification it is one factor', async () => {
    const bench = new Bench();
    await bench.enrolled();
    expect(await bench.signIn({ flags: UP })).toMatchObject({
      ok: true,
      userVerified: false,
      event: { factors: ['possession'], userVerified: false },
    });
  });

  it('accepts a synced passkey whose counter stays zero, and reports a new backup state', async () => {
    const bench = new Bench({ origin, synced: true, counterStep: 0 });
    await bench.enrolled();
    expect(await bench.signIn()).toMatchObject({
      ok: true,
      counter: 0,
      backupState: true,
      event: { deviceBound: false },
    });
    expect(await bench.signIn({ flags: UP | UV | BE })).toMatchObject({ ok: true, backupState: false });
  });

  it('takes extra client data members, reserved flags and unasked extension output', async () => {
    const twists: Twist[] = [
      { clientData: { extra: [1, 2] } },
      { flags: UP | UV | 0x02 | 0x20 },
      { extensions: new Map([['uvm', true]]) },
    ];
    for (const twist of twists) {
      const bench = new Bench();
      await bench.enrolled();
      expect(await bench.signIn(twist)).toMatchObject({ ok: true });
    }
  });

  const refused: [string, Twist, string][] = [
    ['structure: missing id', swap(({ id: _, ...wire }) => wire), 'malformed'],
    ['structure: id not base64url', swap((wire) => ({ ...wire, id: 'a b', rawId: 'a b' })), 'malformed'],
    [
      'structure: id in another spelling',
      swap((wire) => ({ ...wire, id: `${wire.id}=`, rawId: `${wire.id}=` })),
      'malformed',
    ],
    ['structure: rawId differs', swap((wire) => ({ ...wire, rawId: 'AAAA' })), 'malformed'],
    ['structure: type wrong', swap((wire) => ({ ...wire, type: 'public_key' })), 'malformed'],
    ['structure: response missing', swap(({ response: _, ...wire }) => wire), 'malformed'],
    ['structure: clientDataJSON a number', inResponse({ clientDataJSON: 5 }), 'malformed'],
    ['structure: authenticatorData missing', inResponse({ authenticatorData: undefined }), 'malformed'],
    ['structure: signature empty', inResponse({ signature: '' }), 'malformed'],
    ['structure: userHandle not a string', inResponse({ userHandle: 7 }), 'malformed'],
    ['structure: userHandle too long', inResponse({ userHandle: 'A'.repeat(200) }), 'malformed'],
    ['client data: type swapped', { clientData: { type: 'webauthn.create' } }, 'wrong_ceremony'],
    ['client data: payment', { clientData: { type: 'payment.get' } }, 'wrong_ceremony'],
    [
      'client data: challenge other',
      { clientData: { challenge: randomBytes(32).toString('base64url') } },
      'wrong_challenge',
    ],
    ['client data: challenge empty', { clientData: { challenge: '' } }, 'wrong_challenge'],
    ['C03 http origin', { clientData: { origin: 'http://id.example' } }, 'wrong_origin'],
    ['C03 port', { clientData: { origin: 'https://id.example:444' } }, 'wrong_origin'],
    ['C03 subdomain', { clientData: { origin: 'https://a.id.example' } }, 'wrong_origin'],
    ['C03 null origin', { clientData: { origin: 'null' } }, 'wrong_origin'],
    ['C04 crossOrigin', { clientData: { crossOrigin: true } }, 'cross_origin'],
    ['C04 crossOrigin with topOrigin', { clientData: { crossOrigin: true, topOrigin: origin } }, 'cross_origin'],
    ['C04 topOrigin alone', { clientData: { topOrigin: 'https://evil.example' } }, 'cross_origin'],
    ['C05 other rpId', { rpId: 'evil.example' }, 'not_verified'],
    ['C06 UP=0', { flags: UV }, 'not_verified'],
    ['auth data: too short', { authDataLength: 36 }, 'not_verified'],
    ['auth data: trailing bytes', { authDataTail: Buffer.from([1, 2, 3]) }, 'not_verified'],
    [
      'auth data: extension garbage',
      { flags: UP | UV | 0x80, authDataTail: Buffer.from([0xff, 0xff]) },
      'not_verified',
    ],
    ['auth data: BS without BE', { flags: UP | UV | BS }, 'not_verified'],
    ['C07 userHandle of another', { userHandle: newUserHandle() }, 'user_handle'],
    ['C07 userHandle missing though nobody was known', { userHandle: null }, 'user_handle'],
    ['C09 BE flips', { flags: UP | UV | BE }, 'backup_flags'],
    ['C09 BE and BS flip', { flags: UP | UV | BE | BS }, 'backup_flags'],
    ['C11 signature altered', { corruptSignature: true }, 'not_verified'],
    [
      'C11 signature over other client data',
      swap((wire) => ({
        ...wire,
        response: { ...wire.response, clientDataJSON: addSpace(wire.response.clientDataJSON) },
      })),
      'not_verified',
    ],
    ['counter back', { counter: 0 }, 'counter_rollback'],
    ['counter the same', { counter: 1 }, 'counter_rollback'],
  ];

  it.each(refused)('refuses %s', async (_name, twist, reason) => {
    const bench = new Bench();
    await bench.enrolled();
    expect(await bench.signIn(twist)).toMatchObject({ ok: false, reason });
  });

  it('names the passkey of a suspected clone, whose signature was good', async () => {
    const bench = new Bench();
    const row = await bench.enrolled();
    expect(await bench.signIn({ counter: 1 })).toEqual({ ok: false, reason: 'counter_rollback', passkey: row });
    // An unsigned counter says nothing: anybody could send it.
    expect(await bench.signIn({ counter: 1, corruptSignature: true })).toEqual({ ok: false, reason: 'not_verified' });
  });

  it('C01 C02 refuses the answer to an earlier challenge, and that of another ceremony', async () => {
    const bench = new Bench();
    await bench.enrolled();
    const first = await authenticationOptions({ rpId, userVerification: 'preferred' });
    const second = await authenticationOptions({ rpId, userVerification: 'preferred' });
    const answer = bench.device.get(first.options);
    expect(await bench.verify(answer, second.keep)).toEqual({ ok: false, reason: 'wrong_challenge' });
    const registration = await registrationOptions({
      rpId,
      rpName: 'x',
      userHandle: bench.userHandle,
      userName: 'x',
      displayName: 'x',
      exclude: [],
    });
    const keep = JSON.parse(JSON.stringify({ ...first.keep, kind: registration.keep.kind }));
    expect(await bench.verify(answer, keep)).toEqual({ ok: false, reason: 'wrong_ceremony' });
  });

  it('C01 a replay is caught by the counter even if the challenge were taken twice', async () => {
    const bench = new Bench();
    const row = await bench.enrolled();
    const asked = await authenticationOptions({ rpId, userVerification: 'preferred' });
    const answer = bench.device.get(asked.options);
    const verdict = await bench.verify(answer, asked.keep);
    if (!verdict.ok) throw new Error(verdict.reason);
    bench.rows.set(row.credentialId, { ...row, counter: verdict.counter });
    expect(await bench.verify(answer, asked.keep)).toMatchObject({ ok: false, reason: 'counter_rollback' });
  });

  it('C06 refuses UV=0 when the level or the options asked for it', async () => {
    const bench = new Bench();
    await bench.enrolled();
    expect(await bench.signIn({ flags: UP }, { requireUserVerification: true })).toMatchObject({
      ok: false,
      reason: 'user_not_verified',
    });
    expect(await bench.signIn({ flags: UP }, { userVerification: 'required' })).toMatchObject({
      ok: false,
      reason: 'user_not_verified',
    });
  });

  it('C08 refuses the passkey of another account in step-up', async () => {
    const bench = new Bench();
    await bench.enrolled();
    expect(await bench.signIn({}, { expectedAccountId: 'account-2' })).toEqual({ ok: false, reason: 'other_account' });
  });

  it('A5 refuses a credential that was not offered', async () => {
    const bench = new Bench();
    const row = await bench.enrolled();
    await bench.enrolled();
    const other = bench.device.keys[1];
    if (!other) throw new Error('no second key');
    expect(await bench.signIn({}, { allow: [row.credentialId], key: other })).toEqual({
      ok: false,
      reason: 'not_allowed_here',
    });
    expect(await bench.signIn({ userHandle: null }, { allow: [row.credentialId] })).toMatchObject({ ok: true });
  });

  it('refuses a credential that is unknown, revoked, or found under another id', async () => {
    const bench = new Bench();
    const row = await bench.enrolled();
    bench.rows.set(row.credentialId, { ...row, revokedAt: new Date() });
    expect(await bench.signIn()).toEqual({ ok: false, reason: 'credential_revoked' });
    bench.rows.set(row.credentialId, { ...row, credentialId: 'AAAA' });
    expect(await bench.signIn()).toEqual({ ok: false, reason: 'unknown_credential' });
    bench.rows.clear();
    expect(await bench.signIn()).toEqual({ ok: false, reason: 'unknown_credential' });
  });

  it("refuses another person's key put under one's own credential id", async () => {
    const [mine, theirs] = [new Bench(), new Bench()];
    const row = await mine.enrolled();
    const other = await theirs.enrolled();
    mine.rows.set(row.credentialId, { ...row, publicKey: other.publicKey });
    expect(await mine.signIn()).toEqual({ ok: false, reason: 'not_verified' });
  });
});

function addSpace(encoded: unknown): string {
  return Buffer.from(`${Buffer.from(String(encoded), 'base64url')} `).toString('base64url');
}
