import type { Category } from '../identity/person.ts';

/** Category of the person whom a piece of evidence is about. */
export type PersonCategory = Category;

/** Kinds of evidence about who a person is. `contact` is self-declared plus one confirmed address. */
export const evidenceKinds = [
  'contact',
  'population',
  'face',
  'counter',
  'document',
  'elements',
  'upstream',
  'legal_person',
] as const;
export type EvidenceKind = (typeof evidenceKinds)[number];

/** Strength of one piece of evidence, SP 800-63A-4 section 2.4 words, weakest first. */
export const strengths = ['weak', 'fair', 'strong', 'superior'] as const;
export type Strength = (typeof strengths)[number];

/** One row of the append-only evidence ledger, as the pure core sees it. It holds no personal data. */
export interface Evidence {
  readonly id: string;
  readonly kind: EvidenceKind;
  /** Who vouches: `population`, `face`, `sms`, `counter`, or a bridge id. */
  readonly source: string;
  readonly strength: Strength;
  /** Of the person it is about; null where the source says none (a confirmed phone number is anybody's). */
  readonly category: PersonCategory | null;
  /**
   * The record of a person that it is about: what one source told of one document's holder. Absent or null: it names no
   * document, as a confirmed phone number.
   */
  readonly record?: string | null;
  /** What was confirmed: `name`, `document_number`, `photo`, `phone`, `email`, `liveness`, `officials:2`, ... */
  readonly confirmed: readonly string[];
  readonly recordedAt: Date;
  /** When it ends of itself; null: only the policy's maximum age ends it. */
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Whether a piece of evidence counts for anything at all now. */
export function isAlive(item: Evidence, now: Date): boolean {
  return (item.revokedAt === null || item.revokedAt > now) && (item.expiresAt === null || item.expiresAt > now);
}

/** How an authentication factor works, SP 800-63B-4. */
export const factorKinds = ['knowledge', 'possession', 'inherence'] as const;
export type FactorKind = (typeof factorKinds)[number];

export const authenticationMethods = [
  'passkey',
  'password',
  'totp',
  'sms_code',
  'recovery_code',
  'bridge',
  'cross_device',
] as const;
export type AuthenticationMethod = (typeof authenticationMethods)[number];

/** One completed use of an authenticator. Level, acr, amr and auth_time are computed from these. */
export interface AuthenticationEvent {
  readonly id: string;
  readonly method: AuthenticationMethod;
  readonly at: Date;
  /** The authenticator used; null for codes sent to a contact; for a bridge `<bridge>:<identity id>`. */
  readonly credentialId: string | null;
  /** What it proved by itself: a passkey with user verification proves possession and inherence/knowledge. */
  readonly factors: readonly FactorKind[];
  readonly userVerified: boolean;
  readonly phishingResistant: boolean;
  /** The key can't leave the device (WebAuthn BE = 0). */
  readonly deviceBound: boolean;
  /** The interaction in which it happened, so that a level that never rides on SSO can ask for "in this request". */
  readonly interaction: string | null;
  /** By an upstream that did not show a sign-in made since we asked: it may ride on a session there, so it is new to nobody. */
  readonly stale?: boolean;
}

/** Which bridge a sign-in came by; null: it was here. */
export const bridgeOf = (event: Pick<AuthenticationEvent, 'method' | 'credentialId'>): string | null =>
  event.method === 'bridge' ? (event.credentialId?.split(':')[0] ?? '') : null;
