import { z } from 'zod';
import type { EventTemplate } from './authenticator.ts';
import type { transports } from './passkey-wire.ts';

export type Transport = (typeof transports)[number];

/** Why a ceremony failed: for the log and the audit. The person reads one text for all of them. */
export type PasskeyRefusal =
  | 'malformed'
  | 'wrong_ceremony'
  | 'wrong_challenge'
  | 'wrong_origin'
  | 'cross_origin'
  | 'attestation_format'
  | 'not_verified'
  | 'unusable_key'
  | 'not_discoverable'
  | 'credential_id_too_long'
  | 'credential_known'
  | 'unknown_credential'
  | 'credential_revoked'
  | 'credential_suspended'
  | 'not_allowed_here'
  | 'other_account'
  | 'user_handle'
  | 'user_not_verified'
  | 'backup_flags'
  | 'counter_rollback';

/** Kept by the area under a pending id, bound to browser and account, taken back exactly once (R8, A11: the single use is there). */
export const registrationKeepSchema = z.object({
  kind: z.literal('passkey_registration'),
  challenge: z.string(),
  userHandle: z.string(),
});
export type RegistrationKeep = z.infer<typeof registrationKeepSchema>;

export const authenticationKeepSchema = z.object({
  kind: z.literal('passkey_authentication'),
  challenge: z.string(),
  /** Credential ids offered; empty when the person was not known yet (discoverable credentials). */
  allow: z.array(z.string()),
  requireUserVerification: z.boolean(),
});
export type AuthenticationKeep = z.infer<typeof authenticationKeepSchema>;

export interface KnownCredential {
  readonly credentialId: string;
  readonly transports?: readonly string[];
}

export interface NewPasskey {
  readonly credentialId: string;
  readonly publicKey: Buffer;
  readonly counter: number;
  readonly transports: readonly Transport[];
  readonly backupEligible: boolean;
  readonly backupState: boolean;
  readonly userVerifiedAtRegistration: boolean;
  readonly aaguid: string;
  /** Where it lives, by its AAGUID; empty when nobody knows. The person may rename it. */
  readonly name: string;
}

export type RegistrationVerdict =
  | { readonly ok: true; readonly passkey: NewPasskey; readonly event: EventTemplate }
  | { readonly ok: false; readonly reason: PasskeyRefusal };

/** A passkey as the account holds it, with the owner's user handle (base64url). */
export interface StoredPasskey {
  readonly credentialId: string;
  readonly accountId: string;
  readonly userHandle: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly backupEligible: boolean;
  readonly revokedAt: Date | null;
  /** Set aside: it signs nobody in, and whoever holds it is told so. */
  readonly suspendedAt?: Date | null;
}

/** What a copy of the key would do: the passkey is set aside, and its owner is told. */
export const signsOfCopy = ['backup_flags', 'counter_rollback'] as const satisfies readonly PasskeyRefusal[];
export type SignOfCopy = (typeof signsOfCopy)[number];
export const isSignOfCopy = (reason: PasskeyRefusal): reason is SignOfCopy =>
  signsOfCopy.some((sign) => sign === reason);

export type AuthenticationVerdict<P extends StoredPasskey> =
  | {
      readonly ok: true;
      readonly passkey: P;
      /** For `advancePasskey`: stored in the same transaction as the event (A24). */
      readonly counter: number;
      readonly backupState: boolean;
      readonly userVerified: boolean;
      readonly event: EventTemplate;
    }
  | { readonly ok: false; readonly reason: PasskeyRefusal; readonly passkey?: P };
