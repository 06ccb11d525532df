import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/log.ts';
import type { SignedHead } from '../storage/audit-heads.ts';

/** Often enough that no day is missed, though one head a day is made. */
const EVERY_MS = 10 * 60_000;

/**
 * Makes the day's signed head and leaves it in a folder, where whoever keeps it out of our reach collects it. `sign` answers
 * null when the day has one.
 */
export function startAuditHeads(deps: { sign: () => Promise<SignedHead | null>; folder: string; log: Log }): {
  stop(): void;
} {
  const run = async () => {
    const head = await deps.sign();
    if (head !== null && deps.folder !== '') await exportHead(deps.folder, head);
  };
  const attempt = () => {
    run().catch((error: unknown) => deps.log.warn({ err: error }, 'no audit head was signed; tried again later'));
  };
  const timer = setInterval(attempt, EVERY_MS);
  timer.unref();
  attempt();
  return { stop: () => clearInterval(timer) };
}

/** Whole or not at all: a collector reads no half file. */
export async function exportHead(folder: string, head: SignedHead): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${head.day}.jws`);
  await writeFile(`${file}.part`, `${head.jws}\n`);
  await rename(`${file}.part`, file);
  return file;
}
