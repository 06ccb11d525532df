import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import {
  decodeAttestationObject,
  decodeCredentialPublicKey,
  parseAuthenticatorData,
} from '@simplewebauthn/server/helpers';
import { aaguidName } from './aaguid-names.ts';
import type { EventTemplate } from './authenticator.ts';
import { COSE_ALGORITHMS, isUsableCoseKey } from './passkey-key.ts';
import {
  type AuthenticationKeep,
  type AuthenticationVerdict,
  authenticationKeepSchema,
  type KnownCredential,
  type PasskeyRefusal,
  type RegistrationKeep,
  type RegistrationVerdict,
  registrationKeepSchema,
  type StoredPasskey,
} from './passkey-terms.ts';
import { authenticationWire, MAX_CREDENTIAL_ID_BYTES, refusedContext, registrationWire } from './passkey-wire.ts';

const CEREMONY_MS = 5 * 60 * 1000;

/** What the browser is asked to create: discoverable, with user verification, no attestation (N-46: a city does not choose brands). */
export async function registrationOptions(input: {
  rpId: string;
  rpName: string;
  /** base64url, random, at most 64 bytes, without personal data (WebAuthn 14.6.1). */
  userHandle: string;
  userName: string;
  displayName: string;
  exclude: readonly KnownCredential[];
}): Promise<{ options: PublicKeyCredentialCreationOptionsJSON; keep: RegistrationKeep }> {
  const options = await generateRegistrationOptions({
    rpID: input.rpId,
    rpName: input.rpName,
    userID: new Uint8Array(Buffer.from(input.userHandle, 'base64url')),
    userName: input.userName,
    userDisplayName: input.displayName,
    timeout: CEREMONY_MS,
    attestationType: 'none',
    excludeCredentials: descriptors(input.exclude),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    supportedAlgorithmIDs: COSE_ALGORITHMS,
  });
  return {
    options,
    keep: { kind: 'passkey_registration', challenge: options.challenge, userHandle: input.userHandle },
  };
}

/** WebAuthn L3 7.1. The library does the formats and the signature; the steps it leaves to its caller are here, by number. */
export async function verifyRegistration(input: {
  response: unknown;
  /** As it came back from storage; parsed here. */
  keep: unknown;
  expectedOrigins: readonly string[];
  rpId: string;
  isKnownCredential: (credentialId: string) => Promise<boolean>;
}): Promise<RegistrationVerdict> {
  const wire = registrationWire.safeParse(input.response);
  if (!wire.success || wire.data.id !== wire.data.rawId) return refuse('malformed');
  const keep = registrationKeepSchema.safeParse(input.keep).data;
  if (keep === undefined) return refuse('wrong_ceremony');
  const response: RegistrationResponseJSON = {
    id: wire.data.id,
    rawId: wire.data.rawId,
    type: 'public-key',
    clientExtensionResults: {},
    response: wire.data.response,
  };
  const context = refusedContext(
    wire.data.response.clientDataJSON,
    'webauthn.create',
    keep.challenge,
    input.expectedOrigins,
  );
  if (context) return refuse(context);
  const key = inspectNewKey(response);
  if (key !== null) return refuse(key);
  // R25 before any look-up; the id proper is compared with the signed one below.
  if (Buffer.from(response.id, 'base64url').length > MAX_CREDENTIAL_ID_BYTES) return refuse('credential_id_too_long');
  if (wire.data.clientExtensionResults.credProps?.rk === false) return refuse('not_discoverable');

  const result = await attempt(() =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: keep.challenge,
      expectedOrigin: [...input.expectedOrigins],
      expectedRPID: input.rpId,
      requireUserPresence: true,
      requireUserVerification: true,
      supportedAlgorithmIDs: COSE_ALGORITHMS,
    }),
  );
  if (!result?.verified) return refuse('not_verified');
  const { credential, credentialDeviceType, credentialBackedUp, userVerified, aaguid } = result.registrationInfo;
  // The library compares `id` with `rawId` only, both unsigned; the signed id is what gets stored and must be the same.
  if (credential.id !== response.id) return refuse('malformed');
  // R26: no account may hold it already, our own included.
  if (await input.isKnownCredential(credential.id)) return refuse('credential_known');
  const backupEligible = credentialDeviceType === 'multiDevice';
  return {
    ok: true,
    passkey: {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      transports: wire.data.response.transports,
      backupEligible,
      backupState: credentialBackedUp,
      userVerifiedAtRegistration: userVerified,
      aaguid,
      name: aaguidName(aaguid) ?? '',
    },
    event: passkeyEvent(credential.id, userVerified, !backupEligible),
  };
}

