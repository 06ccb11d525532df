import { type EvidenceKind, evidenceKinds } from '../assurance/evidence.ts';
import { lockAccount } from '../storage/accounts.ts';
import { transaction } from '../storage/db.ts';
import { findAccountByDocument } from '../storage/persons.ts';
import type { CommandDeps } from './command.ts';
import { revokeEvidenceIn } from './revoke-evidence.ts';
import { stopDeceased } from './stop-deceased.ts';

/** What the population register tells of a person of its own accord. */
export interface RegisterNotice {
  readonly documentType: string;
  readonly documentNumber: string;
  readonly status: 'active' | 'deceased' | 'cancelled';
  readonly requestId: string | null;
}

/** A dead person's identity is nobody's; a cancelled record takes what was compared with it. Contacts prove no identity. */
const revoked: Readonly<Record<RegisterNotice['status'], readonly EvidenceKind[]>> = {
  active: [],
  cancelled: ['population', 'face', 'counter'],
  deceased: evidenceKinds.filter((kind) => kind !== 'contact'),
};

/**
 * Takes a notice of the register to heart: revocation, announcement and audit in one transaction; of somebody who has died,
 * the account is stopped too. Hearing it again changes nothing. A record that is active again brings nothing back: the person proves themselves anew.
 */
export async function hearRegister(deps: CommandDeps, notice: RegisterNotice): Promise<number> {
  const kinds = revoked[notice.status];
  if (kinds.length === 0) return 0;
  return transaction(deps.db, async (tx) => {
    const owner = await findAccountByDocument(tx, deps.keyring, notice.documentType, notice.documentNumber);
    if (owner === null) return 0;
    // A proof that is being recorded at this moment comes before or after, not in between.
    await lockAccount(tx, owner.accountId);
    const count = await revokeEvidenceIn(tx, deps, {
      which: { accountId: owner.accountId, kinds },
      reason: notice.status,
      actor: { kind: 'system', id: 'population' },
      initiator: 'system',
      requestId: notice.requestId,
    });
    if (notice.status === 'deceased')
      await stopDeceased(tx, deps, owner.accountId, { requestId: notice.requestId, clientId: null });
    return count;
  });
}
