import { z } from 'zod';
import { type QueuedSignal, type SignalEvent, signalEvents } from '../commands/announce.ts';
import { transaction } from '../storage/db.ts';
import { done, type OutboxMessage } from '../storage/outbox.ts';
import { insertSignalEvent, type NewSignalEvent } from '../storage/signal-events.ts';
import { isExcluded, liveStreamsOf, type SignalStream } from '../storage/signal-streams.ts';
import type { SignalDeps } from './deps.ts';
import { signalClaims, subjectOf } from './set.ts';

const isEvent = (value: unknown): value is SignalEvent => typeof value === 'string' && value in signalEvents;

const queued = z.object({
  accountId: z.string(),
  event: z.custom<SignalEvent>(isEvent),
  at: z.number(),
  data: z.record(z.string(), z.string()).optional(),
  initiator: z.enum(['admin', 'user', 'policy', 'system']).optional(),
  reason: z.string().optional(),
  txn: z.string().optional(),
  identifier: z.object({ format: z.enum(['phone_number', 'email']), value: z.string() }).optional(),
  apps: z.array(z.object({ clientId: z.string(), sid: z.string().nullable() })),
});

type Deps = Pick<SignalDeps, 'db' | 'clock' | 'keyring' | 'issuer' | 'engine'>;

/**
 * Turns one announcement into one event on each stream that is to have it. Message and events change places in one
 * transaction: killed before it, all is done again; killed after it, nothing is.
 */
export function signalFanOut(deps: Deps, wake: () => void): (message: OutboxMessage) => Promise<boolean> {
  return async (message) => {
    const signal: QueuedSignal = withoutUndefined(queued.parse(message.payload));
    const clients = signal.apps.map(({ clientId }) => clientId);
    const events: NewSignalEvent[] = [];
    for (const stream of await liveStreamsOf(deps.db, deps.keyring, clients)) {
      const event = await eventFor(deps, message.id, signal, stream);
      if (event) events.push(event);
    }
    await transaction(deps.db, async (tx) => {
      if (!(await done(tx, message.id))) return;
      for (const event of events) await insertSignalEvent(tx, deps.keyring, event);
    });
    if (events.length > 0) wake();
    return true;
  };
}

async function eventFor(
  deps: Deps,
  id: string,
  signal: QueuedSignal,
  stream: SignalStream,
): Promise<NewSignalEvent | null> {
  const { uri } = signalEvents[signal.event];
  if (stream.eventsRequested !== null && !stream.eventsRequested.includes(uri)) return null;
  const recipient = await deps.engine.recipient(stream.clientId, signal.accountId);
  if (!recipient || (await isExcluded(deps.db, stream.id, recipient.subject))) return null;
  const sid = signal.apps.find(({ clientId }) => clientId === stream.clientId)?.sid ?? null;
  const subject = subjectOf(deps.issuer, recipient.subject, signal, sid);
  const at = deps.clock();
  const envelope = { issuer: deps.issuer, audience: stream.clientId, issuedAt: at };
  return {
    streamId: stream.id,
    sourceId: id,
    type: uri,
    claims: signalClaims(envelope, id, signal, subject),
    algorithm: recipient.algorithm,
    at,
  };
}

/** What JSON leaves out is absent, not undefined. */
function withoutUndefined(parsed: z.infer<typeof queued>): QueuedSignal {
  const { data, initiator, reason, txn, identifier, ...rest } = parsed;
  return {
    ...rest,
    ...(data === undefined ? undefined : { data }),
    ...(initiator === undefined ? undefined : { initiator }),
    ...(reason === undefined ? undefined : { reason }),
    ...(txn === undefined ? undefined : { txn }),
    ...(identifier === undefined ? undefined : { identifier }),
  };
}
