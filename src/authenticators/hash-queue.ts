import { ShiminError } from '../lib/errors.ts';

/** Bounds memory-hard hashing: each run costs ~20 MiB and a thread of the pool that DNS and files need too (B20). */
export interface HashQueue {
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** First come, first served; beyond `maxWaiting` the answer is `service_busy` at once instead of a growing line. */
export function createHashQueue(options: { concurrency?: number; maxWaiting?: number } = {}): HashQueue {
  const { concurrency = 2, maxWaiting = 64 } = options;
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async run(work) {
      if (running >= concurrency) {
        if (waiting.length >= maxWaiting) {
          throw new ShiminError('service_busy', { status: 503, message: 'the hash queue is full', retryAfter: 2 });
        }
        // The finishing run hands its place over, so `running` stays as it is.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        running += 1;
      }
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
