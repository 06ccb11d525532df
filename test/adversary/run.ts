import fc from 'fast-check';
import { type Act, play, sequences } from './sequence.ts';
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
export const shrinkMs = 90_000;

/** Plays generated sequences until the time is over or one of them is wrong, which is then made as short as it can be. */
export async function hunt(
  world: World,
  {
    seed,
    ms,
    most = Number.POSITIVE_INFINITY,
    shrink = shrinkMs,
  }: { seed: number; ms: number; most?: number; shrink?: number },
): Promise<Run> {
  const end = Date.now() + ms;
  let [played, acts] = [0, 0];
  for (let next = seed; Date.now() < end && next < seed + most; next += 1) {
    let enough = Number.POSITIVE_INFINITY;
    let best: Omit<Found, 'seed'> | null = null;
    let broken: unknown = null;
    const property = fc.asyncProperty(sequences, async (sequence) => {
      // Shrinking takes what it takes, and no longer: the shortest so far is told.
      if (Date.now() >= enough) return true;
      played += 1;
      const { wrong, acted } = await play(world, sequence).catch((error: unknown) => {
        // What stops the machine is its own fault, and nothing that was found.
        broken ??= new Error(`stopped by ${JSON.stringify(sequence)}`, { cause: error });
        return { wrong: [], acted: 0 };
      });
      acts += acted;
      if (wrong.length === 0) return true;
      if (best === null) enough = Date.now() + shrink;
      if (best === null || acted <= best.sequence.length) best = { wrong, sequence: sequence.slice(0, acted) };
      return false;
    });
    // One at a time: a time limit of the library's own would leave a sequence playing behind the next one's back.
    await fc.check(property, { seed: next, numRuns: 1 });
    if (broken !== null) throw broken;
    const found = best as Omit<Found, 'seed'> | null;
    if (found !== null) return { sequences: played, acts, found: { ...found, seed: next } };
  }
  return { sequences: played, acts, found: null };
}
