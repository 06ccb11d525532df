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
  /** Two officials saw the holder with the holder's own card. */
  inPerson: boolean;
  /** A corrupt official wrote down that the holder is this person: good for one official's word, and no more. */
  vouched: Person | null;
  stopped: boolean;
  dead: boolean;
  /** The register took the holder's record back. */
  cancelled: boolean;
  /** The most that any answer said: nobody took it away, so it stays. */
  reached: number;
}

export const untouched = (holder: Person, phone: string): Truth => ({
  ...{ holder, phone, claimed: null, tiedByCard: false, face: false, inPerson: false, vouched: null },
  ...{ stopped: false, dead: false, cancelled: false, reached: 0 },
});

/** The most that anybody could honestly say of the holder of this account now. */
export function honestLevel(truth: Truth, off: ReadonlySet<string>): number {
  if (truth.stopped || truth.dead) return 0;
  // An official who was bought and says what is so, beside one who looked, says no more than is so.
  if (truth.vouched !== null && !off.has('counter')) return truth.vouched.id === truth.holder.id ? 4 : 3;
  if (truth.cancelled) return 1;
  if (truth.inPerson && !off.has('counter')) return 4;
  const own = truth.claimed !== null && truth.claimed.id === truth.holder.id && !off.has('population');
  if (!own) return 1;
  const sim = truth.phone === truth.holder.phone && !off.has('carrier');
  const card = truth.tiedByCard && !off.has('unionpay');
  const face = truth.face && !off.has('face');
  if (face) return 3;
  return sim || card ? 2 : 1;
}

/** The names that may leave about the holder: one at most. */
export const honestNames = (truth: Truth, off: ReadonlySet<string>): readonly string[] =>
  honestLevel(truth, off) < 2 ? [] : [(truth.vouched ?? truth.holder).name];

/** The least that an answer may say where the app asked for nothing in particular: what was there is there still. */
export const owedLevel = (truth: Truth): number => Math.min(truth.reached, honestLevel(truth, new Set()), 3);

/** Whether the city holds this account for this person's, as far as we know. */
export const isBoundTo = ({ holder, claimed, vouched, inPerson }: Truth, { id }: Person): boolean =>
  claimed?.id === id || vouched?.id === id || (inPerson && holder.id === id);

/** The number at the end of a level of the seeded policy. */
export const rank = (level: unknown): number => Number(/^urn:shimin:loa:([1-4])$/.exec(String(level))?.[1] ?? 0);
