import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { Log } from '../lib/log.ts';
import { findApp, isEnabled } from '../storage/apps.ts';
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
import { type Loop, orLate, startLoop } from './loop.ts';
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
 * Pushes waiting events, each stream by itself and in its order: a receiver that hangs holds up nobody else's. A crash
 * between delivery and its note repeats the delivery with the same `jti`, which is how the receiver knows.
 */
export function startSignalPush(deps: {
  db: Db;
  clock: Clock;
  keyring: Keyring;
  log: Log;
  push: Push;
  /** Hears of each event that was set aside because nobody can read it. */
  onSetAside: (jti: string) => void;
}): Loop {
  const { db, clock, keyring, log, push, onSetAside } = deps;
  const underWay = new Set<Promise<void>>();
  let stopped = false;
  const loop = startLoop({
    log,
    name: 'signal-push',
    async run() {
      const free = STREAMS_AT_ONCE - underWay.size;
      if (free === 0) return false;
      for (const id of await claimPushStreams(db, clock(), free)) {
        const work = drain(id)
          // The database may be away; the stream comes back when its lease is over.
          .catch((error: unknown) => log.warn({ err: error, streamId: id }, 'pushing signals failed; tried again soon'))
          .finally(() => {
            underWay.delete(work);
            // What came while the stream was given back, or waited for a free place.
            loop.wake();
          });
        underWay.add(work);
      }
      return false;
    },
  });
  return {
    wake: loop.wake,
    async settled(ms) {
      const end = performance.now() + ms;
      await loop.settled(ms);
      await orLate(Promise.all(underWay), end - performance.now());
    },
    async stop() {
      stopped = true;
      await loop.stop();
      await Promise.all(underWay);
    },
  };

  async function drain(id: string): Promise<void> {
    for (;;) {
      // Read anew each time: the receiver may have paused, moved or deleted the stream.
      const stream = await streamById(db, keyring, id);
      if (stream?.status !== 'enabled' || stream.method !== 'push') return;
      // What is owed to an app that is switched off is kept, and looked at again when the lease is over.
      const app = await findApp(db, stream.clientId);
      if (app !== null && !isEnabled(app)) return;
      const events = await waitingEvents(db, keyring, id, { limit: EVENTS_AT_ONCE, at: clock(), onSetAside });
      if (events.length === 0) return releaseStream(db, id, clock());
      for (const event of events) {
        // At the end the rest is left to whoever goes on, at once.
        if (stopped) return releaseStream(db, id, clock());
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
