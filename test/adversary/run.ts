import fc from 'fast-check';
import { type Act, act, play } from './sequence.ts';
import type { World } from './world.ts';

export interface Found {
  readonly wrong: readonly string[];
  readonly sequence: readonly Act[];
  /** Of this very sequence: `--seed` plays it again. */
  readonly seed: number;
}

export interface Run {
  readonly sequences: number;
  readonly acts: number;
  /** The shortest sequence that the oracle objects to; null: none. */
  readonly found: Found | null;
}

/** How long a sequence that is wrong may be made shorter. */
const SHRINK_MS = 90_000;

/** Plays generated sequences until the time is over or one of them is wrong, which is then made as short as it can be. */
export async function hunt(world: World, { seed, ms }: { seed: number; ms: number }): Promise<Run> {
  const end = Date.now() + ms;
  let [sequences, acts] = [0, 0];
  for (let next = seed; Date.now() < end; next += 1) {
    let enough = Number.POSITIVE_INFINITY;
    let best: Omit<Found, 'seed'> | null = null;
    const property = fc.asyncProperty(
      fc.array(act, { minLength: 10, maxLength: 60, size: 'max' }),
      async (sequence) => {
        // Shrinking takes what it takes, and no longer: the shortest so far is told.
        if (Date.now() > enough) return true;
        sequences += 1;
        acts += sequence.length;
        const wrong = await play(world, sequence);
        if (wrong.length === 0) return true;
        if (best === null) enough = Date.now() + SHRINK_MS;
        if (best === null || sequence.length <= best.sequence.length) best = { wrong, sequence };
        return false;
      },
    );
    // One at a time: a time limit of the library's own would leave a sequence playing behind the next one's back.
    await fc.check(property, { seed: next, numRuns: 1 });
    const found = best as Omit<Found, 'seed'> | null;
    if (found !== null) return { sequences, acts, found: { ...found, seed: next } };
  }
  return { sequences, acts, found: null };
}
