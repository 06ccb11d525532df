import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { Log } from '../lib/log.ts';
import type { Db } from '../storage/db.ts';
import { claim, done, type OutboxMessage, onEnqueued, retry } from '../storage/outbox.ts';
import { type Loop, startLoop } from './loop.ts';

/**
 * Delivers one message. It may be called again for the same message after a crash, so its effect must be idempotent;
 * true: it has removed the message itself, in the transaction of that effect.
 */
export type Deliver = (message: OutboxMessage) => Promise<boolean>;

const BATCH = 20;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10 * 60_000;

/** Doubling, with a fifth of chance so that a crowd of failures does not come back as one. */
export function backOff(attempts: number, chance = Math.random()): number {
  const plain = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(plain * (0.8 + 0.4 * chance));
}

/** Hands messages of the outbox to who delivers their kind, at least once each. Woken by messages of this process. */
export function startOutbox(deps: {
  db: Db;
  clock: Clock;
  keyring: Keyring;
  log: Log;
  handlers: Readonly<Record<string, Deliver>>;
}): Loop {
  const { db, clock, keyring, log, handlers } = deps;
  const loop = startLoop({
    log,
    name: 'outbox',
    async run() {
      const messages = await claim(db, clock(), BATCH, keyring);
      await Promise.all(messages.map(deliver));
      return messages.length === BATCH;
    },
  });
  const forget = onEnqueued(db, loop.wake);
  return {
    ...loop,
    async stop() {
      forget();
      await loop.stop();
    },
  };

  async function deliver(message: OutboxMessage): Promise<void> {
    try {
      const handler = handlers[message.kind];
      if (!handler) throw new Error(`nobody delivers ${message.kind}`);
      if (!(await handler(message))) await done(db, message.id);
    } catch (error) {
      const { id, kind, attempts } = message;
      log.warn({ err: error, messageId: id, kind, attempts }, 'outbox message not delivered; tried again later');
      const at = new Date(clock().getTime() + backOff(attempts));
      await retry(db, id, at, error instanceof Error ? error.message : 'failed');
    }
  }
}
