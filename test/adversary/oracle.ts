/**
 * What is true of the people in the world, whatever the provider believes. Written apart from `src`: it imports nothing of it,
 * and knows each actor's own name, papers, telephone, card and face, and what they did with them.
 */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly number: string;
  /** Eleven digits, registered to them at their carrier. */
  readonly phone: string;
  readonly card: string;
}

/** One account of one actor, as it really came to be. */
export interface Truth {
  /** Who sits at the keyboard. */
  readonly holder: Person;
  /** The telephone that was confirmed at registration, which the holder has in hand. */
  readonly phone: string;
  /** Whose name and number the register agreed to; the first that was taken stays. */
  claimed: Person | null;
  tiedByCard: boolean;
  face: boolean;
  stopped: boolean;
  dead: boolean;
}

/** The most that anybody could honestly say of the holder of this account now. */
export function honestLevel(truth: Truth, off: ReadonlySet<string>): number {
  if (truth.stopped || truth.dead) return 0;
  const own = truth.claimed !== null && truth.claimed.id === truth.holder.id && !off.has('population');
  if (!own) return 1;
  const sim = truth.phone === truth.holder.phone && !off.has('carrier');
  const card = truth.tiedByCard && !off.has('unionpay');
  const face = truth.face && !off.has('face');
  if (face) return 3;
  return sim || card ? 2 : 1;
}

/** The only name that may leave about the holder; null: none. */
export const honestName = (truth: Truth, off: ReadonlySet<string>): string | null =>
  honestLevel(truth, off) >= 2 ? truth.holder.name : null;

/** The number at the end of a level of the seeded policy. */
export const rank = (level: unknown): number => Number(/^urn:shimin:loa:([1-4])$/.exec(String(level))?.[1] ?? 0);
