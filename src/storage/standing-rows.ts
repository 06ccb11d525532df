import type {
  AuthenticationEvent,
  AuthenticationMethod,
  Evidence,
  EvidenceKind,
  FactorKind,
  PersonCategory,
  Strength,
} from '../assurance/evidence.ts';
import type { InterventionKind, Standing } from '../assurance/interventions.ts';
import {
  columns,
  flagOf,
  mapped,
  text,
  textOrNull,
  textsOf,
  timeOf,
  timeOrNullOf,
  word,
  wordOrNull,
} from './columns.ts';

// The one shape of the rows that levels are computed from. Every reader of them goes through here: knex, the statement that
// gathers many requests on PostgreSQL, the thread of SQLite. A new column is one name and one line.

/** Values of closed sets are written by this folder's inserts alone, whose types are those sets; an older process reads newer words. */
export const evidenceRow = mapped(
  columns(
    ...(['id', 'kind', 'source', 'strength', 'category', 'record_id', 'confirmed'] as const),
    ...(['recorded_at', 'expires_at', 'revoked_at'] as const),
  ),
  (raw): Evidence => ({
    id: text(raw.id),
    kind: word<EvidenceKind>(raw.kind),
    source: text(raw.source),
    strength: word<Strength>(raw.strength),
    category: wordOrNull<PersonCategory>(raw.category),
    record: textOrNull(raw.record_id),
    confirmed: textsOf(raw.confirmed),
    recordedAt: timeOf(raw.recorded_at),
    expiresAt: timeOrNullOf(raw.expires_at),
    revokedAt: timeOrNullOf(raw.revoked_at),
  }),
);

export type StoredEvent = AuthenticationEvent & { readonly accountId: string };

export const eventRow = mapped(
  columns(
    ...([
      'id',
      'account_id',
      'method',
      'at',
      'credential_id',
      'factors',
      'user_verified',
      'phishing_resistant',
    ] as const),
    ...(['device_bound', 'interaction_uid', 'stale'] as const),
  ),
  (raw): StoredEvent => ({
    id: text(raw.id),
    accountId: text(raw.account_id),
    method: word<AuthenticationMethod>(raw.method),
    at: timeOf(raw.at),
    credentialId: textOrNull(raw.credential_id),
    factors: textsOf<FactorKind>(raw.factors),
    userVerified: flagOf(raw.user_verified),
    phishingResistant: flagOf(raw.phishing_resistant),
    deviceBound: flagOf(raw.device_bound),
    interaction: textOrNull(raw.interaction_uid),
    ...(flagOf(raw.stale) ? { stale: true } : undefined),
  }),
);

export const accountStatuses = ['active', 'suspended', 'closed'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

export interface Account {
  readonly id: string;
  readonly status: AccountStatus;
  readonly displayName: string | null;
  readonly locale: string;
  readonly createdAt: Date;
  /** The person's own key, sealed under the keyring; all their sealed columns open with it. */
  readonly sealedKey: string;
  /** WebAuthn user.id: random, says nothing about the person (WebAuthn 3 14.6.1). */
  readonly passkeyUserHandle: string;
}

export const accountRow = mapped(
  columns('id', 'status', 'display_name', 'locale', 'created_at', 'sealed_key', 'passkey_user_handle'),
  (raw): Account => ({
    id: text(raw.id),
    status: word<AccountStatus>(raw.status),
    displayName: textOrNull(raw.display_name),
    locale: text(raw.locale),
    createdAt: timeOf(raw.created_at),
    sealedKey: text(raw.sealed_key),
    passkeyUserHandle: text(raw.passkey_user_handle),
  }),
);

export type OpenIntervention = Standing & { readonly id: string };

export const interventionRow = mapped(
  columns('id', 'kind', 'at', 'until'),
  (raw): OpenIntervention => ({
    id: text(raw.id),
    kind: word<InterventionKind>(raw.kind),
    at: timeOf(raw.at),
    until: timeOrNullOf(raw.until),
  }),
);
