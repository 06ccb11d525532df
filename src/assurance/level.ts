/** Identity assurance level, NIST SP 800-63A-4; 0 is "no identity proofing". */
export type Ial = 0 | 1 | 2 | 3;
/** Authentication assurance level, NIST SP 800-63B-4; 0 is "not authenticated". */
export type Aal = 0 | 1 | 2 | 3;

interface Node {
  readonly id: string;
  readonly dominates: readonly string[];
}

/** The levels that each level dominates, itself included: the reflexive, transitive closure. A cycle ends up in both sets. */
export function closure(levels: readonly Node[]): ReadonlyMap<string, ReadonlySet<string>> {
  const known = closures.get(levels);
  if (known) return known;
  const made = computeClosure(levels);
  closures.set(levels, made);
  return made;
}

/** A policy never changes, so its closure is computed once. */
const closures = new WeakMap<readonly Node[], ReadonlyMap<string, ReadonlySet<string>>>();

function computeClosure(levels: readonly Node[]): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = new Map(levels.map((level) => [level.id, level.dominates]));
  const reach = (start: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const queue = [start];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      queue.push(...(direct.get(id) ?? []));
    }
    return seen;
  };
  return new Map(levels.map((level) => [level.id, reach(level.id)]));
}

/** True when whoever holds `higher` may be answered with `lower`; every level dominates itself. */
export function dominates(levels: readonly Node[], higher: string, lower: string): boolean {
  return closure(levels).get(higher)?.has(lower) ?? false;
}

/** Of these levels those that no other one of them dominates, in the policy's order. */
export function topmost(levels: readonly Node[], ids: readonly string[]): string[] {
  const below = closure(levels);
  return levels
    .map(({ id }) => id)
    .filter((id) => ids.includes(id) && !ids.some((other) => other !== id && below.get(other)?.has(id)));
}

/** The best of these levels; of several, the first in the policy's order; null: there is none. */
export const highest = (levels: readonly Node[], ids: readonly string[]): string | null =>
  topmost(levels, ids)[0] ?? null;
