import { z } from 'zod';
import type { Evidence, EvidenceKind } from '../assurance/evidence.ts';
import type { Db } from './db.ts';
import { type OpenIntervention, openInterventionsOf } from './interventions.ts';
import { evidenceByAccount } from './preview-facts.ts';
import { json, row, toMs } from './rows.ts';

/** What levels rest on besides evidence. */
export interface Grounds {
  readonly version: number;
  /** Sources that are switched off, in order. */
  readonly off: readonly string[];
  readonly at: Date;
}

/** How far the apps were told of levels that changed for many at once. */
export interface LevelSweep {
  readonly told: Grounds;
  /** Under way: what they are being told of; null: nothing. */
  readonly target: Grounds | null;
  readonly afterAccount: string;
  readonly revision: number;
}

const grounds = z.object({
  version: z.number(),
  off: z.array(z.string()),
  at: z.number().transform((ms) => new Date(ms)),
});
const sweepRow = row({
  told: json(grounds),
  target: z.union([z.null(), json(grounds)]),
  afterAccount: z.string(),
  revision: z.number(),
});

const text = ({ version, off, at }: Grounds) => JSON.stringify({ version, off, at: at.getTime() });

export async function levelSweep(db: Db): Promise<LevelSweep | null> {
  const found = await db('level_sweep').where({ id: 1 }).first();
  return found === undefined ? null : sweepRow.parse(found);
}

/** From now on changes are noticed; whoever comes second changes nothing. */
export async function beginLevelSweeps(db: Db, told: Grounds): Promise<void> {
  await db('level_sweep')
    .insert({ id: 1, told: text(told), target: null, after_account: '', revision: 1 })
    .onConflict('id')
    .ignore();
}

/** Goes on from `seen`; false: another process did, and what this one is about to say was said. */
export async function advanceLevelSweep(
  tx: Db,
  seen: LevelSweep,
  next: Pick<LevelSweep, 'told' | 'target' | 'afterAccount'>,
): Promise<boolean> {
  const changed = await tx('level_sweep')
    .where({ id: 1, revision: seen.revision })
    .update({
      told: text(next.told),
      target: next.target === null ? null : text(next.target),
      after_account: next.afterAccount,
      revision: seen.revision + 1,
    });
  return changed === 1;
}

export interface Owner {
  readonly accountId: string;
  readonly evidence: readonly Evidence[];
  readonly interventions: readonly OpenIntervention[];
}

/** The next accounts by id with all their evidence; a page shorter than `limit` is the last. */
export async function ownersAfter(db: Db, afterId: string, limit: number): Promise<Owner[]> {
  const rows = await db('accounts').where('id', '>', afterId).orderBy('id').limit(limit).select('id');
  return withEvidence(
    db,
    rows.map((raw) => z.object({ id: z.string() }).parse(raw).id),
  );
}

/** Evidence of one kind that is worth nothing at this age. */
export interface Ageing {
  readonly kind: EvidenceKind;
  readonly maxAgeMs: number;
}

/** The same of accounts of which some evidence ends in this time, by its own end or by its age. One look-up each, by index. */
export async function endingOwnersAfter(
  db: Db,
  between: { readonly from: Date; readonly to: Date; readonly ageing: readonly Ageing[] },
  afterId: string,
  limit: number,
): Promise<Owner[]> {
  const [from, to] = [toMs(between.from), toMs(between.to)];
  const looks = [
    db('evidence').whereBetween('expires_at', [from, to]),
    ...between.ageing.map(({ kind, maxAgeMs }) =>
      db('evidence')
        .where({ kind })
        .whereBetween('recorded_at', [from - maxAgeMs, to - maxAgeMs]),
    ),
  ];
  const ids = new Set<string>();
  for (const look of looks) {
    for (const raw of await look.select('account_id'))
      ids.add(z.object({ account_id: z.string() }).parse(raw).account_id);
  }
  const page = [...ids].filter((id) => id > afterId).sort();
  return withEvidence(db, page.slice(0, limit));
}

async function withEvidence(db: Db, accountIds: readonly string[]): Promise<Owner[]> {
  const evidence = await evidenceByAccount(db, accountIds);
  const interventions = await openInterventionsOf(db, accountIds);
  return accountIds.map((accountId) => ({
    accountId,
    evidence: evidence.get(accountId) ?? [],
    interventions: interventions.get(accountId) ?? [],
  }));
}

/** True while so much waits to go out that more would only stand in the way of what is new. */
export async function announcementsWait(db: Db, kind: string, most: number): Promise<boolean> {
  if ((await db('outbox').where({ kind }).limit(most).select('id')).length === most) return true;
  // Streams whose receiver is away, or which nobody fetches from, must not hold up the others.
  const flowing = db('signal_streams').where({ method: 'push', status: 'enabled', push_attempts: 0 }).select('id');
  return (await db('signal_events').whereIn('stream_id', flowing).limit(most).select('jti')).length === most;
}
