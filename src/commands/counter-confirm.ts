import { proofs, provedBy } from '../assurance/worth.ts';
import { agreement } from '../identity/agreement.ts';
import { checkListFor, type DocumentRead } from '../identity/counter.ts';
import { ShiminError } from '../lib/errors.ts';
import { type NewPerson, type Person, personOf } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { type CounterCase, documentOf, lockCase, moveCase } from '../storage/counter-cases.ts';
import { type Db, transaction } from '../storage/db.ts';
import { addDocument, findDocumentHolder } from '../storage/persons.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { disputeCase } from './counter-dispute.ts';
import {
  type CounterDenial,
  type CounterResult,
  claimedElsewhere,
  counterTimes,
  denialOf,
  deny,
  movedMeanwhile,
  officialMay,
} from './counter-rules.ts';
import { type EvidenceFacts, recordEvidence } from './record-evidence.ts';
import { recordOfPerson } from './upstream-person.ts';
import { isWeaker, winBack } from './win-back.ts';

export interface Confirmation {
  readonly by: By;
  readonly caseId: string;
  /** As `readDocument` read it. */
  readonly read: DocumentRead;
  /** What was ticked. */
  readonly checks: readonly string[];
  /** What the population register answered, for mainland residents: the name as registered. */
  readonly registered: { readonly name: string } | null;
}

/**
 * An official confirms the person before them: evidence of one official, or, by the second of two, of both. It counts from
 * the commit on. A person who has another account is not bound to a second one.
 */
export async function confirmCounterCase(
  deps: CommandDeps,
  confirmation: Confirmation,
): Promise<CounterResult<'half' | 'confirmed' | 'disputed'>> {
  const { by, caseId } = confirmation;
  try {
    return await transaction(deps.db, (tx) => confirmIn(tx, deps, confirmation));
  } catch (error) {
    const code = error instanceof ShiminError ? error.code : null;
    if (code !== 'identity_in_use' && code !== 'identity_mismatch') throw error;
    // The database refused the person and nothing is written; the attempt is a line of its own.
    return transaction(deps.db, async (tx) => {
      const seen = await lockCase(tx, caseId);
      const about = { operation: 'confirm', counter: seen?.heldCounter ?? null, seen };
      return deny(tx, deps.clock(), by, about, code);
    });
  }
}

async function confirmIn(
  tx: Db,
  deps: CommandDeps,
  { by, caseId, read, checks, registered }: Confirmation,
): Promise<CounterResult<'half' | 'confirmed' | 'disputed'>> {
  const at = deps.clock();
  const seen = await lockCase(tx, caseId);
  const about = { operation: 'confirm', counter: seen?.heldCounter ?? null, seen };
  if (!(await officialMay(tx, by, 'counter.confirm'))) return deny(tx, at, by, about, 'forbidden');
  if (seen === null) return deny(tx, at, by, about, 'closed');
  const person = await personOf(tx, deps.keyring, seen.accountId);
  const denied =
    (await denialOf(tx, seen, by, at)) ??
    (seen.holder === by.accountId ? null : 'not_held') ??
    incomplete(read, checks, registered) ??
    (seen.status === 'half' ? differs(await documentOf(tx, deps.keyring, seen), read) : null);
  if (denied !== null) return deny(tx, at, by, about, denied);
  const documentType = read.document;
  const told = person === null ? null : compared(person, read);
  // A genuine card of a namesake, or a number that was typed for another's: not to be decided at a counter.
  const holder = await findDocumentHolder(tx, deps.keyring, documentType, read.number);
  const claim = holder !== null && holder.accountId !== seen.accountId ? holder : null;
  const otherAccountId = claim?.accountId ?? null;
  if (told?.answer === 'differ' && told.because === 'document_number')
    return disputeCase(tx, deps, seen, by, { reason: 'other_number', documentType, otherAccountId });
  if (told !== null && told.answer !== 'agree') return deny(tx, at, by, about, 'identity_mismatch');
  if (claim !== null && seen.status === 'open') return contest(tx, deps, seen, by, read);
  if (claim !== null && !(await isWeaker(tx, claim, at)))
    return disputeCase(tx, deps, seen, by, { reason: 'claimed_as_strongly', documentType, otherAccountId });
  if (claim !== null) await winBack(tx, deps, { claim, holderId: seen.accountId, caseId, by, at });

  const official = seen.status === 'half' ? 2 : 1;
  const status = official < seen.officials ? 'half' : 'confirmed';
  const kept = { keyring: deps.keyring, accountId: seen.accountId, text: JSON.stringify(comparable(read)) };
  if (
    !(await moveCase(
      tx,
      seen,
      {
        ...{ ...moveOf(seen, by, at, status), category: read.category, documentType: read.document },
        reason: claim === null ? null : 'won_back',
      },
      kept,
    ))
  )
    throw movedMeanwhile();
  const { name, birthDate, document: type, number } = read;
  const record =
    person === null
      ? null
      : await addDocument(tx, deps.keyring, { accountId: seen.accountId, type, number, at, told: { name, birthDate } });
  const actor = { kind: 'staff', id: by.accountId } as const;
  await recordEvidence(
    { ...deps, db: tx },
    {
      accountId: seen.accountId,
      facts: factsOf(seen, read, official),
      ...(person === null ? { person: personIn(read, registered, at) } : { record }),
      actor,
      cause: by.cause,
    },
  );
  await append(tx, {
    at,
    type: 'counter_case.confirmed',
    actor,
    accountId: seen.accountId,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: null,
    data: {
      caseId: seen.id,
      counter: seen.heldCounter,
      official,
      officials: seen.officials,
      category: read.category,
      documentType: read.document,
    },
  });
  return { done: status };
}

