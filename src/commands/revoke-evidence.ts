import type { EvidenceKind } from '../assurance/evidence.ts';
import type { AuditEvent } from '../audit/events.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { accountsByReference, evidenceBy, evidenceOf, revokeEvidence as revokeRows } from '../storage/evidence.ts';
import type { Initiator } from './announce.ts';
import type { CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';

/** Which rows: of an account by id or kind, or all that a source knows by its own transaction id. */
export type WhichEvidence =
  | { readonly accountId: string; readonly ids: readonly string[] }
  | { readonly accountId: string; readonly kinds: readonly EvidenceKind[] }
  | { readonly source: string; readonly reference: string };

export interface EvidenceRevocation {
  readonly which: WhichEvidence;
  /** A code: `deceased`, `cancelled`, `fraud`, ... */
  readonly reason: string;
  readonly actor: AuditEvent['actor'];
  readonly initiator: Initiator;
  readonly requestId: string | null;
}

/**
 * Takes evidence back. From the commit on every token, refresh, userinfo and introspection is answered without it, and
 * the apps that asked are told. Says how many rows; what was revoked before is left alone and not told again.
 */
export async function revokeEvidence(deps: CommandDeps, revocation: EvidenceRevocation): Promise<number> {
  return transaction(deps.db, (tx) => revokeEvidenceIn(tx, deps, revocation));
}

/** The same inside the transaction of a larger command. */
export async function revokeEvidenceIn(
  tx: Db,
  deps: Pick<CommandDeps, 'clock' | 'keyring'>,
  revocation: EvidenceRevocation,
): Promise<number> {
  const { which } = revocation;
  if (!('source' in which)) return revokeOfAccount(tx, deps, which, revocation);
  let count = 0;
  // Rows that were copied by a merge have their reference with them, in the account that stays and in the one that went.
  for (const accountId of await accountsByReference(tx, which.source, which.reference)) {
    const rows = await evidenceBy(tx, accountId, { source: which.source, reference: which.reference });
    count += await revokeOfAccount(tx, deps, { accountId, ids: rows.map(({ id }) => id) }, revocation);
  }
  return count;
}

async function revokeOfAccount(
  tx: Db,
  deps: Pick<CommandDeps, 'clock' | 'keyring'>,
  which: Extract<WhichEvidence, { accountId: string }>,
  { reason, actor, initiator, requestId }: EvidenceRevocation,
): Promise<number> {
  const at = deps.clock();
  const { accountId } = which;
  const meant = (await evidenceOf(tx, accountId)).filter(
    (item) =>
      item.revokedAt === null && ('ids' in which ? which.ids.includes(item.id) : which.kinds.includes(item.kind)),
  );
  if (meant.length === 0) return 0;
  const ids = meant.map(({ id }) => id);
  const kinds = [...new Set(meant.map(({ kind }) => kind))];
  return withLevelChange(tx, deps.keyring, { accountId, at, initiator, reason }, async () => {
    const count = await revokeRows(tx, { accountId, ids, at, reason });
    if (count === 0) return 0;
    await append(tx, {
      at,
      type: 'evidence.revoked',
      actor,
      accountId,
      clientId: null,
      requestId,
      outcome: 'ok',
      reason,
      data: { kinds, count },
    });
    return count;
  });
}
