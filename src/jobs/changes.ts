import type { Log } from '../lib/log.ts';

/** What is done is handed in by the composition root: jobs know when, commands know how. */
export interface ChangesJob {
  readonly publishDue: () => Promise<{ published: number; refused: number; expired: number }>;
  readonly log: Log;
}

/** Looks for scheduled changes whose time has come. Every node does; each change is published by exactly one. */
export function startChangesJob({ publishDue, log }: ChangesJob, everyMs = 10_000): { stop(): void } {
  let running = false;
  const tick = async () => {
    if (running) return; // A slow database must not pile up work.
    running = true;
    try {
      const result = await publishDue();
      if (result.published + result.refused + result.expired > 0) log.info(result, 'changes published');
    } catch (error) {
      log.warn({ err: error }, 'publishing scheduled changes failed');
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void tick(), everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
