import { z } from 'zod';
import { type Keyring, newId, open, seal } from '../lib/crypto.ts';
import { consentsOf } from './consents.ts';
import { type Db, kindOf } from './db.ts';
import { grantsOfAccount } from './oidc-models/grants.ts';
import { json, row, time, timeOrNull, toMs } from './rows.ts';

export const streamStatuses = ['enabled', 'paused', 'disabled'] as const;
export type StreamStatus = (typeof streamStatuses)[number];
/** RFC 8935 and RFC 8936. */
export const deliveryMethods = ['push', 'poll'] as const;
export type DeliveryMethod = (typeof deliveryMethods)[number];

/** How one app hears of events: at most one stream of each method. */
export interface SignalStream {
  readonly id: string;
  readonly clientId: string;
  readonly method: DeliveryMethod;
  readonly status: StreamStatus;
  readonly reason: string | null;
  /** Push only. */
  readonly endpointUrl: string | null;
  /** Sent with every push; a secret of the receiver. */
  readonly authorization: string | null;
  /** URIs; null: all there are. */
  readonly eventsRequested: readonly string[] | null;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly verifiedAt: Date | null;
  readonly pushAttempts: number;
}

const streamRow = row({
  id: z.string(),
  clientId: z.string(),
  method: z.enum(deliveryMethods),
  status: z.enum(streamStatuses),
  reason: z.string().nullable(),
  endpointUrl: z.string().nullable(),
  sealedAuthorization: z.string().nullable(),
  eventsRequested: z.union([z.null(), json(z.array(z.string()))]),
  description: z.string().nullable(),
  createdAt: time,
  verifiedAt: timeOrNull,
  pushAttempts: z.number(),
});

const context = (id: string) => `signal-stream:${id}:authorization`;

function toStream(raw: unknown, keyring: Keyring): SignalStream {
  const { sealedAuthorization, ...stream } = streamRow.parse(raw);
  const authorization = sealedAuthorization === null ? null : open(keyring, sealedAuthorization, context(stream.id));
  return { ...stream, authorization };
}

export type StreamSettings = Pick<
  SignalStream,
  'method' | 'endpointUrl' | 'authorization' | 'eventsRequested' | 'description'
>;

const columns = (id: string, settings: StreamSettings, keyring: Keyring, at: Date) => ({
  method: settings.method,
  endpoint_url: settings.endpointUrl,
  sealed_authorization: settings.authorization === null ? null : seal(keyring, settings.authorization, context(id)),
  events_requested: settings.eventsRequested === null ? null : JSON.stringify(settings.eventsRequested),
  description: settings.description,
  updated_at: toMs(at),
  push_due_at: toMs(at),
  push_attempts: 0,
});

/** Null when the app has a stream of that method already. */
export async function insertStream(
  tx: Db,
  keyring: Keyring,
  clientId: string,
  settings: StreamSettings,
  at: Date,
): Promise<string | null> {
  const id = newId();
  const inserted = await tx('signal_streams')
    .insert({
      id,
      client_id: clientId,
      status: 'enabled',
      created_at: toMs(at),
      ...columns(id, settings, keyring, at),
    })
    .onConflict(['client_id', 'method'])
    .ignore()
    .returning('id');
  return inserted.length === 0 ? null : id;
}

/** Replaces the settings; the caller has seen that no other stream of the app has this method. */
export async function changeStream(
  tx: Db,
  keyring: Keyring,
  id: string,
  settings: StreamSettings,
  at: Date,
): Promise<void> {
  await tx('signal_streams')
    .where({ id })
    .update(columns(id, settings, keyring, at));
}

/** What waits for a disabled stream is dropped, and a stream enabled again goes on at once (SSF 1.0 8.1.2). */
export async function setStreamStatus(
  tx: Db,
  id: string,
  status: StreamStatus,
  reason: string | null,
  at: Date,
): Promise<void> {
  const retry = status === 'enabled' ? { push_due_at: toMs(at), push_attempts: 0 } : {};
  await tx('signal_streams')
    .where({ id })
    .update({ status, reason, updated_at: toMs(at), ...retry });
  if (status === 'disabled') await tx('signal_events').where({ stream_id: id }).delete();
}

export async function deleteStream(tx: Db, id: string): Promise<void> {
  await tx('signal_streams').where({ id }).delete();
}

/** An app's own streams, the oldest first. Inside a transaction they are kept from changing until it ends. */
export async function streamsOf(db: Db, keyring: Keyring, clientId: string): Promise<SignalStream[]> {
  const found = db('signal_streams').where({ client_id: clientId }).orderBy('id');
  if (db.isTransaction && kindOf(db) === 'postgres') found.forUpdate();
  return (await found).map((raw) => toStream(raw, keyring));
}

export async function streamById(db: Db, keyring: Keyring, id: string): Promise<SignalStream | null> {
  const found = await db('signal_streams').where({ id }).first();
  return found === undefined ? null : toStream(found, keyring);
}

/** Streams of these apps that hold events: all but disabled ones. */
export async function liveStreamsOf(db: Db, keyring: Keyring, clientIds: readonly string[]): Promise<SignalStream[]> {
  const found = await db('signal_streams').whereIn('client_id', clientIds).whereNot({ status: 'disabled' });
  return found.map((raw) => toStream(raw, keyring));
}

/** Apps with a stream that holds events. A city has few receivers. */
export async function streamClients(db: Db): Promise<ReadonlySet<string>> {
  const found = await db('signal_streams').whereNot({ status: 'disabled' }).distinct('client_id');
  return new Set(found.map((raw) => z.object({ client_id: z.string() }).parse(raw).client_id));
}

/** Apps to which the account is connected: by a consent in force or a living grant; with `scope`, only if that is covered. */
export async function connectedApps(db: Db, accountId: string, now: Date, scope: string | null): Promise<string[]> {
  const ties = [...(await consentsOf(db, accountId)), ...(await grantsOfAccount(db, accountId, now))];
  return [...new Set(ties.filter((tie) => scope === null || tie.scopes.includes(scope)).map((tie) => tie.clientId))];
}

/** True for exactly one caller in `everyMs`. */
export async function noteVerification(tx: Db, id: string, at: Date, everyMs: number): Promise<boolean> {
  const changed = await tx('signal_streams')
    .where({ id })
    .where((free) => free.whereNull('verified_at').orWhere('verified_at', '<=', toMs(at) - everyMs))
    .update({ verified_at: toMs(at) });
  return changed === 1;
}

/** From now on nothing about this subject goes over the stream; adding it again undoes that (`default_subjects` is ALL). */
export async function excludeSubject(tx: Db, streamId: string, subject: string, at: Date): Promise<void> {
  await tx('signal_exclusions')
    .insert({ stream_id: streamId, subject, excluded_at: toMs(at) })
    .onConflict(['stream_id', 'subject'])
    .ignore();
}

export async function includeSubject(tx: Db, streamId: string, subject: string): Promise<void> {
  await tx('signal_exclusions').where({ stream_id: streamId, subject }).delete();
}

export async function isExcluded(db: Db, streamId: string, subject: string): Promise<boolean> {
  return (await db('signal_exclusions').where({ stream_id: streamId, subject }).first('subject')) !== undefined;
}
