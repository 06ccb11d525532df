import { describe, expect, it } from 'vitest';
import {
  type Bindable,
  type BindingStrength,
  bindingStrengths,
  type Ground,
  isEnoughToMerge,
  mayBind,
  type Shown,
  strengthOf,
  strongestOf,
  type WaysIn,
} from '../../src/assurance/binding.ts';
import { event } from './support.ts';

const rank = (strength: BindingStrength) => bindingStrengths.indexOf(strength);
const nothing: WaysIn = { passkeys: [], hasPassword: false, hasTotp: false, identities: [] };

/** An account whose strongest way in is this. */
const accounts: Readonly<Record<BindingStrength, readonly WaysIn[]>> = {
  none: [nothing],
  one_factor: [
    { ...nothing, hasPassword: true },
    { ...nothing, hasTotp: true },
    { ...nothing, identities: ['one_factor'] },
  ],
  two_factors: [
    { ...nothing, hasPassword: true, hasTotp: true },
    { ...nothing, identities: ['one_factor', 'two_factors'] },
  ],
  phishing_resistant: [
    { ...nothing, passkeys: [{ backupEligible: true }] },
    { passkeys: [{ backupEligible: true }], hasPassword: true, hasTotp: true, identities: ['two_factors'] },
    { ...nothing, hasPassword: true, hasTotp: true, identities: ['phishing_resistant'] },
  ],
  device_bound: [
    { ...nothing, passkeys: [{ backupEligible: false }] },
    {
      passkeys: [{ backupEligible: true }, { backupEligible: false }],
      hasPassword: true,
      hasTotp: true,
      identities: [],
    },
    { ...nothing, identities: ['device_bound'] },
  ],
};

const verified = { factors: ['possession', 'inherence'], userVerified: true, phishingResistant: true } as const;
const password = event({ method: 'password', factors: ['knowledge'] });
const totp = event({ method: 'totp', factors: ['possession'] });
/** Sign-ins that amount to this. */
const signIns: Readonly<Record<BindingStrength, readonly (readonly ReturnType<typeof event>[])[]>> = {
  none: [[], [event({ method: 'cross_device', ...verified, deviceBound: true })]],
  one_factor: [
    [password],
    [totp],
    [event({ method: 'bridge' })],
    // A passkey without user verification is the thing held, and no more (SP 800-63B-4 3.2.5).
    [event({ method: 'passkey', phishingResistant: true, deviceBound: true })],
    // Nor is one that says it verified its user and names one factor: the factors decide.
    [event({ method: 'passkey', phishingResistant: true, userVerified: true, deviceBound: true })],
    // An old session at an upstream, whatever was shown when it began.
    [event({ method: 'bridge', ...verified, deviceBound: true, stale: true })],
    [event({ method: 'bridge', factors: ['possession', 'knowledge'], stale: true }), totp],
    // Two of a kind are one.
    [totp, event({ method: 'bridge' })],
  ],
  two_factors: [
    [password, totp],
    [event({ method: 'bridge', factors: ['possession', 'inherence'], userVerified: true })],
    [password, event({ method: 'passkey', phishingResistant: true, deviceBound: true })],
    [password, totp, event({ method: 'cross_device', ...verified })],
  ],
  phishing_resistant: [
    [event({ method: 'passkey', ...verified })],
    [password, event({ method: 'passkey', ...verified })],
  ],
  device_bound: [[event({ method: 'passkey', ...verified, deviceBound: true })]],
};

const bridge = (facts: Partial<Shown>): Shown => ({
  ...{ factors: ['possession'], userVerified: false, phishingResistant: false, deviceBound: false },
  ...facts,
});
/** What is bound, and the strongest sign-in that it can give or help to. */
const bindables: readonly (readonly [string, Bindable, BindingStrength])[] = [
  ['a synced passkey', { kind: 'passkey', backupEligible: true }, 'phishing_resistant'],
  ['a device-bound passkey', { kind: 'passkey', backupEligible: false }, 'device_bound'],
  ['a password', { kind: 'password' }, 'two_factors'],
  ['an authenticator app', { kind: 'totp' }, 'two_factors'],
  ['recovery codes', { kind: 'recovery_codes' }, 'two_factors'],
  ['a document', { kind: 'document' }, 'two_factors'],
  ['an identity that adds proof only', { kind: 'identity', event: null }, 'two_factors'],
  ['an identity of one factor', { kind: 'identity', event: bridge({}) }, 'two_factors'],
  [
    'an identity of two factors',
    { kind: 'identity', event: bridge({ factors: ['possession', 'knowledge'] }) },
    'two_factors',
  ],
  [
    'an identity that is a passkey elsewhere',
    { kind: 'identity', event: bridge({ ...verified }) },
    'phishing_resistant',
  ],
  [
    'an identity bound to a device',
    { kind: 'identity', event: bridge({ ...verified, deviceBound: true }) },
    'device_bound',
  ],
];

