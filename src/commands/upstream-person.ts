import type { UpstreamClaims, UpstreamFacts } from '../assurance/upstream-facts.ts';
import { compareNames } from '../identity/names.ts';
import { categoryOfDocument } from '../identity/person.ts';
import { ShiminError } from '../lib/errors.ts';
import { addDocument, bindPerson, type Person, personOf } from '../storage/accounts.ts';
import type { Db } from '../storage/db.ts';
import type { CommandDeps } from './command.ts';

/**
 * Makes the person whom an upstream has proofed the person of this account, in the caller's transaction. The first proof
 * binds; every later one must be about the same person: the same document, or another one under the same name and date of
 * birth. Answers that hold no document say nothing of who it is and change nothing.
 * @throws ShiminError `identity_in_use`: the document is another account's; `identity_mismatch`: somebody else's data
 */
export async function claimPerson(tx: Db, deps: CommandDeps, accountId: string, facts: UpstreamFacts): Promise<void> {
  const { name, documentType: type, documentNumber: number, birthDate } = facts.claims;
  const proofed = facts.evidence?.confirmed.includes('document_number') === true;
  const known = await personOf(tx, deps.keyring, accountId);
  if (!proofed || name === undefined || type === undefined || number === undefined) {
    if (known && !agrees(known, facts.claims)) throw mismatch();
    return;
  }
  if (known === null) {
    const category = facts.claims.category ?? categoryOfDocument(type, number);
    await bindPerson(tx, deps.keyring, {
      accountId,
      category,
      name,
      documentType: type,
      documentNumber: number,
      birthDate,
    });
    return;
  }
  if (!agrees(known, facts.claims)) throw mismatch();
  if (known.documents.some((document) => document.type === type && document.number === number)) return;
  // One kind of document, two numbers: not to be decided by a machine.
  if (known.documents.some((document) => document.type === type)) throw mismatch();
  if (known.birthDate === null || birthDate === undefined) throw mismatch();
  await addDocument(tx, deps.keyring, { accountId, type, number, at: deps.clock() });
}

/** Whether nothing that both know of the person is different. A name in another script can't be compared and is no difference. */
function agrees(known: Person, claims: UpstreamClaims): boolean {
  if (known.birthDate !== null && claims.birthDate !== undefined && known.birthDate !== claims.birthDate) return false;
  const said = [claims.name, claims.latinName].filter((name) => name !== undefined);
  const comparable = said.filter((name) => known.names.some((own) => isLatin(own.name) === isLatin(name)));
  return comparable.every((name) => known.names.some((own) => compareNames(own.name, name).equal));
}

const isLatin = (name: string) => /^[\p{Script=Latin}\p{P}\p{M}\s]+$/u.test(name);

const mismatch = () => new ShiminError('identity_mismatch', { status: 409 });
