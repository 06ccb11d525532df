import { isDeepStrictEqual } from 'node:util';
import { type Change, lockProposals, waitingChanges } from '../storage/changes.ts';
import type { Db } from '../storage/db.ts';
import { currentPolicy } from '../storage/policies.ts';
import { type Proposal, proposalOf } from './change-payload.ts';
import { mayPropose } from './change-rules.ts';

/**
 * The proposal of just this that can still be approved. Of any number who propose the same at once one makes it: whoever
 * asks first holds the others up until the end of the transaction.
 */
export async function sameProposal(
  tx: Db,
  { what, publishAt, at }: { what: Proposal; publishAt: Date | null; at: Date },
): Promise<Change | null> {
  await lockProposals(tx);
  const current = await currentPolicy(tx);
  const said = comparable(what);
  const subject = what.kind === 'app' ? what.payload.app : null;
  const waiting = await waitingChanges(tx, what.kind, subject);
  for (const change of waiting) {
    const { basedOn, expiresAt, proposedBy } = change;
    const open = change.status === 'proposed' && (expiresAt === null || expiresAt > at);
    const here = basedOn === null || basedOn === current.version;
    if (!open || !here || change.publishAt?.getTime() !== publishAt?.getTime()) continue;
    const known = proposalOf(change);
    if (!isDeepStrictEqual(comparable(known), said)) continue;
    if (await mayPropose(tx, proposedBy ?? '', known, current.document)) return change;
  }
  return null;
}

/** As it comes back from storage, without what is new each time it is said: a secret made up, a sealing, a number given later. */
function comparable(what: Proposal): unknown {
  const plain = (payload: object): unknown => JSON.parse(JSON.stringify(payload));
  switch (what.kind) {
    case 'app': {
      const { secret, ...rest } = what.payload;
      return plain({ ...rest, secret: secret === null ? null : secret.overlapHours });
    }
    case 'policy':
      return plain({ document: { ...what.payload.document, version: 0 } });
    default:
      return plain(what.payload);
  }
}
