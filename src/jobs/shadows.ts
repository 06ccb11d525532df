import type { Log } from '../lib/log.ts';
import { type Db, transaction } from '../storage/db.ts';
import { addShadowCounts, type ShadowCount } from '../storage/shadow.ts';
import { type Loop, startLoop } from './loop.ts';

interface Watch {
  refresh(db: Db): Promise<void>;
  take(): ShadowCount[];
  restore(counts: readonly ShadowCount[]): void;
}

/**
 * Takes up what is tried beside the policy in force, and writes down what was counted: every two seconds. A process that
 * dies takes two seconds of the comparison with it; no sign-in waits for it.
 */
export function startShadows({ db, log, watch }: { db: Db; log: Log; watch: Watch }): Loop {
  return startLoop({
    log,
    name: 'shadows',
    everyMs: 2_000,
    run: async () => {
      await flush(db, watch);
      await watch.refresh(db);
      return false;
    },
  });
}

export async function flush(db: Db, watch: Pick<Watch, 'take' | 'restore'>): Promise<void> {
  const counts = watch.take();
  if (counts.length === 0) return;
  try {
    await transaction(db, (tx) => addShadowCounts(tx, counts));
  } catch (error) {
    watch.restore(counts);
    throw error;
  }
}
