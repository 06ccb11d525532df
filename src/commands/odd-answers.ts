import { canonicalDocument } from '../identity/documents/canonical.ts';
import { normaliseName } from '../identity/names.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import type { CommandDeps } from './command.ts';
import { isCounted, type LimitName, tryOnce } from './throttles.ts';

/**
 * What somebody has to look at: one number with name after name, one account that guesses, refusals in numbers, an answer that
 * is another one than before, and one about another person than was asked about.
 */
export const oddities = ['many_names', 'many_guesses', 'many_refusals', 'changed_answer', 'another_person'] as const;
export type Oddity = (typeof oddities)[number];

export interface Asked {
  readonly source: string;
  readonly name: string;
  readonly documentType: string;
  readonly number: string;
  readonly issue?: string | undefined;
  /** Whether the answer is about nothing but what stands here; otherwise a no says nothing of the name. */
  readonly nameOnly: boolean;
}

/** What a source said; `odd`: it told of somebody else, or contradicted itself. */
export interface Said {
  readonly outcome: string;
  readonly odd?: boolean;
}

/** Keeps an eye on what a source says. Names and numbers are remembered for a day, hashed, and told to nobody. */
export async function noteAnswer(deps: CommandDeps, asked: Asked, said: Said): Promise<void> {
  const { source, issue = '' } = asked;
  const { type, number } = canonicalDocument(asked.documentType, asked.number);
  const about = [source, type, number].join('\n');
  const person = [about, issue, normaliseName(asked.name)].join('\n');
  if (said.odd) await tell(deps, { kind: 'another_person', source, key: about });
  if (!asked.nameOnly) return;
  if (said.outcome === 'verified') {
    if (await isCounted(deps, 'oddNo', person)) await tell(deps, { kind: 'changed_answer', source, key: person });
    await tryOnce(deps, 'oddYes', person);
  }
  if (!isNo(said.outcome)) return;
  if (await isCounted(deps, 'oddYes', person)) await tell(deps, { kind: 'changed_answer', source, key: person });
  // The same name typed once more is nothing new.
  const { allowed: isNew } = await tryOnce(deps, 'oddNo', person);
  if (isNew && (await isOver(deps, 'oddNames', about))) await tell(deps, { kind: 'many_names', source, key: about });
  if (await isOver(deps, 'oddTotal', source)) await tell(deps, { kind: 'many_refusals', source, key: source });
}

/** A proof of this account was refused, in the caller's transaction. */
export async function noteGuess(
  tx: Db,
  deps: CommandDeps,
  { accountId, source, reason }: { accountId: string; source: string; reason: string },
): Promise<void> {
  const own = { ...deps, db: tx };
  if (isNo(reason) && (await isOver(own, 'oddGuesses', accountId)))
    await tell(own, { kind: 'many_guesses', source, key: accountId, accountId });
}

/** No such person, or not with this name: what a guess gets. */
const isNo = (outcome: string): boolean => outcome === 'mismatch' || outcome === 'not_found';

const isOver = async (deps: CommandDeps, name: LimitName, key: string) => !(await tryOnce(deps, name, key)).allowed;

/** Once a day for each thing: whoever is on duty is not to be drowned. */
async function tell(
  deps: CommandDeps,
  { kind, source, key, accountId = null }: { kind: Oddity; source: string; key: string; accountId?: string | null },
): Promise<void> {
  const { allowed } = await tryOnce(deps, 'oddTold', `${kind}\n${key}`);
  if (!allowed) return;
  await transaction(deps.db, (tx) =>
    append(tx, {
      ...{ at: deps.clock(), type: 'source.odd', actor: { kind: 'system', id: source }, accountId },
      ...{ clientId: null, requestId: null, outcome: 'refused', reason: kind, data: { source } },
    }),
  );
}
