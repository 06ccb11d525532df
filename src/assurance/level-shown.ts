import { closure } from './level.ts';
import type { AssurancePolicy } from './policy.ts';

/** A level as people see it; the name is a key of the texts, or, where there is none, the name itself. */
export interface LevelShown {
  /** Its place in the order; null: it stands beside every other one, and a number would say nothing. */
  readonly number: number | null;
  readonly name: string;
}

/** Who holds none. */
export const noLevelShown: LevelShown = { number: 0, name: 'none' };

/** How a level is shown: from the policy alone, whatever its id looks like. Of a level that the policy has no more: its id. */
export function levelShown(policy: AssurancePolicy, id: string): LevelShown {
  const name = policy.levels.find((level) => level.id === id)?.name ?? id;
  return { number: levelNumber(policy, id), name };
}

/** One more than the longest row of levels below it. */
export function levelNumber({ levels }: AssurancePolicy, id: string): number | null {
  const below = closure(levels);
  const own = below.get(id);
  if (own === undefined) return null;
  const beside = own.size === 1 && !levels.some((other) => other.id !== id && below.get(other.id)?.has(id));
  if (beside) return null;
  const known = new Map<string, number>();
  const rank = (level: string): number => {
    const found = known.get(level);
    if (found !== undefined) return found;
    const lower = [...(below.get(level) ?? [])].filter((other) => other !== level && !below.get(other)?.has(level));
    const made = 1 + Math.max(0, ...lower.map(rank));
    known.set(level, made);
    return made;
  };
  return rank(id);
}

/** The level of an address: by its id, or by its number where one level alone has it; null: there is none. */
export function levelOfAddress(policy: AssurancePolicy, text: string): string | null {
  const ids = policy.levels.map(({ id }) => id);
  if (ids.includes(text)) return text;
  const [only, ...others] = ids.filter((id) => numberText(policy, id) === text);
  return only !== undefined && others.length === 0 ? only : null;
}

/** The other way round, as short as can be. */
export function addressOfLevel(policy: AssurancePolicy, id: string): string {
  const number = numberText(policy, id);
  return number !== null && levelOfAddress(policy, number) === id ? number : encodeURIComponent(id);
}

const numberText = (policy: AssurancePolicy, id: string): string | null => levelNumber(policy, id)?.toString() ?? null;

/**
 * What comes after what is held, the nearest first: levels of which nothing is left out below them. What contains the level
 * held comes before what stands beside it.
 */
export function levelsAbove(policy: AssurancePolicy, held: readonly string[], best: string | null): string[] {
  const below = closure(policy.levels);
  const contains = (higher: string, lower: string) => higher !== lower && below.get(higher)?.has(lower) === true;
  const open = policy.levels.map(({ id }) => id).filter((id) => !held.includes(id));
  const nearest = open.filter((id) => !open.some((other) => contains(id, other)));
  const above = (id: string) => (best !== null && contains(id, best) ? 0 : 1);
  return nearest.toSorted((a, b) => above(a) - above(b));
}