/**
 * Only `none` and self attestation: we ask for none, so a browser has replaced everything else. It also means that no
 * certificate chain, and no revocation list named in one, is ever fetched because a stranger said so.
 */
function inspectNewKey(response: RegistrationResponseJSON): PasskeyRefusal | null {
  try {
    const attestation = decodeAttestationObject(
      new Uint8Array(Buffer.from(response.response.attestationObject, 'base64url')),
    );
    const format: string = attestation.get('fmt');
    const selfSigned = format === 'packed' && attestation.get('attStmt').get('x5c') === undefined;
    if (format !== 'none' && !selfSigned) return 'attestation_format';
    const { credentialID, credentialPublicKey } = parseAuthenticatorData(attestation.get('authData'));
    if (credentialID === undefined || credentialPublicKey === undefined) return 'malformed';
    if (credentialID.length > MAX_CREDENTIAL_ID_BYTES) return 'credential_id_too_long';
    const key: unknown = decodeCredentialPublicKey(credentialPublicKey);
    if (!(key instanceof Map)) return 'malformed';
    const algorithm: unknown = key.get(3);
    if (typeof algorithm !== 'number' || !COSE_ALGORITHMS.includes(algorithm) || !isUsableCoseKey(key))
      return 'unusable_key';
    // Self attestation must be made with the key it speaks for (WebAuthn 8.2, verification procedure).
    if (selfSigned && attestation.get('attStmt').get('alg') !== algorithm) return 'not_verified';
    return null;
  } catch {
    return 'malformed';
  }
}

/** What the browser is asked to sign. Without `allow` any passkey of this site may answer, and says itself whose it is. */
export async function authenticationOptions(input: {
  rpId: string;
  allow?: readonly KnownCredential[];
  /** 'preferred' at sign-in (N-44); 'required' where the level needs it. */
  userVerification: 'required' | 'preferred';
}): Promise<{ options: PublicKeyCredentialRequestOptionsJSON; keep: AuthenticationKeep }> {
  const allow = input.allow ?? [];
  const options = await generateAuthenticationOptions({
    rpID: input.rpId,
    timeout: CEREMONY_MS,
    userVerification: input.userVerification,
    ...(allow.length > 0 ? { allowCredentials: descriptors(allow) } : {}),
  });
  return {
    options,
    keep: {
      kind: 'passkey_authentication',
      challenge: options.challenge,
      allow: allow.map(({ credentialId }) => credentialId),
      requireUserVerification: input.userVerification === 'required',
    },
  };
}

