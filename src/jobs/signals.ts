import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { Log } from '../lib/log.ts';
import type { Db } from '../storage/db.ts';
import {
  claimPushStreams,
  extendLease,
  noteRefusal,
  postponeStream,
  releaseStream,
  type SignalEventRow,
  settleEvents,
  waitingEvents,
} from '../storage/signal-events.ts';
import { type SignalStream, streamById } from '../storage/signal-streams.ts';
import { type Loop, startLoop } from './loop.ts';
import { backOff } from './outbox.ts';

/** `later`: the receiver is away or does not let us in; `refused`: it will never take this event. */
export type PushResult =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'later'; readonly error: string };

export type Push = (stream: SignalStream, event: SignalEventRow) => Promise<PushResult>;

const STREAMS_AT_ONCE = 16;
const EVENTS_AT_ONCE = 10;

/**
 * Pushes waiting events, stream by stream and in their order. A crash between delivery and its note repeats the
 * delivery with the same `jti`, which is how the receiver knows.
 */
export function startSignalPush(deps: { db: Db; clock: Clock; keyring: Keyring; log: Log; push: Push }): Loop {
  const { db, clock, keyring, log, push } = deps;
  return startLoop({
    log,
    name: 'signal-push',
    async run() {
      const ids = await claimPushStreams(db, clock(), STREAMS_AT_ONCE);
      await Promise.all(ids.map(drain));
      return ids.length === STREAMS_AT_ONCE;
    },
  });

  async function drain(id: string): Promise<void> {
    for (;;) {
      // Read anew each time: the receiver may have paused, moved or deleted the stream.
      const stream = await streamById(db, keyring, id);
      if (stream?.status !== 'enabled' || stream.method !== 'push') return;
      const events = await waitingEvents(db, keyring, id, EVENTS_AT_ONCE);
      if (events.length === 0) return releaseStream(db, id, clock());
      for (const event of events) {
        const result = await push(stream, event);
        if (result.kind === 'later') return postpone(stream, result.error);
        if (result.kind === 'refused') {
          log.warn({ streamId: id, jti: event.jti, error: result.error }, 'signal refused by its receiver');
          await noteRefusal(db, id, result.error);
        }
        await settleEvents(db, id, [event.jti]);
        await extendLease(db, id, clock());
      }
    }
  }

  async function postpone(stream: SignalStream, error: string): Promise<void> {
    const { id, clientId, pushAttempts } = stream;
    const at = new Date(clock().getTime() + backOff(pushAttempts + 1));
    log.warn({ streamId: id, clientId, error, attempts: pushAttempts + 1 }, 'signals not delivered; tried again later');
    await postponeStream(db, id, at, error);
  }
}
