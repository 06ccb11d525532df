import type { AuthenticationMethod } from '../assurance/evidence.ts';
import type { AuthenticatorTraits, EventTemplate } from './authenticator.ts';

/** Methods of our own; `bridge` events come from src/bridges and are capped by the admin's mapping instead. */
export type OwnMethod = Exclude<AuthenticationMethod, 'bridge'>;

/** The registry: what each authenticator may contribute at most. */
export const authenticators: Readonly<Record<OwnMethod, AuthenticatorTraits>> = {
  passkey: {
    method: 'passkey',
    factors: ['possession', 'inherence'],
    phishingResistant: true,
    mayBeDeviceBound: true,
    startsSignIn: true,
    throttled: false,
    restricted: false,
    singleUse: false,
  },
  password: {
    method: 'password',
    factors: ['knowledge'],
    phishingResistant: false,
    mayBeDeviceBound: false,
    startsSignIn: true,
    throttled: true,
    restricted: false,
    singleUse: false,
  },
  totp: {
    method: 'totp',
    factors: ['possession'],
    phishingResistant: false,
    mayBeDeviceBound: false,
    startsSignIn: false,
    throttled: true,
    restricted: false,
    singleUse: false,
  },
  sms_code: {
    method: 'sms_code',
    factors: ['possession'],
    phishingResistant: false,
    mayBeDeviceBound: false,
    startsSignIn: true,
    throttled: true,
    restricted: true,
    singleUse: false,
  },
  recovery_code: {
    method: 'recovery_code',
    factors: ['possession'],
    phishingResistant: false,
    mayBeDeviceBound: false,
    startsSignIn: false,
    throttled: true,
    restricted: false,
    singleUse: true,
  },
  /** A passkey shown on the phone for the screen beside it; the phone's own use of it is an event of its own. */
  cross_device: {
    method: 'cross_device',
    factors: ['possession', 'inherence'],
    phishingResistant: false,
    mayBeDeviceBound: false,
    startsSignIn: true,
    throttled: true,
    restricted: false,
    singleUse: false,
  },
};

/**
 * What each method proved when it went well. A passkey's comes from its verification, which alone knows its flags; a
 * cross-device sign-in's from the phone's passkey (`assurance/cross-device.ts`).
 */
export const eventTemplates = {
  password: (): EventTemplate => plain('password', null),
  totp: (totpId: string | null): EventTemplate => plain('totp', totpId),
  /** For codes by SMS. E-mail is no authenticator (SP 800-63B-4 3.1.3), so there is no template for it. */
  sms_code: (): EventTemplate => plain('sms_code', null),
  recovery_code: (): EventTemplate => plain('recovery_code', null),
} as const;

function plain(method: Exclude<OwnMethod, 'passkey' | 'cross_device'>, credentialId: string | null): EventTemplate {
  const { factors } = authenticators[method];
  return { method, credentialId, factors, userVerified: false, phishingResistant: false, deviceBound: false };
}
