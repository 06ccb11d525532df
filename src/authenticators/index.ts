import type { AuthenticationMethod } from '../assurance/evidence.ts';
import type { AuthenticatorTraits } from './authenticator.ts';

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
};
