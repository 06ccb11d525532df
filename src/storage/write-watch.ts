import { type Db, isTransaction } from './db.ts';

/** What a cache must know of this process's own writers, to be right at once and not only after its next look. */
export interface WriteWatch {
  /** Transactions that wrote and are not over yet: meanwhile nothing kept is believed. */
  open: number;
  /** Grows with each write that is over: what was read before it is not kept after it. */
  generation: number;
}

export function newWatch(): WriteWatch {
  return { open: 0, generation: 0 };
}

/** Call it in whatever writes what the cache holds; `db` may be a transaction, which may yet be rolled back. */
export function noteWriter(watch: WriteWatch, db: Db): void {
  if (!isTransaction(db)) {
    watch.generation += 1;
    return;
  }
  watch.open += 1;
  // Not `isCompleted`, which is true while the COMMIT is still on its way.
  const settled = () => {
    watch.open -= 1;
    watch.generation += 1;
  };
  db.executionPromise.then(settled, settled);
}

/** Whether what was read at that generation may be kept, or believed, now. */
export function isCurrent(watch: WriteWatch, generation: number): boolean {
  return watch.open === 0 && watch.generation === generation;
}
