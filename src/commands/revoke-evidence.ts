import type { EvidenceKind } from '../assurance/evidence.ts';
import type { AuditEvent } from '../audit/events.ts';
import { append } from '../storage/audit.ts';
import { type Db, transaction } from '../storage/db.ts';
import { evidenceByReference, evidenceOf, revokeEvidence as revokeRows } from '../storage/evidence.ts';
import type { Initiator } from './announce.ts';
import type { CommandDeps } from './command.ts';
import { withLevelChange } from './level-change.ts';

/** Which rows: of an account by id or kind, or the one that a source knows by its own transaction id. */
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
  const at = deps.clock();
  const { reason, actor, initiator, requestId } = revocation;
  const found = await resolve(tx, revocation.which);
  if (found === null || found.ids.length === 0) return 0;
  const { accountId, ids, kinds } = found;
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

/** Rows that still stand, with their owner. */
async function resolve(
  tx: Db,
  which: WhichEvidence,
): Promise<{ accountId: string; ids: string[]; kinds: EvidenceKind[] } | null> {
  const found = 'source' in which ? await evidenceByReference(tx, which.source, which.reference) : null;
  if ('source' in which && found === null) return null;
  const accountId = 'source' in which ? (found?.accountId ?? '') : which.accountId;
  const standing = (await evidenceOf(tx, accountId)).filter((item) => item.revokedAt === null);
  const meant = standing.filter((item) => {
    if ('source' in which) return item.id === found?.id;
    return 'ids' in which ? which.ids.includes(item.id) : which.kinds.includes(item.kind);
  });
  return { accountId, ids: meant.map((item) => item.id), kinds: [...new Set(meant.map((item) => item.kind))] };
}
