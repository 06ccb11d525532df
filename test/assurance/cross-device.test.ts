import { describe, expect, it } from 'vitest';
import { approvalMaxAgeMs, approvingEvent, crossDeviceFacts } from '../../src/assurance/cross-device.ts';
import type { AuthenticationEvent } from '../../src/assurance/evidence.ts';
import { event, methods, now } from './support.ts';

const passkey = (ms: number, facts: Partial<AuthenticationEvent> = {}) =>
  event({ ...methods.synced, id: `${ms}`, at: new Date(now.getTime() - ms), ...facts });

describe('the sign-in that another device is signed in by', () => {
  it('is the newest passkey, wherever it stands in the list', () => {
    const [older, newer] = [passkey(2_000), passkey(1_000)];
    expect(approvingEvent([older, newer], now, null)).toBe(newer);
    expect(approvingEvent([newer, older], now, null)).toBe(newer);
  });

  it('is of the last five minutes, and not of the future', () => {
    expect(approvalMaxAgeMs).toBe(300_000);
    expect(approvingEvent([passkey(300_001)], now, null)).toBeNull();
    expect(approvingEvent([passkey(-1)], now, null)).toBeNull();
    for (const ms of [300_000, 0]) expect(approvingEvent([passkey(ms)], now, null)?.id).toBe(`${ms}`);
  });

  it('is not of before the moment from which on it must be', () => {
    const since = new Date(now.getTime() - 5_000);
    expect(approvingEvent([passkey(5_001)], now, since)).toBeNull();
    expect(approvingEvent([passkey(5_000)], now, since)?.id).toBe('5000');
    expect(approvingEvent([passkey(300_001)], now, new Date(0))).toBeNull();
  });

  it.each<[string, Partial<AuthenticationEvent>]>([
    ['came from another device itself', { method: 'cross_device' }],
    ['came from an upstream', { method: 'bridge' }],
    ['did not verify its user', { userVerified: false }],
    ['can be phished', { phishingResistant: false }],
    ['is of one factor', { factors: ['possession'] }],
  ])('is none that %s', (_what, facts) => expect(approvingEvent([passkey(1_000, facts)], now, null)).toBeNull());

  it('is worth the phone’s factors at the phone’s time there, and never resists phishing or is bound to that device', () => {
    const { at, credentialId, factors, userVerified } = methods.bound;
    expect(crossDeviceFacts(methods.bound)).toEqual({
      ...{ method: 'cross_device', at, credentialId, factors, userVerified },
      ...{ phishingResistant: false, deviceBound: false },
    });
  });
});