/** Each item ticked, and the register asked where there is one. */
function incomplete(
  read: DocumentRead,
  checks: readonly string[],
  registered: Confirmation['registered'],
): CounterDenial | null {
  const list = checkListFor(read.category, read.document);
  const all = list?.every((check) => checks.includes(check)) === true;
  return all && (read.category !== 'mainland' || registered !== null) ? null : 'incomplete';
}

/** What both officials must have read alike, each for themselves. */
const comparable = ({ category, document, number, birthDate }: DocumentRead) => [category, document, number, birthDate];
const differs = (first: string | null, read: DocumentRead): CounterDenial | null =>
  first === JSON.stringify(comparable(read)) ? null : 'differs';

/** Whether this is the person whom the account is bound to. Officials see the person and the document. */
function compared(person: Person, { category, name, birthDate, document: type, number }: DocumentRead) {
  const shown = { category, names: [name], birthDate, documents: [{ type, number }] };
  return agreement(recordOfPerson(person), shown, 'officials');
}

/**
 * The first official has before them whom another account claims to be. One official's word takes nothing from anybody: a second one
 * is asked for, and nothing is recorded until then.
 */
async function contest(
  tx: Db,
  deps: CommandDeps,
  seen: CounterCase,
  by: By,
  read: DocumentRead,
): Promise<CounterResult<'half'>> {
  const at = deps.clock();
  const kept = { keyring: deps.keyring, accountId: seen.accountId, text: JSON.stringify(comparable(read)) };
  const move = { ...moveOf(seen, by, at, 'half'), category: read.category, documentType: read.document };
  if (!(await moveCase(tx, seen, { ...move, officials: 2, reason: claimedElsewhere }, kept))) throw movedMeanwhile();
  await append(tx, {
    at,
    type: 'counter_case.contested',
    actor: { kind: 'staff', id: by.accountId },
    accountId: seen.accountId,
    clientId: by.cause.clientId,
    requestId: by.cause.requestId,
    outcome: 'ok',
    reason: null,
    data: { caseId: seen.id, counter: seen.heldCounter, official: 1, officials: 2, documentType: read.document },
  });
  return { done: 'half' };
}

function moveOf(seen: CounterCase, by: By, at: Date, status: 'half' | 'confirmed') {
  const mine =
    seen.status === 'half'
      ? { secondBy: by.accountId, secondAt: at, secondCounter: seen.heldCounter }
      : { firstBy: by.accountId, firstAt: at, firstCounter: seen.heldCounter };
  const free = { holder: null, heldAt: null, heldCounter: null };
  return status === 'half'
    ? { ...mine, ...free, status, expiresAt: new Date(at.getTime() + counterTimes.second) }
    : { ...mine, ...free, status, closedAt: at };
}

function factsOf(seen: CounterCase, read: DocumentRead, official: number): EvidenceFacts {
  return {
    ...provedBy(official === 1 ? proofs.counter : proofs.counter_two),
    category: read.category,
    // Evidence ends with the document it rests on, at the end of that day in the city.
    expiresAt: read.validUntil === null ? null : new Date(`${read.validUntil}T23:59:59.999+08:00`),
    reference: seen.id,
  };
}

const personIn = (
  read: DocumentRead,
  registered: Confirmation['registered'],
  at: Date,
): Omit<NewPerson, 'accountId'> => ({
  category: read.category,
  name: registered?.name ?? read.name,
  documentType: read.document,
  documentNumber: read.number,
  birthDate: read.birthDate,
  at,
});
