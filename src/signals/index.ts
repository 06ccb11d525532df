import type Router from '@koa/router';
import type { OutboxMessage } from '../storage/outbox.ts';
import { controlRoutes } from './control.ts';
import type { SignalDeps } from './deps.ts';
import { signalFanOut } from './fan-out.ts';
import { metadataRoutes } from './metadata.ts';
import { notificationRoutes } from './notifications.ts';
import { pollRoutes } from './poll.ts';
import { pushEvent } from './push.ts';
import { streamRoutes } from './streams.ts';
import { createWaiting } from './waiting.ts';

export interface Signals {
  /** Delivers outbox messages of kind `signal`. */
  readonly fanOut: (message: OutboxMessage) => Promise<boolean>;
  /** Delivers one event to its receiver. */
  readonly push: ReturnType<typeof pushEvent>;
  /** Long polls are answered at once from now on, so that nobody waits for them at the end. */
  close(): void;
}

/** Security event streams (SSF 1.0) and what sources tell us. `wake`: events may be waiting to be pushed. */
export function signalRoutes(router: Router, deps: SignalDeps, wake: () => void): Signals {
  const waiting = createWaiting();
  const wakeAll = () => {
    wake();
    waiting.wake();
  };
  metadataRoutes(router, deps);
  streamRoutes(router, deps);
  controlRoutes(router, deps, wakeAll);
  pollRoutes(router, deps, waiting);
  notificationRoutes(router, deps);
  return { fanOut: signalFanOut(deps, wakeAll), push: pushEvent(deps), close: waiting.close };
}
