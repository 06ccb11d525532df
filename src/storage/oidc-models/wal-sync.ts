import { closeSync, fdatasync, fstatSync, openSync, statSync } from 'node:fs';

/** Resolves when everything committed before the call is on disk. */
export type Sync = () => Promise<void>;

/**
 * SQLite waits for the disk inside COMMIT, with the write lock held (`synchronous=FULL`: about 180 µs per commit here). In
 * WAL mode that wait is one fdatasync of the log, whose place in time is ours to choose: commit with `NORMAL`, which only
 * writes, then ask the disk and answer after it. The promise is the same, since nobody is told before; one wait serves all
 * that was committed when it began.
 *
 * The log may be opened beside SQLite, whose locks are on the database and the shared-memory file: closing a second handle
 * of those two would drop them (https://www.sqlite.org/howtocorrupt.html 2.2).
 */
export function walSync(filename: string): { sync: Sync; close(): void } {
  const log = logFile(`${filename}-wal`);
  return { sync: coalesced(() => log.sync()), close: () => log.close() };
}

function logFile(path: string) {
  let handle: { fd: number; inode: number } | null = null;
  const close = () => {
    if (handle) closeSync(handle.fd);
    handle = null;
  };
  // The last connection to close takes the log with it, and the next one makes a new file of the same name.
  const current = () => {
    if (handle && statSync(path).ino === handle.inode) return handle.fd;
    close();
    const fd = openSync(path, 'r+');
    handle = { fd, inode: fstatSync(fd).ino };
    return fd;
  };
  return {
    close,
    sync: () =>
      new Promise<void>((resolve, reject) => {
        fdatasync(current(), (error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** While one wait is under way, the next gathers all who come meanwhile. */
function coalesced(run: () => Promise<void>): Sync {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    const mine = run().finally(() => {
      if (running === mine) running = null;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (running === null) return start();
    next ??= running
      .then(undefined, () => undefined)
      .then(() => {
        next = null;
        return start();
      });
    return next;
  };
}
