/** Long polls of this process that wait for something to be said. */
export interface Waiting {
  /** A place to wait at; null when the stream has enough waiting already. */
  take(streamId: string): Place | null;
  wake(): void;
  /** Everybody goes home, and nobody waits from now on. */
  close(): void;
  closed(): boolean;
}

export interface Place {
  /** Until something may have happened, at most so long. */
  next(ms: number): Promise<void>;
  release(): void;
}

/** A receiver needs one; two for its change of guard. */
const MOST_PER_STREAM = 2;
/** Events that another process put on the stream are found by looking. */
const LOOK_EVERY_MS = 250;

export function createWaiting(): Waiting {
  const taken = new Map<string, number>();
  const asleep = new Set<() => void>();
  let over = false;
  const wake = () => {
    for (const rise of asleep) rise();
  };
  return {
    wake,
    close() {
      over = true;
      wake();
    },
    closed: () => over,
    take(streamId) {
      const count = taken.get(streamId) ?? 0;
      if (count >= MOST_PER_STREAM || over) return null;
      taken.set(streamId, count + 1);
      return {
        next: (ms) =>
          new Promise((resolve) => {
            const rise = () => {
              clearTimeout(timer);
              asleep.delete(rise);
              resolve();
            };
            const timer = setTimeout(rise, Math.min(ms, LOOK_EVERY_MS));
            asleep.add(rise);
          }),
        release() {
          const left = (taken.get(streamId) ?? 1) - 1;
          if (left === 0) taken.delete(streamId);
          else taken.set(streamId, left);
        },
      };
    },
  };
}
