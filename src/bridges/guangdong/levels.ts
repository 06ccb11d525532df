import type { AuthenticationWorth, IdentityWorth } from '../../assurance/bridge-worth.ts';
import { upstreamProofs } from '../../assurance/worth.ts';
import type { BridgeLevel } from '../bridge.ts';

/** The platform's own levels of accounts, lowest first. */
export const creditLevels = ['L0', 'L1', 'L2', 'L3'] as const;
export type CreditLevel = (typeof creditLevels)[number];

export type LoginKind = 'password' | 'certificate' | 'yueshengshi' | 'weijing';

/** `accout_type`, spelled so: how the account signed in just now. */
export const loginKinds: Readonly<Record<string, LoginKind>> = {
  '1': 'password',
  '2': 'certificate',
  '3': 'yueshengshi',
  '4': 'weijing',
};

/** RFC 8176; the scans confirm on a second device. */
export const methodsOf: Readonly<Record<LoginKind, readonly string[]>> = {
  password: ['pwd'],
  certificate: ['hwk', 'pin', 'mfa'],
  yueshengshi: ['mca'],
  weijing: ['mca'],
};

const oneFactor = (factor: 'knowledge' | 'possession'): AuthenticationWorth => ({
  factors: [factor],
  userVerified: false,
  phishingResistant: false,
  deviceBound: false,
});
const certificate: AuthenticationWorth = { ...oneFactor('possession'), factors: ['possession', 'knowledge'] };

const identityOf: Readonly<Record<CreditLevel, IdentityWorth | null>> = {
  // Only the format of what was typed in is checked.
  L0: null,
  ...upstreamProofs.guangdong,
};

/**
 * Account levels and kinds of login are different things and worth something separately, so a level of this bridge names both. A
 * certificate is a key and its PIN only where it also made the account what it is; with a lower account it is a key.
 */
export const levels: readonly [BridgeLevel, ...BridgeLevel[]] = [
  { name: null, worth: { identity: null, authentication: null } },
  ...creditLevels.flatMap((credit): BridgeLevel[] => [
    { name: `${credit}-password`, worth: { identity: identityOf[credit], authentication: oneFactor('knowledge') } },
    { name: `${credit}-device`, worth: { identity: identityOf[credit], authentication: oneFactor('possession') } },
  ]),
  { name: 'L3-certificate', worth: { identity: identityOf.L3, authentication: certificate } },
];

export function levelName(credit: CreditLevel, login: LoginKind): string {
  if (login === 'password') return `${credit}-password`;
  return login === 'certificate' && credit === 'L3' ? 'L3-certificate' : `${credit}-device`;
}
