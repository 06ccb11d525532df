import { AsyncLocalStorage } from 'node:async_hooks';

export interface GatherOptions<Job> {
  /** Statements under way at once; while all are, jobs gather for the next. */
  lanes: number;
  /** Jobs in one statement at most. */
  max: number;
  /** Whether a statement that failed so may be sent again; default: any, as for statements that only read. */
  repeatable?: (error: unknown) => boolean;
  /** Two jobs with a name in common do not go into one statement. */
  clash?: (job: Job) => string[];
}

interface Waiting<Job, Result> {
  job: Job;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Turns jobs of many requests into few statements. An idle server sends each at once; a busy one sends what gathered while the
 * database was at work, so that the cost of a round trip is shared when it matters. A statement that fails is tried again
 * job by job, so that nobody fails for a neighbour; one that writes, if it is known not to have happened (`repeatable`).
 */
export function gather<Job, Result>(
  run: (jobs: Job[]) => Promise<Result[]>,
  options: GatherOptions<Job>,
): (job: Job) => Promise<Result> {
  // A statement belongs to many requests, so it runs in the context of none.
  const outside = AsyncLocalStorage.snapshot();
  let waiting: Waiting<Job, Result>[] = [];
  let busy = 0;
  let scheduled = false;

  function take(): Waiting<Job, Result>[] {
    const names = new Set<string>();
    const taken: Waiting<Job, Result>[] = [];
    const left: Waiting<Job, Result>[] = [];
    for (const each of waiting) {
      const own = options.clash?.(each.job) ?? [];
      if (taken.length >= options.max || own.some((name) => names.has(name))) left.push(each);
      else taken.push(each);
      // A job left behind keeps its names too: later ones must not overtake it.
      for (const name of own) names.add(name);
    }
    waiting = left;
    return taken;
  }

  async function send(jobs: Waiting<Job, Result>[]): Promise<void> {
    try {
      const results = await run(jobs.map((each) => each.job));
      jobs.forEach((each, index) => {
        const result = results[index];
        if (result === undefined) each.reject(new Error('a gathered statement left a job unanswered'));
        else each.resolve(result);
      });
    } catch (error) {
      if (jobs.length === 1 || !(options.repeatable?.(error) ?? true)) for (const { reject } of jobs) reject(error);
      else for (const each of jobs) await send([each]);
    }
  }

  function pump(): void {
    scheduled = false;
    while (busy < options.lanes && waiting.length > 0) {
      busy += 1;
      void send(take()).finally(() => {
        busy -= 1;
        pump();
      });
    }
  }

  return (job) =>
    new Promise((resolve, reject) => {
      waiting.push({ job, resolve, reject });
      if (scheduled || busy >= options.lanes) return;
      scheduled = true;
      setImmediate(() => outside(pump));
    });
}
