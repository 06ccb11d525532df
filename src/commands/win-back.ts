import { covers } from '../assurance/catalogue.ts';
import { type Evidence, isAlive } from '../assurance/evidence.ts';
import type { AuditEvent } from '../audit/events.ts';
import { lockAccount } from '../storage/accounts.ts';
import { append } from '../storage/audit.ts';
import type { Db } from '../storage/db.ts';
import { evidenceOf } from '../storage/evidence.ts';
import { mergesOf } from '../storage/merges.ts';
import { releaseRecord } from '../storage/person-release.ts';
import { endSessions } from '../storage/sessions.ts';
import type { Initiator } from './announce.ts';
import type { By } from './change-rules.ts';
import type { Cause, CommandDeps } from './command.ts';
import { type Notice, notify } from './notify.ts';
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

/** Kinds of evidence that say whose record it is, and nothing of who asks. */
const bare: ReadonlySet<Evidence['kind']> = new Set(['population', 'document']);

/** Whether an account showed no more of a document than that it knows name and number: nothing ever tied its holder to it. */
export async function isBare(tx: Db, { accountId, record }: Claim): Promise<boolean> {
  if ((await mergesOf(tx, accountId)).length > 0) return false;
  return (await evidenceOf(tx, accountId)).every((item) => item.record !== record || bare.has(item.kind));
}

interface Release {
  readonly claim: Claim;
  readonly holderId: string;
  readonly actor: AuditEvent['actor'];
  readonly initiator: Initiator;
  readonly cause: Cause;
  /** Why, in the audit; and what the two sides are told. */
  readonly reason: 'two_officials' | 'tied_elsewhere';
  readonly told: readonly [Notice['kind'], Notice['kind']];
  readonly data: { readonly caseId?: string };
  readonly at: Date;
}

/**
 * Undoes a weaker account's claim to a document, in the transaction that gives it to whom two officials saw with it: its
 * evidence of that record is revoked, its sessions end, its apps are told, and both sides hear why.
 */
export function winBack(
  tx: Db,
  deps: CommandDeps,
  { claim, holderId, caseId, by, at }: { claim: Claim; holderId: string; caseId: string; by: By; at: Date },
): Promise<void> {
  return release(tx, deps, {
    ...{ claim, holderId, at, cause: by.cause, initiator: 'admin', data: { caseId } },
    actor: { kind: 'staff', id: by.accountId },
    reason: 'two_officials',
    told: ['identity_released', 'identity_won_back'],
  });
}

/**
 * The same for a claim that is bare, in the transaction in which register and carrier both say that the document is of whoever
 * asks: a name and a number that somebody typed first hold nobody's place.
 */
export function takeFromBare(
  tx: Db,
  deps: CommandDeps,
  { claim, holderId, cause, at }: { claim: Claim; holderId: string; cause: Cause; at: Date },
): Promise<void> {
  return release(tx, deps, {
    ...{ claim, holderId, at, cause, initiator: 'system', data: {} },
    actor: { kind: 'system', id: 'carrier' },
    reason: 'tied_elsewhere',
    told: ['identity_released_tie', 'identity_won_back_tie'],
  });
}

async function release(tx: Db, deps: CommandDeps, about: Release): Promise<void> {
  const { claim, holderId, actor, initiator, cause, reason, told, data, at } = about;
  const { accountId, record } = claim;
  for (const id of [accountId, holderId].sort()) await lockAccount(tx, id);
  const ids = (await evidenceOf(tx, accountId)).filter((item) => item.record === record).map(({ id }) => id);
  await revokeEvidenceIn(tx, deps, {
    ...{ which: { accountId, ids }, reason: 'won_back', actor, initiator, requestId: cause.requestId },
  });
  await releaseRecord(tx, accountId, record);
  await tellApps(tx, deps.keyring, { accountId, which: {}, at, initiator });
  await endSessions(tx, accountId, { at });
  for (const [id, type, kind] of [
    [accountId, 'identity.released', told[0]],
    [holderId, 'identity.won_back', told[1]],
  ] as const) {
    await notify(tx, deps, { accountId: id, kind, at });
    await append(tx, {
      ...{ at, type, actor, accountId: id, clientId: cause.clientId, requestId: cause.requestId },
      ...{ outcome: 'ok', reason, data },
    });
  }
}
