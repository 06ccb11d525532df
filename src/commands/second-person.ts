import { agreement } from '../identity/agreement.ts';
import type { Change } from '../storage/changes.ts';
import { proposersOf } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { mergesOf } from '../storage/merges.ts';
import { type Person, personOf } from '../storage/persons.ts';
import { operatorPrefix } from './actor.ts';
import { appPrefix, isAppActor } from './app-roles.ts';
import type { CommandDeps } from './command.ts';

export type NotSecond = 'decider_no_person' | 'self_approval' | 'same_person';

/**
 * Why somebody is not the second pair of eyes on a change; null: they are. A second person is a person: no program, whoever
 * keeps it, and nobody at a command line, where any name can be typed. And it is another one than the first: not the same
 * under a second account, and not the keeper of the program that proposed it.
 */
export async function notSecond(
  tx: Db,
  deps: Pick<CommandDeps, 'keyring'>,
  change: Pick<Change, 'proposedBy'>,
  decider: string,
): Promise<NotSecond | null> {
  if (isAppActor(decider) || decider.startsWith(operatorPrefix)) return 'decider_no_person';
  const { proposedBy } = change;
  if (proposedBy === null) return null;
  if (proposedBy === decider) return 'self_approval';
  for (const first of await peopleBehind(tx, proposedBy))
    if (first === decider || (await maybeOnePerson(tx, deps, first, decider))) return 'same_person';
  return null;
}

/** Who can act as this member of staff: an app can be used by whoever was told its secret or gave it its keys. */
async function peopleBehind(tx: Db, id: string): Promise<ReadonlySet<string>> {
  const people = new Set<string>();
  const waiting = [id];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (isAppActor(next)) waiting.push(...(await proposersOf(tx, 'app', next.slice(appPrefix.length))));
    else people.add(next);
  }
  return people;
}

/**
 * Whether two accounts are, or may be, one person's: merged, or with names that agree and nothing that says otherwise.
 * In doubt a third colleague decides, so here what can't be told apart counts as one.
 */
async function maybeOnePerson(
  tx: Db,
  { keyring }: Pick<CommandDeps, 'keyring'>,
  a: string,
  b: string,
): Promise<boolean> {
  if ((await mergesOf(tx, a)).some(({ keepId, goneId }) => keepId === b || goneId === b)) return true;
  const [first, second] = [await personOf(tx, keyring, a), await personOf(tx, keyring, b)];
  return first !== null && second !== null && mayBeOne(first, second);
}

/** One rule says whether two records name one person; here its doubts count as well, and categories are no difference. */
function mayBeOne(first: Person, second: Person): boolean {
  const record = ({ names, birthDate, documents }: Person) => ({
    ...{ category: first.category, birthDate, documents },
    names: names.map(({ name }) => name),
  });
  const { answer, because } = agreement(record(first), record(second), 'officials');
  if (answer !== 'incomparable') return answer === 'agree';
  // The same name and not the whole of both birthdays; or names in scripts that can't be compared, and no other birthday.
  return because === 'birth_date' || because === 'script';
}
