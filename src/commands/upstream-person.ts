import type { UpstreamClaims } from '../assurance/upstream-facts.ts';
import { compareNames } from '../identity/names.ts';
import { ageOn, categoryOfDocument } from '../identity/person.ts';
import { ShiminError } from '../lib/errors.ts';
import { addDocument, bindPerson, type Person, personOf } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
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
 * binds; every later one must be about the same person: a document that is known already, or another one under the same
 * name and date of birth. Answers that hold no document say nothing of who it is and change nothing.
 * @throws ShiminError `identity_in_use`: the document is another account's; `identity_mismatch`: somebody else's data;
 * `identity_minor`
 */
export async function claimPerson(tx: Db, deps: CommandDeps, accountId: string, facts: PersonFacts): Promise<void> {
  const { name, documentType: type, documentNumber: number, birthDate, otherDocuments = [] } = facts.claims;
  const at = deps.clock();
  const proofed = facts.evidence?.confirmed.includes('document_number') === true;
  refuseMinor(birthDate ?? null, at);
  const known = await personOf(tx, deps.keyring, accountId);
  if (!proofed || name === undefined || type === undefined || number === undefined) {
    if (known && !agrees(known, facts.claims)) throw mismatch();
    return;
  }
  if (known === null) {
    const category = facts.claims.category ?? categoryOfDocument(type, number);
    const person = { accountId, category, name, documentType: type, documentNumber: number, birthDate };
    await bindPerson(tx, deps.keyring, person);
  } else {
    if (!agrees(known, facts.claims)) throw mismatch();
    const papers = [{ type, number }, ...otherDocuments];
    const isKnown = papers.some((paper) =>
      known.documents.some((own) => own.type === paper.type && own.number === paper.number),
    );
    if (!isKnown) {
      // One kind of document, two numbers: not to be decided by a machine.
      if (known.documents.some((own) => own.type === type)) throw mismatch();
      // Some upstreams tell no date of birth: then the holder's sign-in on both sides and a name in the same script stand in.
      const dated = known.birthDate !== null && birthDate !== undefined;
      if (!dated && !(facts.event && sharesName(known, facts.claims))) throw mismatch();
    }
    await addDocument(tx, deps.keyring, { accountId, type, number, at });
  }
  // Whoever comes with one of the others is found again: one person, one account.
  for (const other of otherDocuments) await addDocument(tx, deps.keyring, { accountId, ...other, at });
}

/** Resident Identity Card Law art. 10: until sixteen a guardian acts, at a counter. */
const OF_AGE = 16;

/** @throws ShiminError `identity_minor` */
export function refuseMinor(birthDate: string | null, at: Date): void {
  if (birthDate === null) return;
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(at);
  if (ageOn(birthDate, today) < OF_AGE) throw new ShiminError('identity_minor', { status: 409 });
}

/** Whether a name of theirs is the same, in one script. */
const sharesName = (known: Person, { name, latinName }: UpstreamClaims): boolean =>
  [name, latinName].some((said) => said !== undefined && known.names.some((own) => compareNames(own.name, said).equal));

/** Whether nothing that both know of the person is different. A name in another script can't be compared and is no difference. */
export function agrees(known: Person, claims: UpstreamClaims): boolean {
  if (known.birthDate !== null && claims.birthDate !== undefined && known.birthDate !== claims.birthDate) return false;
  const said = [claims.name, claims.latinName].filter((name) => name !== undefined);
  const comparable = said.filter((name) => known.names.some((own) => isLatin(own.name) === isLatin(name)));
  return (
    comparable.length === 0 || comparable.some((name) => known.names.some((own) => compareNames(own.name, name).equal))
  );
}

const isLatin = (name: string) => /^[\p{Script=Latin}\p{P}\p{M}\s]+$/u.test(name);

const mismatch = () => new ShiminError('identity_mismatch', { status: 409 });
