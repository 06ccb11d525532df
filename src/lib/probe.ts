const FIRST_MS = 500;
const LONGEST_MS = 4000;
/** After it was well by its looks and a call failed all the same, the first look comes later each time, to this. */
const LATEST_FIRST_MS = 8000;
/** Some answer our bare look with an error for ever and a real call rightly: then a call has to find out. */
const IN_VAIN_MS = 30_000;

/** Looks whether something that stopped answering answers again. */
export interface Probe {
  /** From now on it counts as silent, until a look says otherwise. */
  begin(): void;
  /** It was really of use again. */
  recovered(): void;
  /** It did, or looking has been in vain for half a minute. */
  answered(): boolean;
  stop(): void;
}

/**
 * One look at a time, after 0.5 s at first and then twice as late each time, to 4 s, each put off by up to a quarter so that nodes don't
 * look all at once. It looks until it is answered or stopped, and keeps no process alive.
 */
export function startProbe(look: () => Promise<boolean>): Probe {
  let silent = false;
  let since = 0;
  let first = FIRST_MS;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function after(ms: number): void {
    timer = setTimeout(() => void next(ms), ms * (1 + Math.random() / 4)).unref();
  }

  async function next(ms: number): Promise<void> {
    const answered = await look();
    if (stopped) return;
    if (answered) {
      silent = false;
      timer = undefined;
    } else after(Math.min(ms * 2, LONGEST_MS));
  }

  return {
    begin() {
      silent = true;
      since = performance.now();
      if (timer !== undefined || stopped) return;
      after(first);
      first = Math.min(first * 2, LATEST_FIRST_MS);
    },
    recovered() {
      first = FIRST_MS;
    },
    answered: () => !silent || performance.now() - since > IN_VAIN_MS,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
