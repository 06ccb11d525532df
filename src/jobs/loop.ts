import type { Log } from '../lib/log.ts';

export interface Loop {
  /** Runs soon; at once if idle. */
  wake(): void;
  /** What is due now is done, or was tried, when this resolves; at the latest after `ms`. */
  settled(ms: number): Promise<void>;
  /** Ends after the run under way. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 200;

/**
 * Runs one job after another, not two at a time: when woken, and every 200 ms for what other processes left. `run`
 * answers true when there is more at once.
 */
export function startLoop(options: { log: Log; name: string; run: () => Promise<boolean>; everyMs?: number }): Loop {
  const { log, name, run, everyMs = LOOK_EVERY_MS } = options;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const work = async () => {
    do {
      again = false;
      try {
        if (await run()) again = true;
      } catch (error) {
        // The database may be away; the timer tries again.
        log.warn({ err: error, job: name }, 'job failed; tried again soon');
      }
    } while (again && !stopped);
    running = null;
  };
  const wake = () => {
    if (stopped) return;
    if (running) again = true;
    else running = work();
  };
  const timer = setInterval(wake, everyMs);
  timer.unref();
  return {
    wake,
    async settled(ms) {
      wake();
      await orLate(running, ms);
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}

/** Waits for `work`, at most `ms`. */
export async function orLate(work: Promise<unknown> | null, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
