import { z } from 'zod';
import type { AuthenticationEvent, Evidence } from '../assurance/evidence.ts';
import type { Standing } from '../assurance/interventions.ts';
import type { Db } from './db.ts';
import type { Decision } from './decisions.ts';
import { interventionSpans, openInterventionsOf } from './interventions.ts';
import { flag, row } from './rows.ts';
import { eventRow, evidenceRow } from './standing-rows.ts';

/** What everybody has, read in pages, for counting what a draft policy would mean. Nothing here says who anybody is. */
export interface Holder {
  readonly accountId: string;
  readonly evidence: readonly Evidence[];
  /** One entry per passkey: whether its key can leave the device. */
  readonly passkeys: readonly { readonly synced: boolean }[];
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly interventions: readonly Standing[];
}

const ownerRow = row({ accountId: z.string() });
const ids = z.array(z.object({ id: z.string() })).transform((rows) => rows.map(({ id }) => id));
const owners = z
  .array(z.object({ account_id: z.string() }))
  .transform((rows) => new Set(rows.map((owner) => owner.account_id)));
const passkeyRow = row({ accountId: z.string(), backupEligible: flag });

/** The next active accounts by id; a page shorter than `limit` is the last. */
export async function holdersAfter(db: Db, afterId: string, limit: number): Promise<Holder[]> {
  const accounts = ids.parse(
    await db('accounts').where('id', '>', afterId).where({ status: 'active' }).orderBy('id').limit(limit).select('id'),
  );
  const evidence = await evidenceByAccount(db, accounts);
  const passkeys = (
    await db('passkeys').whereIn('account_id', accounts).whereNull('revoked_at').select('account_id', 'backup_eligible')
  ).map((raw) => passkeyRow.parse(raw));
  const passwords = owners.parse(await db('passwords').whereIn('account_id', accounts).select('account_id'));
  const totps = owners.parse(
    await db('totps').whereIn('account_id', accounts).whereNull('revoked_at').select('account_id'),
  );
  const interventions = await openInterventionsOf(db, accounts);
  return accounts.map((accountId) => ({
    accountId,
    interventions: interventions.get(accountId) ?? [],
    evidence: evidence.get(accountId) ?? [],
    passkeys: passkeys
      .filter((passkey) => passkey.accountId === accountId)
      .map(({ backupEligible }) => ({ synced: backupEligible })),
    hasPassword: passwords.has(accountId),
    hasTotp: totps.has(accountId),
  }));
}

export async function evidenceByAccount(db: Db, accounts: readonly string[]): Promise<Map<string, Evidence[]>> {
  const byAccount = new Map<string, Evidence[]>();
  for (const raw of await db('evidence').whereIn('account_id', accounts).orderBy('id')) {
    const { accountId } = ownerRow.parse(raw);
    const item = evidenceRow.parse(raw);
    const own = byAccount.get(accountId);
    if (own) own.push(item);
    else byAccount.set(accountId, [item]);
  }
  return byAccount;
}

export interface FactsOfDecision {
  /** Open at that moment. */
  readonly interventions: readonly Standing[];
  readonly evidence: readonly Evidence[];
  readonly events: readonly AuthenticationEvent[];
}

const happened = z.looseObject({
  session_uid: z.string().nullable(),
  interaction_uid: z.string().nullable(),
  at: z.number(),
  ended_at: z.number().nullable(),
});

/**
 * What was known when each of these decisions was taken: both ledgers are append-only, so the moment is read back from
 * them. Housekeeping deletes the events of old sessions; a decision whose session is gone has none.
 */
export async function factsOfDecisions(db: Db, decisions: readonly Decision[]): Promise<FactsOfDecision[]> {
  const evidence = await evidenceByAccount(db, [...new Set(decisions.map(({ accountId }) => accountId))]);
  const spans = await interventionSpans(db, [...evidence.keys()]);
  const sessions = present(decisions.map(({ sessionUid }) => sessionUid));
  const interactions = present(decisions.map(({ interaction }) => interaction));
  const found = [
    ...(await db('authentication_events').whereIn('session_uid', sessions)),
    ...(await db('authentication_events').whereIn('interaction_uid', interactions)),
  ].map((raw: unknown) => ({ ...happened.parse(raw), raw }));
  return decisions.map((decision) => {
    const at = decision.at.getTime();
    const events = new Map<string, AuthenticationEvent>();
    for (const event of found) {
      const here =
        (event.session_uid !== null && event.session_uid === decision.sessionUid) ||
        (event.interaction_uid !== null && event.interaction_uid === decision.interaction);
      if (!here || event.at > at || (event.ended_at !== null && event.ended_at <= at)) continue;
      const { accountId, ...facts } = eventRow.parse(event.raw);
      if (accountId === decision.accountId) events.set(facts.id, facts);
    }
    const known = (evidence.get(decision.accountId) ?? [])
      .filter((item) => item.recordedAt <= decision.at)
      .map((item) => (item.revokedAt !== null && item.revokedAt > decision.at ? { ...item, revokedAt: null } : item));
    const interventions = spans.filter(
      (span) =>
        span.accountId === decision.accountId &&
        span.at <= decision.at &&
        (span.liftedAt === null || span.liftedAt > decision.at),
    );
    return { interventions, evidence: known, events: [...events.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
  });
}

const present = (values: readonly (string | null)[]) => [...new Set(values)].filter((value) => value !== null);
