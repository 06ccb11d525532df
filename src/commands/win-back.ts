import { covers } from '../assurance/catalogue.ts';
import { type Evidence, isAlive } from '../assurance/evidence.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { mergesOf } from '../storage/merges.ts';
import { releaseRecord } from '../storage/person-release.ts';
import { endSessions } from '../storage/sessions.ts';
import type { By } from './change-rules.ts';
import type { CommandDeps } from './command.ts';
import { notify } from './notify.ts';
import { revokeEvidenceIn } from './revoke-evidence.ts';
import { tellApps } from './tell-apps.ts';

/** A document that another account says is its holder's. */
export interface Claim {
  readonly accountId: string;
  readonly record: string;
}

/** What is worth as much as two officials who had the person and the document before them. */
const isAsStrong = (item: Evidence): boolean =>
  item.strength === 'superior' && (item.kind !== 'counter' || covers(item.confirmed, 'officials:2'));

/** Whether two officials' word about a document beats what another account proved of it. Staff decide the rest. */
export async function isWeaker(tx: Db, { accountId, record }: Claim, at: Date): Promise<boolean> {
  // An account that two officials have just merged goes back to what it was before anything of it is taken.
  if ((await mergesOf(tx, accountId)).some(({ undoUntil }) => undoUntil > at)) return false;
  const about = (await evidenceOf(tx, accountId)).filter((item) => item.record === record && isAlive(item, at));
  return !about.some(isAsStrong);
}

/**
 * Undoes a weaker account's claim to a document, in the transaction that gives it to whom two officials saw with it: its
 * evidence of that record is revoked, its sessions end, its apps are told, and both sides hear why.
 */
export async function winBack(
  tx: Db,
  deps: CommandDeps,
  { claim, holderId, caseId, by, at }: { claim: Claim; holderId: string; caseId: string; by: By; at: Date },
): Promise<void> {
  const { accountId, record } = claim;
  for (const id of [accountId, holderId].sort()) await lockAccount(tx, id);
  const actor = { kind: 'staff', id: by.accountId } as const;
  const ids = (await evidenceOf(tx, accountId)).filter((item) => item.record === record).map(({ id }) => id);
  await revokeEvidenceIn(tx, deps, {
    ...{ which: { accountId, ids }, reason: 'won_back', actor, initiator: 'admin', requestId: by.cause.requestId },
  });
  await releaseRecord(tx, accountId, record);
  await tellApps(tx, deps.keyring, { accountId, which: {}, at, initiator: 'admin' });
  await endSessions(tx, accountId, { at });
  for (const [id, type, kind] of [
    [accountId, 'identity.released', 'identity_released'],
    [holderId, 'identity.won_back', 'identity_won_back'],
  ] as const) {
    await notify(tx, deps, { accountId: id, kind, at });
    await append(tx, {
      ...{ at, type, actor, accountId: id, clientId: by.cause.clientId, requestId: by.cause.requestId },
      ...{ outcome: 'ok', reason: 'two_officials', data: { caseId } },
    });
  }
}
