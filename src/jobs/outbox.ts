import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { Log } from '../lib/log.ts';
import type { Db } from '../storage/db.ts';
import { claim, done, type OutboxMessage, onEnqueued, retry, setAside } from '../storage/outbox.ts';
import { type Loop, orLate, startLoop } from './loop.ts';

/**
 * Delivers one message. It may be called again for the same message after a crash, so its effect must be idempotent;
 * true: it has removed the message itself, in the transaction of that effect.
 */
export type Deliver = (message: OutboxMessage) => Promise<boolean>;

const SLOTS = 20;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10 * 60_000;
/** A receiver that is away is asked again at least this often, so that its return is noticed. */
const LONGEST_REST_MS = 30_000;

/** Doubling, with a fifth of chance so that a crowd of failures does not come back as one. */
export function backOff(attempts: number, chance = Math.random()): number {
  const plain = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(plain * (0.8 + 0.4 * chance));
}

/**
 * Hands messages of these kinds to who delivers them, at least once each. Woken by messages of this process. Deliveries
 * don't wait for each other, and of a target that just failed the others are not tried for a while: an app that hangs
 * must not hold up what is for the rest. Kinds that nobody here knows wait for the version that does.
 */
export function startOutbox(deps: {
  db: Db;
  clock: Clock;
  keyring: Keyring;
  log: Log;
  handlers: Readonly<Record<string, Deliver>>;
  /** Longer than any delivery takes; what a crash left half done comes again when it is over. */
  leaseMs?: number;
  /** Messages to one target are delivered one after another; otherwise as they come. */
  inOrder?: boolean;
  /** How often to look for what other processes left. */
  everyMs?: number;
  /** Hears of each message that was set aside because nobody can read it. */
  onSetAside?: ((queue: string) => void) | undefined;
}): Loop {
  const { db, clock, keyring, log, handlers, leaseMs = 5_000, inOrder = false, everyMs, onSetAside } = deps;
  const kinds = Object.keys(handlers);
  const underWay = new Set<Promise<void>>();
  const away = new Map<string, { readonly failures: number; readonly until: number }>();
  let more = false;
  const loop = startLoop({
    log,
    name: 'outbox',
    ...(everyMs === undefined ? undefined : { everyMs }),
    async run() {
      const free = SLOTS - underWay.size;
      if (free === 0) return false;
      const { messages, unreadable } = await claim(db, clock(), { kinds, limit: free, leaseMs, inOrder }, keyring);
      for (const id of unreadable) await putAside({ id }, 'can not be opened');
      more = messages.length + unreadable.length === free;
      for (const message of messages) {
        const delivery = deliver(message).finally(() => {
          underWay.delete(delivery);
          if (more || inOrder) loop.wake();
        });
        underWay.add(delivery);
      }
      return false;
    },
  });
  const forget = onEnqueued(db, loop.wake);
  return {
    wake: loop.wake,
    async settled(ms) {
      const end = performance.now() + ms;
      await loop.settled(ms);
      await orLate(Promise.all(underWay), end - performance.now());
    },
    async stop() {
      forget();
      await loop.stop();
      await Promise.all(underWay);
    },
  };

  async function deliver(message: OutboxMessage): Promise<void> {
    const { id, kind, target, attempts } = message;
    const whom = `${kind} ${target}`;
    const now = clock().getTime();
    const rest = away.get(whom);
    try {
      if (rest && rest.until > now) return await retry(db, id, new Date(rest.until), 'its target was away');
      if (!(await handlers[kind]?.(message))) await done(db, id);
      away.delete(whom);
    } catch (error) {
      // What says nothing that its handler knows says it as little the next time.
      if (error instanceof z.ZodError) return putAside(message, 'not of a known shape').catch(leftToLease);
      log.warn({ err: error, messageId: id, kind, attempts }, 'outbox message not delivered; tried again later');
      const failures = (rest?.failures ?? 0) + 1;
      const at = clock().getTime();
      away.set(whom, { failures, until: at + Math.min(LONGEST_REST_MS, backOff(failures)) });
      // A database that is away too leaves the message to its lease.
      const why = error instanceof Error ? error.message : 'failed';
      await retry(db, id, new Date(at + backOff(attempts)), why).catch(leftToLease);
    }

    function leftToLease(fault: unknown): void {
      log.warn({ err: fault, messageId: id }, 'outbox message left to its lease');
    }
  }

  async function putAside({ id }: Pick<OutboxMessage, 'id'>, why: string): Promise<void> {
    await setAside(db, id, clock(), why);
    log.error({ messageId: id, why }, 'outbox message set aside: nobody can deliver it');
    onSetAside?.('outbox');
  }
}
