import type { UpstreamClaims, UpstreamFacts } from '../assurance/upstream-facts.ts';
import { ShiminError } from '../lib/errors.ts';
import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { findDocumentHolder } from '../storage/persons.ts';
import type { Cause, CommandDeps } from './command.ts';
import { notify } from './notify.ts';
import { tryOnce } from './throttles.ts';

export interface Attempt {
  /** Whose proof it was. */
  readonly accountId: string;
  readonly claims: Pick<UpstreamClaims, 'documentType' | 'documentNumber'> | null;
  readonly cause: Cause;
}

/** What an upstream tells of a person, where it vouches for the document. */
export const vouchedClaims = ({ claims, evidence }: UpstreamFacts): UpstreamClaims | null =>
  evidence?.confirmed.includes('document_number') ? claims : null;

/**
 * Does what proves a person, and where it is refused because that person is known here by another account, tells the person:
 * somebody has their name and number. Once a day, so that nobody is plagued by it.
 */
export async function tellingOwner<T>(deps: CommandDeps, attempt: Attempt, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof ShiminError ? error.code : null;
    if (code === 'identity_in_use' || code === 'identity_mismatch') await tellOwner(deps, attempt);
    throw error;
  }
}

async function tellOwner(deps: CommandDeps, { accountId, claims, cause }: Attempt): Promise<void> {
  const { documentType, documentNumber } = claims ?? {};
  if (documentType === undefined || documentNumber === undefined) return;
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    const owner = await findDocumentHolder(tx, deps.keyring, documentType, documentNumber);
    if (owner === null || owner.accountId === accountId) return;
    const { allowed } = await tryOnce({ ...deps, db: tx }, 'ownerTold', owner.accountId);
    if (!allowed) return;
    await notify(tx, deps, { accountId: owner.accountId, kind: 'identity_attempted', at });
    await append(tx, {
      ...{ at, type: 'identity.attempted', actor: { kind: 'anonymous', id: 'prover' }, accountId: owner.accountId },
      ...{ clientId: cause.clientId, requestId: cause.requestId, outcome: 'refused', reason: null, data: {} },
    });
  });
}
