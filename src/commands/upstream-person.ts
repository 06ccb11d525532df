import type { UpstreamClaims } from '../assurance/upstream-facts.ts';
import { agreement, type PersonRecord, shareDocument, type Voucher } from '../identity/agreement.ts';
import { ageOn, categoryOfDocument, type IdDocument } from '../identity/person.ts';
import { ShiminError } from '../lib/errors.ts';
import { addDocument, bindPerson, type Person, personOf } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import { setName } from '../storage/persons.ts';
import type { CommandDeps } from './command.ts';

/** What a source said of a person, and whether it vouches for the document. */
export interface PersonFacts {
  readonly claims: UpstreamClaims;
  readonly evidence: { readonly confirmed: readonly string[] } | null;
  /** The person's own sign-in at the source; absent: somebody typed it. */
  readonly event?: object | null;
}

/**
 * Makes the person whom a source has proofed the person of this account, in the caller's transaction. The first proof
 * binds; every later one must be about the same person, by the one rule of `identity/agreement.ts`. Answers that hold no
 * document change nothing, and are refused where they tell of somebody else. Says which record of the person it is about;
 * null: of none.
 * @throws ShiminError `identity_in_use`: the document is another account's; `identity_mismatch`: somebody else's data, or
 * such as can't be compared; `identity_minor`
 */
export async function claimPerson(
  tx: Db,
  deps: CommandDeps,
  accountId: string,
  facts: PersonFacts,
): Promise<string | null> {
  const { claims } = facts;
  const { name, documentType: type, documentNumber: number, birthDate, otherDocuments = [] } = claims;
  const at = deps.clock();
  const proofed = facts.evidence?.confirmed.includes('document_number') === true;
  refuseMinor(birthDate ?? null, at);
  const known = await personOf(tx, deps.keyring, accountId);
  const said = recordOfClaims(claims, proofed);
  const voucher: Voucher = facts.event ? 'holder' : 'typed';
  const judged = known === null ? null : agreement(recordOfPerson(known), said, voucher);
  if (judged?.answer === 'differ') throw mismatch();
  if (!proofed || name === undefined || type === undefined || number === undefined) return null;
  if (judged !== null && judged.answer !== 'agree') throw mismatch();
  const category = said.category ?? categoryOfDocument(type, number);
  const record =
    known === null
      ? (
          await bindPerson(tx, deps.keyring, {
            ...{ accountId, category, name, birthDate, at },
            ...{ documentType: type, documentNumber: number },
          })
        ).record
      : await addDocument(tx, deps.keyring, {
          ...{ accountId, type, number, at, told: { name, birthDate } },
          record: joinedRecord(known, otherDocuments),
        });
  // Whoever comes with one of the others is found again: one person, one account.
  for (const other of otherDocuments) await addDocument(tx, deps.keyring, { accountId, ...other, at, record });
  await keepLatinName(tx, deps, accountId, record, claims, at);
  return record;
}

/** The record that the source itself says its other documents are of. */
const joinedRecord = ({ records }: Person, others: readonly IdDocument[]): string | undefined =>
  records.find(({ documents }) => shareDocument(documents, others))?.id;

/** So that a source that knows no other form of the name can be compared with it. */
async function keepLatinName(
  tx: Db,
  deps: CommandDeps,
  accountId: string,
  record: string,
  { name, latinName }: UpstreamClaims,
  at: Date,
): Promise<void> {
  if (latinName === undefined || latinName === name) return;
  await setName(tx, deps.keyring, { accountId, record, script: LATIN, name: latinName, at });
}

/** ISO 15924. */
const LATIN = 'Latn';

/** Resident Identity Card Law art. 10: until sixteen a guardian acts, at a counter. */
const OF_AGE = 16;

/** @throws ShiminError `identity_minor` */
export function refuseMinor(birthDate: string | null, at: Date): void {
  if (birthDate === null) return;
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(at);
  if (ageOn(birthDate, today) < OF_AGE) throw new ShiminError('identity_minor', { status: 409 });
}

/** What is known of a person here, to be compared. */
export const recordOfPerson = ({ category, names, birthDate, documents }: Person): PersonRecord => ({
  category,
  names: names.map(({ name }) => name),
  birthDate,
  documents,
});

/** Whether a document is one that this person is known to hold. */
export function holdsDocument(known: Person, type: string, number: string): boolean {
  const said = {
    category: categoryOfDocument(type, number),
    names: [],
    birthDate: null,
    documents: [{ type, number }],
  };
  return agreement(recordOfPerson(known), said, 'typed').answer === 'agree';
}

/** What a source says; a document that it does not vouch for is not compared. */
function recordOfClaims(claims: UpstreamClaims, proofed: boolean): PersonRecord {
  const { documentType: type, documentNumber: number, otherDocuments = [] } = claims;
  const told = type !== undefined && number !== undefined;
  return {
    category: claims.category ?? (told ? categoryOfDocument(type, number) : null),
    names: [claims.name, claims.latinName].filter((name) => name !== undefined),
    birthDate: claims.birthDate ?? null,
    documents: told && proofed ? [{ type, number }, ...otherDocuments] : [],
  };
}

const mismatch = () => new ShiminError('identity_mismatch', { status: 409 });