/** SP 800-63B-4 4.1.2.1, written out once more; a sign-in at least. */
const expected = (account: BindingStrength, worth: BindingStrength, shown: BindingStrength) =>
  rank(shown) >= Math.max(1, Math.min(rank(account), rank(worth)));

describe('what sign-ins and accounts amount to', () => {
  it.each(bindingStrengths)('%s', (strength) => {
    for (const events of signIns[strength]) expect(strengthOf(events)).toBe(strength);
    for (const ways of accounts[strength]) expect(strongestOf(ways)).toBe(strength);
  });
});

describe('who may bind', () => {
  const cells = bindables.flatMap(([name, adding, worth]) =>
    bindingStrengths.flatMap((account) =>
      bindingStrengths.map((shown) => [name, account, shown, expected(account, worth, shown), adding] as const),
    ),
  );
  it.each(cells)('%s to an account that can show %s, after %s: %s', (_name, account, shown, may, adding) => {
    for (const ways of accounts[account])
      for (const events of signIns[shown])
        expect(mayBind(adding, ways, false, { kind: 'signed_in', shown: events }).ok).toBe(may);
  });

  it('a phished password with its code binds nothing that can’t be phished where such a key is there', () => {
    const [ways = nothing] = accounts.phishing_resistant;
    const ground: Ground = { kind: 'signed_in', shown: [password, totp] };
    expect(mayBind({ kind: 'passkey', backupEligible: false }, ways, false, ground)).toEqual({
      ok: false,
      reason: 'binding_too_weak',
      needs: 'phishing_resistant',
    });
  });

  it.each(bindables)('%s comes with an account that is made just then', (_name, adding) => {
    expect(mayBind(adding, nothing, false, { kind: 'new_account' }).ok).toBe(true);
  });

  it.each(bindables)('%s: officials bind a document and nothing else', (_name, adding) => {
    const [ways = nothing] = accounts.device_bound;
    expect(mayBind(adding, ways, false, { kind: 'officials' }).ok).toBe(adding.kind === 'document');
  });

  it.each(bindables)(
    '%s: proofing anew binds the identity that it came by, where it is worth no less in person',
    (_name, adding) => {
      const [ways = nothing] = accounts.device_bound;
      for (const inPerson of [true, false])
        for (const noLess of [true, false]) {
          const verdict = mayBind(adding, ways, false, { kind: 'proofed_anew', inPerson, noLess });
          expect(verdict.ok).toBe(adding.kind === 'identity' && inPerson && noLess);
        }
    },
  );

  it('never a password to an account with a role, whatever was shown', () => {
    const [ways = nothing] = accounts.device_bound;
    const [strongest = []] = signIns.device_bound;
    for (const ground of [{ kind: 'signed_in', shown: strongest } as const, { kind: 'new_account' } as const])
      expect(mayBind({ kind: 'password' }, ways, true, ground)).toMatchObject({ ok: false, reason: 'staff_password' });
    expect(mayBind({ kind: 'password' }, ways, false, { kind: 'signed_in', shown: strongest }).ok).toBe(true);
  });

  it.each(bindables.filter(([, { kind }]) => kind !== 'password'))(
    '%s to an account with a role as to any',
    (...row) => {
      const [ways = nothing] = accounts.device_bound;
      const [strongest = []] = signIns.device_bound;
      expect(mayBind(row[1], ways, true, { kind: 'signed_in', shown: strongest })).toEqual({ ok: true });
    },
  );
});

/** Both holders of a merge show all that their account can, and two factors at least. */
describe('what shows an account in full', () => {
  it.each(bindingStrengths.flatMap((account) => bindingStrengths.map((shown) => [account, shown] as const)))(
    'an account that can show %s, after %s',
    (account, shown) => {
      const enough = rank(shown) >= Math.max(rank('two_factors'), rank(account));
      for (const ways of accounts[account])
        for (const events of signIns[shown]) expect(isEnoughToMerge(ways, events)).toBe(enough);
    },
  );
});
