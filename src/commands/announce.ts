import type { Keyring } from '../lib/crypto.ts';
import type { Db } from '../storage/db.ts';
import { enqueue } from '../storage/outbox.ts';
import { connectedApps, streamClients } from '../storage/signal-streams.ts';

const caep = 'https://schemas.openid.net/secevent/caep/event-type/';
const risc = 'https://schemas.openid.net/secevent/risc/event-type/';

/** What apps can be told, and the event's own claims, which `data` may have (CAEP 1.0 section 3, RISC 1.0 section 2). */
export const signalEvents = {
  'session-revoked': { uri: `${caep}session-revoked`, claims: [] },
  'credential-change': {
    uri: `${caep}credential-change`,
    claims: ['credential_type', 'change_type', 'fido2_aaguid'],
  },
  'assurance-level-change': {
    uri: `${caep}assurance-level-change`,
    claims: ['namespace', 'current_level', 'previous_level', 'change_direction'],
  },
  'account-disabled': { uri: `${risc}account-disabled`, claims: ['reason'] },
  'account-enabled': { uri: `${risc}account-enabled`, claims: [] },
  'account-purged': { uri: `${risc}account-purged`, claims: [] },
  'account-credential-change-required': { uri: `${risc}account-credential-change-required`, claims: [] },
  'identifier-changed': { uri: `${risc}identifier-changed`, claims: ['new-value'] },
} as const satisfies Record<string, { uri: string; claims: readonly string[] }>;

export type SignalEvent = keyof typeof signalEvents;

/** CAEP 1.0 section 2. */
export type Initiator = 'admin' | 'user' | 'policy' | 'system';

export interface Announcement {
  readonly accountId: string;
  readonly event: SignalEvent;
  /** Claims of the event itself, as they go out; no personal data but in `identifier`. */
  readonly data?: Readonly<Record<string, string>>;
  readonly at: Date;
  readonly initiator?: Initiator;
  /** A reason code, for the receiver's log (`reason_admin`). */
  readonly reason?: string;
  /** The same for all events of one cause (SSF 1.0, "txn"); the event's own id unless given. */
  readonly txn?: string;
  /** `session-revoked` of one session: what each app knows it by. Only these apps hear of it. */
  readonly sids?: Readonly<Record<string, string>>;
  /** Apps that are to hear of it besides those connected now: they were when the matter began. */
  readonly also?: readonly string[];
  /** `identifier-changed` is about the old value (RISC 1.0 2.6) and goes to apps that may see it. */
  readonly identifier?: { readonly format: 'phone_number' | 'email'; readonly value: string };
}

/** What waits in the outbox: the announcement and the apps that were connected to the account at that moment. */
export interface QueuedSignal extends Omit<Announcement, 'at' | 'sids' | 'also'> {
  readonly at: number;
  readonly apps: readonly { readonly clientId: string; readonly sid: string | null }[];
}

export const signalMessage = 'signal';

/**
 * Tells the apps that asked for it what happened to an account they are connected to: a message in the caller's
 * transaction, so that it goes out if and only if the change happened. Call it before grants or sessions are deleted:
 * they say who is connected. Costs one look-up where no app has a stream.
 */
export async function announce(tx: Db, keyring: Keyring, announcement: Announcement): Promise<void> {
  const streaming = await streamClients(tx);
  if (streaming.size === 0) return;
  const { sids, also = [], at, ...rest } = announcement;
  const scope = announcement.identifier ? (announcement.identifier.format === 'email' ? 'email' : 'phone') : null;
  const connected = sids === undefined ? await connectedApps(tx, announcement.accountId, at, scope) : Object.keys(sids);
  const apps = [...new Set([...connected, ...also])]
    .filter((clientId) => streaming.has(clientId))
    .map((clientId) => ({ clientId, sid: sids?.[clientId] ?? null }));
  if (apps.length === 0) return;
  const payload: QueuedSignal = { ...rest, at: at.getTime(), apps };
  await enqueue(tx, { kind: signalMessage, target: announcement.accountId, payload, at }, keyring);
}
