import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import { append } from '../storage/audit.ts';
import { type Rewritten, rewriteDocuments, rewriteNames } from '../storage/canonical-rows.ts';
import { type Db, transaction } from '../storage/db.ts';

export interface PersonsRewritten {
  readonly documents: number;
  readonly names: number;
  readonly disputes: number;
  readonly unreadable: number;
}

const BATCH = 200;

/**
 * Writes documents and names of older rules anew under the rules of now, batch by batch: what was done stays done when it is
 * interrupted, and a run with nothing to do changes nothing. One document that two accounts hold in two spellings is taken from neither:
 * both have a line in the audit, staff see the pair (`/admin/merges`), and the next run looks again.
 */
export async function rewritePersons(deps: { db: Db; keyring: Keyring; clock: Clock }): Promise<PersonsRewritten> {
  const { db, keyring, clock } = deps;
  const documents = await batches(db, async (tx, after) => {
    const at = clock();
    const batch = await rewriteDocuments(tx, keyring, { after, limit: BATCH, at });
    for (const { accountId, otherId, type } of batch.disputed)
      for (const [own, other] of [
        [accountId, otherId],
        [otherId, accountId],
      ] as const)
        await append(tx, {
          at,
          type: 'document.disputed',
          actor: { kind: 'system', id: 'rewrite' },
          accountId: own,
          clientId: null,
          requestId: null,
          outcome: 'ok',
          reason: null,
          data: { documentType: type, otherAccountId: other },
        });
    return batch;
  });
  const names = await batches(db, (tx, after) => rewriteNames(tx, keyring, { after, limit: BATCH }));
  return {
    documents: documents.rewritten,
    names: names.rewritten,
    disputes: documents.disputes,
    unreadable: documents.unreadable + names.unreadable,
  };
}

async function batches(
  db: Db,
  one: (tx: Db, after: string) => Promise<Rewritten>,
): Promise<{ rewritten: number; disputes: number; unreadable: number }> {
  const sum = { rewritten: 0, disputes: 0, unreadable: 0 };
  for (let after: string | null = ''; after !== null; ) {
    const start: string = after;
    const batch: Rewritten = await transaction(db, (tx) => one(tx, start));
    sum.rewritten += batch.rewritten;
    sum.disputes += batch.disputed.length;
    sum.unreadable += batch.unreadable;
    after = batch.last;
  }
  return sum;
}