/** WebAuthn L3 7.2. A refusal names the passkey once its signature was good, so that a suspected clone can be acted on. */
export async function verifyAuthentication<P extends StoredPasskey>(input: {
  response: unknown;
  /** As it came back from storage; parsed here. */
  keep: unknown;
  expectedOrigins: readonly string[];
  rpId: string;
  find: (credentialId: string) => Promise<P | null>;
  /** In step-up: the account of the session. Another account's passkey is refused (C08). */
  expectedAccountId?: string;
  requireUserVerification?: boolean;
}): Promise<AuthenticationVerdict<P>> {
  const wire = authenticationWire.safeParse(input.response);
  if (!wire.success || wire.data.id !== wire.data.rawId) return refuse('malformed');
  const keep = authenticationKeepSchema.safeParse(input.keep).data;
  if (keep === undefined) return refuse('wrong_ceremony');
  const { id } = wire.data;
  const { clientDataJSON, authenticatorData, signature, userHandle } = wire.data.response;
  const context = refusedContext(clientDataJSON, 'webauthn.get', keep.challenge, input.expectedOrigins);
  if (context) return refuse(context);
  // A5: where ids were offered, one of them must have answered.
  if (keep.allow.length > 0 && !keep.allow.includes(id)) return refuse('not_allowed_here');
  const passkey = await input.find(id);
  if (passkey === null || passkey.credentialId !== id) return refuse('unknown_credential');
  if (passkey.revokedAt !== null) return refuse('credential_revoked');
  if (input.expectedAccountId !== undefined && passkey.accountId !== input.expectedAccountId)
    return refuse('other_account');
  // A6: without offered ids the handle must be there; when there, it must be the owner's.
  if (typeof userHandle !== 'string' ? keep.allow.length === 0 : userHandle !== passkey.userHandle)
    return refuse('user_handle');

  const response: AuthenticationResponseJSON = {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON,
      authenticatorData,
      signature,
      ...(typeof userHandle === 'string' ? { userHandle } : {}),
    },
  };
  const result = await attempt(() =>
    verifyAuthenticationResponse({
      response,
      expectedChallenge: keep.challenge,
      expectedOrigin: [...input.expectedOrigins],
      expectedRPID: input.rpId,
      // The counter is compared below, after the signature: only then does it say anything about the key (A22).
      credential: { id, publicKey: new Uint8Array(passkey.publicKey), counter: 0 },
      requireUserVerification: false,
    }),
  );
  if (!result?.verified) return refuse('not_verified');
  const { userVerified, newCounter, credentialDeviceType, credentialBackedUp } = result.authenticationInfo;
  if (passkey.suspendedAt) return { ...refuse('credential_suspended'), passkey };
  const required = keep.requireUserVerification || input.requireUserVerification === true;
  if (required && !userVerified) return { ...refuse('user_not_verified'), passkey };
  // A19: eligibility is fixed for life; a change means another key, or flags that lie about being device-bound (C09).
  if ((credentialDeviceType === 'multiDevice') !== passkey.backupEligible)
    return { ...refuse('backup_flags'), passkey };
  // 6.1.1: a key that can't leave its device counts on. Synced copies count each for themselves: theirs says nothing.
  if (!passkey.backupEligible && (newCounter > 0 || passkey.counter > 0) && newCounter <= passkey.counter)
    return { ...refuse('counter_rollback'), passkey };
  return {
    ok: true,
    passkey,
    counter: newCounter,
    backupState: credentialBackedUp,
    userVerified,
    event: passkeyEvent(id, userVerified, !passkey.backupEligible),
  };
}

/** Without user verification a passkey is one factor, the thing held (N-45). */
function passkeyEvent(credentialId: string, userVerified: boolean, deviceBound: boolean): EventTemplate {
  return {
    method: 'passkey',
    credentialId,
    factors: userVerified ? ['possession', 'inherence'] : ['possession'],
    userVerified,
    phishingResistant: true,
    deviceBound,
  };
}

function descriptors(credentials: readonly KnownCredential[]) {
  return credentials.map(({ credentialId, transports: hints = [] }) => ({
    id: credentialId,
    transports: registrationWire.shape.response.shape.transports.parse([...hints]),
  }));
}

/** The library throws for a bad ceremony and for bad input alike; both are a refusal here, never a fault of ours. */
async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

function refuse(reason: PasskeyRefusal): { readonly ok: false; readonly reason: PasskeyRefusal } {
  return { ok: false, reason };
}
