import type { Evidence } from '../assurance/evidence.ts';
import { isIdentity } from '../assurance/interventions.ts';
import type { UpstreamClaims } from '../assurance/upstream-facts.ts';
import type { AuditEvent } from '../audit/events.ts';
import { bindPerson, lockAccount, type NewPerson } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import { transaction } from '../storage/db.ts';
import { insertEvidence, recordByReference, revokeEvidence } from '../storage/evidence.ts';
import { liftByDoing } from './close-interventions.ts';
import type { Cause, CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';
import { noteGuess } from './odd-answers.ts';
import { stopDeceased } from './stop-deceased.ts';
import { tellingOwner } from './tell-owner.ts';
import { claimPerson, refuseMinor } from './upstream-person.ts';

export type EvidenceFacts = Pick<Evidence, 'kind' | 'source' | 'strength' | 'category' | 'confirmed' | 'expiresAt'> & {
  reference: string | null;
};

/**
 * Writes what a proofing method found into the ledger. `person`, given with a first register match, binds the person to
 * this account; a person who belongs to another account is refused by the database itself. `actor`: whoever is not the
 * citizen, at a counter.
 * @throws ShiminError `identity_in_use`, `identity_mismatch`, `identity_minor`
 */
export async function recordEvidence(deps: CommandDeps, input: ToRecord): Promise<void> {
  const { accountId, claims = null, cause } = input;
  // An official's transaction is not this command's to go on after.
  if (input.actor) return recordIn(deps, input);
  return tellingOwner(deps, { accountId, claims, cause }, () => recordIn(deps, input));
}

interface ToRecord {
  accountId: string;
  facts: EvidenceFacts;
  person?: Omit<NewPerson, 'accountId'>;
  /** The record of the person that it is about, where that is known already. */
  record?: string | null;
  /** What a check confirmed of a person who may be known already, by other papers. */
  claims?: UpstreamClaims;
  actor?: AuditEvent['actor'];
  cause: Cause;
}

async function recordIn(deps: CommandDeps, input: ToRecord): Promise<void> {
  const at = deps.clock();
  const initiator = input.actor ? 'admin' : 'user';
  await transaction(deps.db, async (tx) => {
    const { reference } = input.facts;
    let record = input.record ?? null;
    // A face is compared with the photo of one record, and says so by that record's own reference.
    if (record === null && reference !== null) record = await recordByReference(tx, input.accountId, reference);
    if (input.claims) {
      const { claims, facts } = input;
      record = await claimPerson(tx, deps, input.accountId, { claims, evidence: facts });
    }
    if (input.person && !input.actor) refuseMinor(input.person.birthDate ?? null, at);
    if (input.person)
      ({ record } = await bindPerson(tx, deps.keyring, { ...input.person, accountId: input.accountId }));
    const { accountId, facts, cause } = input;
    await withLevelChange(tx, deps.keyring, { accountId, at, initiator }, async () => {
      const recorded = await insertEvidence(tx, { ...facts, record, accountId, recordedAt: at });
      if (isIdentity(recorded)) await liftByDoing(tx, deps, { accountId, part: 'prove', at, cause });
    });
    await append(tx, {
      at,
      type: 'evidence.recorded',
      actor: input.actor ?? { kind: 'citizen', id: input.accountId },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'ok',
      reason: null,
      data: {
        kind: input.facts.kind,
        source: input.facts.source,
        strength: input.facts.strength,
        category: input.facts.category,
      },
    });
  });
}

/**
 * A proofing that failed leaves an audit line. What the register says of a person who may not act any more (deceased,
 * cancelled) also takes the evidence that rested on it.
 */
export async function refuseEvidence(
  deps: CommandDeps,
  input: {
    accountId: string;
    kind: Evidence['kind'];
    source: string;
    reason: string;
    revokeKinds: readonly Evidence['kind'][];
    cause: Cause;
  },
): Promise<void> {
  const at = deps.clock();
  await transaction(deps.db, async (tx) => {
    if (input.revokeKinds.length > 0) {
      const { accountId, reason } = input;
      await lockAccount(tx, accountId);
      await withLevelChange(tx, deps.keyring, { accountId, at, initiator: 'system', reason }, () =>
        revokeEvidence(tx, { accountId, kinds: input.revokeKinds, at, reason }),
      );
      // Only what is said of the account's own document takes anything.
      if (reason === 'deceased') await stopDeceased(tx, deps, accountId, input.cause);
    }
    const { accountId, source, reason } = input;
    await noteGuess(tx, deps, { accountId, source, reason });
    await append(tx, {
      at,
      type: 'evidence.refused',
      actor: { kind: 'citizen', id: input.accountId },
      accountId: input.accountId,
      clientId: input.cause.clientId,
      requestId: input.cause.requestId,
      outcome: 'refused',
      reason: input.reason,
      data: { kind: input.kind, source: input.source },
    });
  });
}
