import type { AuditEvent } from '../audit/events.ts';
import { newId } from '../lib/crypto.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { insertSignalEvent, type NewSignalEvent } from '../storage/signal-events.ts';
import {
  changeStream,
  deleteStream,
  excludeSubject,
  includeSubject,
  insertStream,
  noteVerification,
  type SignalStream,
  type StreamSettings,
  type StreamStatus,
  setStreamStatus,
  streamById,
  streamsOf,
} from '../storage/signal-streams.ts';
import type { CommandDeps } from './command.ts';

/** The app that asks, and for which of its streams. A stream of another app is unknown to it. */
export interface StreamRef {
  readonly clientId: string;
  readonly id: string;
  readonly requestId: string | null;
}

async function note(
  tx: Db,
  at: Date,
  who: { clientId: string; requestId: string | null },
  data: AuditEvent['data'],
): Promise<void> {
  await append(tx, {
    at,
    type: 'signal_stream.changed',
    actor: { kind: 'app', id: who.clientId },
    accountId: null,
    clientId: who.clientId,
    requestId: who.requestId,
    outcome: 'ok',
    reason: null,
    data,
  });
}

/** Null when the app has a stream of that delivery method already. */
export async function createSignalStream(
  deps: CommandDeps,
  input: { clientId: string; requestId: string | null; settings: StreamSettings },
): Promise<SignalStream | null> {
  const at = deps.clock();
  return transaction(deps.db, async (tx) => {
    const id = await insertStream(tx, deps.keyring, input.clientId, input.settings, at);
    if (id === null) return null;
    await note(tx, at, input, { change: 'created', streamId: id, method: input.settings.method });
    return streamById(tx, deps.keyring, id);
  });
}

/** Runs `work` on the app's own stream in one transaction with its audit entry; null: it has no such stream. */
async function onStream<T>(
  deps: CommandDeps,
  ref: StreamRef,
  work: (tx: Db, stream: SignalStream, all: readonly SignalStream[], at: Date) => Promise<T>,
): Promise<T | null> {
  return transaction(deps.db, async (tx) => {
    const all = await streamsOf(tx, deps.keyring, ref.clientId);
    const stream = all.find(({ id }) => id === ref.id);
    return stream ? work(tx, stream, all, deps.clock()) : null;
  });
}

/** `settings` makes the new settings of the present ones; `'duplicate'`: another stream of the app has that method. */
export async function changeSignalStream(
  deps: CommandDeps,
  ref: StreamRef,
  settings: (stream: SignalStream) => StreamSettings,
): Promise<SignalStream | 'duplicate' | null> {
  return onStream(deps, ref, async (tx, stream, all, at) => {
    const next = settings(stream);
    if (all.some((other) => other.id !== stream.id && other.method === next.method)) return 'duplicate';
    await changeStream(tx, deps.keyring, stream.id, next, at);
    await note(tx, at, ref, { change: 'updated', streamId: stream.id, method: next.method });
    return streamById(tx, deps.keyring, stream.id);
  });
}

export async function deleteSignalStream(deps: CommandDeps, ref: StreamRef): Promise<boolean> {
  const done = await onStream(deps, ref, async (tx, stream, _all, at) => {
    await deleteStream(tx, stream.id);
    await note(tx, at, ref, { change: 'deleted', streamId: stream.id, method: stream.method });
    return true;
  });
  return done === true;
}

export async function setSignalStatus(
  deps: CommandDeps,
  ref: StreamRef,
  change: { status: StreamStatus; reason: string | null },
): Promise<boolean> {
  const done = await onStream(deps, ref, async (tx, stream, _all, at) => {
    await setStreamStatus(tx, stream.id, change.status, change.reason, at);
    await note(tx, at, ref, { change: 'status', streamId: stream.id, status: change.status });
    return true;
  });
  return done === true;
}

export async function switchSubject(
  deps: CommandDeps,
  ref: StreamRef,
  change: { subject: string; excluded: boolean },
): Promise<boolean> {
  const done = await onStream(deps, ref, async (tx, stream, _all, at) => {
    if (change.excluded) await excludeSubject(tx, stream.id, change.subject, at);
    else await includeSubject(tx, stream.id, change.subject);
    await note(tx, at, ref, {
      change: change.excluded ? 'subject_removed' : 'subject_added',
      streamId: stream.id,
    });
    return true;
  });
  return done === true;
}

export type VerificationOutcome = 'queued' | 'too_early' | 'disabled' | 'unknown';

/** Puts a verification event on the stream, at most one in `everyMs`. */
export async function requestVerification(
  deps: CommandDeps,
  ref: StreamRef,
  input: { everyMs: number; event: Pick<NewSignalEvent, 'type' | 'claims' | 'algorithm'> },
): Promise<VerificationOutcome> {
  const outcome = await onStream<VerificationOutcome>(deps, ref, async (tx, stream, _all, at) => {
    if (stream.status === 'disabled') return 'disabled';
    if (!(await noteVerification(tx, stream.id, at, input.everyMs))) return 'too_early';
    const event = { ...input.event, streamId: stream.id, sourceId: newId(), at };
    await insertSignalEvent(tx, deps.keyring, event);
    await note(tx, at, ref, { change: 'verification', streamId: stream.id });
    return 'queued';
  });
  return outcome ?? 'unknown';
}
