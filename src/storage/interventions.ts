import { z } from 'zod';
import type { Intervention, InterventionKind } from '../assurance/interventions.ts';
import { type Keyring, openFor, sealFor } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { sealedKeyOf } from './person-key.ts';
import { json, row, time, timeOrNull, toMs } from './rows.ts';
import { interventionRow, type OpenIntervention } from './standing-rows.ts';

/** Written by `insertIntervention` alone, whose type is the closed list of `assurance/interventions.ts`. */
const kind = z.custom<InterventionKind>((value) => typeof value === 'string');
const ownerRow = row({ accountId: z.string() });

export type { OpenIntervention } from './standing-rows.ts';

/** Those nobody has ended. One whose own end has passed is among them until the housekeeping has been there: `inForce`. */
export async function openInterventions(db: Db, accountId: string): Promise<OpenIntervention[]> {
  const rows = await db('interventions')
    .where({ account_id: accountId })
    .whereNull('lifted_at')
    .orderBy('kind')
    .select(interventionRow.names);
  return rows.map((raw) => interventionRow.parse(raw));
}

/** The same for many accounts. */
export async function openInterventionsOf(
  db: Db,
  accountIds: readonly string[],
): Promise<Map<string, OpenIntervention[]>> {
  const rows = await db('interventions')
    .whereIn('account_id', accountIds)
    .whereNull('lifted_at')
    .select('account_id', ...interventionRow.names);
  const found = new Map<string, OpenIntervention[]>();
  for (const raw of rows) {
    const { accountId } = ownerRow.parse(raw);
    found.set(accountId, [...(found.get(accountId) ?? []), interventionRow.parse(raw)]);
  }
  return found;
}

const spanRow = row({ accountId: z.string(), kind, at: time, until: timeOrNull, liftedAt: timeOrNull });
export type InterventionSpan = z.infer<typeof spanRow>;

/** When which interventions were open, for judging past moments. */
export async function interventionSpans(db: Db, accountIds: readonly string[]): Promise<InterventionSpan[]> {
  const rows = await db('interventions')
    .whereIn('account_id', accountIds)
    .select('account_id', 'kind', 'at', 'until', 'lifted_at');
  return rows.map((raw) => spanRow.parse(raw));
}

export async function insertIntervention(
  tx: Db,
  keyring: Keyring,
  intervention: Omit<Intervention, 'liftedAt' | 'liftedBy'> & { readonly toldApps?: readonly string[] },
): Promise<void> {
  const { id, accountId, note } = intervention;
  await tx('interventions').insert({
    id,
    account_id: accountId,
    kind: intervention.kind,
    reason: intervention.reason,
    sealed_note: await sealed(tx, keyring, accountId, note, noteContext(id)),
    actor: intervention.actor,
    told_apps: JSON.stringify(intervention.toldApps ?? []),
    at: toMs(intervention.at),
    until: toMs(intervention.until),
  });
}

/** The apps that were told when it was set. */
export async function toldApps(db: Db, id: string): Promise<string[]> {
  const found = await db('interventions').where({ id }).first('told_apps');
  return found === undefined ? [] : toldRow.parse(found).toldApps;
}

const toldRow = row({ toldApps: json(z.array(z.string())) });

export interface Lifting {
  readonly at: Date;
  readonly how: string;
  readonly by: string;
  readonly reason: string | null;
  readonly note: string | null;
}

/** False when it was ended before. */
export async function closeIntervention(
  tx: Db,
  keyring: Keyring,
  which: { id: string; accountId: string },
  { at, how, by, reason, note }: Lifting,
): Promise<boolean> {
  const changed = await tx('interventions')
    .where({ id: which.id, account_id: which.accountId })
    .whereNull('lifted_at')
    .update({
      lifted_at: toMs(at),
      lifted_how: how,
      lifted_by: by,
      lifted_reason: reason,
      sealed_lift_note: await sealed(tx, keyring, which.accountId, note, liftContext(which.id)),
    });
  return changed === 1;
}

/** Accounts with an open one whose end has passed. */
export async function overdueInterventions(db: Db, now: Date, limit = 100): Promise<string[]> {
  const rows = await db('interventions')
    .whereNull('lifted_at')
    .where('until', '<=', toMs(now))
    .orderBy('until')
    .limit(limit)
    .select('account_id');
  return [...new Set(rows.map((raw) => z.object({ account_id: z.string() }).parse(raw).account_id))];
}

export interface InterventionRecord extends Intervention {
  readonly liftedHow: string | null;
  readonly liftedReason: string | null;
  readonly liftNote: string | null;
}

const words = z.string().nullable();
const recordRow = row({
  id: z.string(),
  accountId: z.string(),
  kind,
  reason: z.string(),
  sealedNote: words,
  actor: z.string(),
  at: time,
  until: timeOrNull,
  liftedAt: timeOrNull,
  liftedHow: words,
  liftedBy: words,
  liftedReason: words,
  sealedLiftNote: words,
});

/** What was ever done to an account, the newest first, in full. */
export async function interventionsOf(
  db: Db,
  keyring: Keyring,
  accountId: string,
  limit = 50,
): Promise<InterventionRecord[]> {
  const rows = await db('interventions').where({ account_id: accountId }).orderBy('at', 'desc').limit(limit);
  if (rows.length === 0) return [];
  const sealedKey = await sealedKeyOf(db, accountId);
  const opened = (text: string | null, context: string) =>
    text === null ? null : openFor(keyring, sealedKey, text, context);
  return rows.map((raw) => {
    const { sealedNote, sealedLiftNote, ...item } = recordRow.parse(raw);
    return {
      ...item,
      note: opened(sealedNote, noteContext(item.id)),
      liftNote: opened(sealedLiftNote, liftContext(item.id)),
    };
  });
}

const noteContext = (id: string) => `intervention:${id}:note`;
const liftContext = (id: string) => `intervention:${id}:lift-note`;

async function sealed(
  tx: Db,
  keyring: Keyring,
  accountId: string,
  text: string | null,
  context: string,
): Promise<string | null> {
  return text === null ? null : sealFor(keyring, await sealedKeyOf(tx, accountId), text, context);
}
