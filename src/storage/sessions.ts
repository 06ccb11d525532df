import type { Knex } from 'knex';
import { z } from 'zod';
import type { AuthenticationEvent } from '../assurance/evidence.ts';
import { newId } from '../lib/crypto.ts';
import type { Db } from './db.ts';
import { boundEvents } from './event-bounds.ts';
import { endEngineSessions } from './oidc-models/grants.ts';
import { row, time, timeOrNull, toMs } from './rows.ts';
import { eventRow, type StoredEvent } from './standing-rows.ts';

export type { StoredEvent } from './standing-rows.ts';

export interface NewEvent extends Omit<AuthenticationEvent, 'id' | 'interaction'> {
  readonly accountId: string;
  /** Null while the engine has no session for it yet: `adoptEvents`. */
  readonly sessionUid: string | null;
  readonly interactionUid: string | null;
  /** Coarse: /24 or /48. */
  readonly ip?: string | null;
}

export async function insertEvent(db: Db, event: NewEvent): Promise<StoredEvent> {
  const id = newId();
  await db('authentication_events').insert({
    id,
    account_id: event.accountId,
    session_uid: event.sessionUid,
    interaction_uid: event.interactionUid,
    method: event.method,
    at: toMs(event.at),
    credential_id: event.credentialId,
    factors: JSON.stringify(event.factors),
    user_verified: event.userVerified,
    phishing_resistant: event.phishingResistant,
    device_bound: event.deviceBound,
    stale: event.stale ?? false,
    ip: event.ip ?? null,
    adopted_at: event.sessionUid === null ? null : toMs(event.at),
  });
  if (event.sessionUid !== null) await boundEvents(db, { session_uid: event.sessionUid });
  else if (event.interactionUid !== null)
    await boundEvents(db, { interaction_uid: event.interactionUid, session_uid: null });
  const { accountId, method, at, credentialId, factors, userVerified, phishingResistant, deviceBound } = event;
  const facts = { accountId, method, at, credentialId, factors, userVerified, phishingResistant, deviceBound };
  return { id, ...facts, interaction: event.interactionUid, ...(event.stale ? { stale: true } : undefined) };
}

/**
 * Gives an interaction's events to the session that the engine made of it. Events that belong to a session, or to
 * another account, are not touched: a second adoption gets none. Says how many were adopted.
 */
export async function adoptEvents(
  db: Db,
  adoption: { interactionUid: string; accountId: string; sessionUid: string; at: Date },
): Promise<number> {
  const adopted = await db('authentication_events')
    .where({ interaction_uid: adoption.interactionUid, account_id: adoption.accountId })
    .whereNull('session_uid')
    .whereNull('ended_at')
    .update({ session_uid: adoption.sessionUid, adopted_at: toMs(adoption.at) });
  if (adopted > 0) await boundEvents(db, { session_uid: adoption.sessionUid });
  return adopted;
}

/** What a living session rests on, oldest first; nothing once it was ended, even if an engine row came back in a race. */
export async function eventsOfSession(db: Db, sessionUid: string): Promise<StoredEvent[]> {
  const rows = await db('authentication_events').where({ session_uid: sessionUid }).whereNull('ended_at').orderBy('id');
  return rows.map((raw) => eventRow.parse(raw));
}

/** What was proved within one authorization request, adopted or not, oldest first. */
export async function eventsOfInteraction(db: Db, interactionUid: string): Promise<StoredEvent[]> {
  const rows = await db('authentication_events')
    .where({ interaction_uid: interactionUid })
    .whereNull('ended_at')
    .orderBy('id');
  return rows.map((raw) => eventRow.parse(raw));
}

/** A session as the citizen sees it on the account page. */
export interface SessionRecord {
  readonly uid: string;
  readonly accountId: string;
  readonly userAgent: string | null;
  readonly ip: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly endedAt: Date | null;
}

const sessionRow = row({
  uid: z.string(),
  accountId: z.string(),
  userAgent: z.string().nullable(),
  ip: z.string().nullable(),
  createdAt: time,
  lastSeenAt: time,
  endedAt: timeOrNull,
});

/** Adds the record or moves its last sight on; an ended session stays ended, and another account's is left alone. */
export async function upsertSessionRecord(db: Db, record: Omit<SessionRecord, 'endedAt'>): Promise<void> {
  await db('session_records')
    .insert({
      uid: record.uid,
      account_id: record.accountId,
      user_agent: record.userAgent,
      ip: record.ip,
      created_at: toMs(record.createdAt),
      last_seen_at: toMs(record.lastSeenAt),
    })
    .onConflict('uid')
    .merge(['user_agent', 'ip', 'last_seen_at'])
    .where('session_records.account_id', record.accountId)
    .whereNull('session_records.ended_at');
}

/** The account's live sessions, the newest first. */
export async function sessionRecordsOf(db: Db, accountId: string): Promise<SessionRecord[]> {
  const rows = await db('session_records')
    .where({ account_id: accountId })
    .whereNull('ended_at')
    .orderBy('last_seen_at', 'desc');
  return rows.map((raw) => sessionRow.parse(raw));
}

const uidRow = z.object({ uid: z.string() });

export interface EndedSessions {
  /** Sessions that were alive. */
  readonly uids: readonly string[];
  /** Proofs that no session had adopted. */
  readonly parked: number;
}

/**
 * Ends sessions of an account: this one (`uid`), all but one (`except`), or all. In the caller's transaction it marks
 * records and events and deletes the engine's sessions and the tokens bound to them. Unless it is about one session, proofs
 * that no session has adopted yet end too: a sign-in that waits for its last redirect is somebody's as much as a session.
 */
export async function endSessions(
  tx: Db,
  accountId: string,
  which: { except?: string; uid?: string; at?: Date } = {},
): Promise<EndedSessions> {
  const ended = { ended_at: toMs(which.at ?? new Date()) };
  const records = tx('session_records').where({ account_id: accountId }).whereNull('ended_at');
  const events = tx('authentication_events').where({ account_id: accountId }).whereNull('ended_at');
  if (which.uid !== undefined) {
    records.where('uid', which.uid);
    events.where('session_uid', which.uid);
  }
  if (which.except !== undefined) {
    records.whereNot('uid', which.except);
    const { except } = which;
    events.where((sub) => void sub.whereNot('session_uid', except).orWhereNull('session_uid'));
  }
  const { uid, except: exceptUid } = which;
  const engine = await endEngineSessions(tx, {
    accountId,
    ...(uid === undefined ? {} : { uid }),
    ...(exceptUid === undefined ? {} : { exceptUid }),
  });
  const known = (await records.update(ended).returning('uid')).map((raw: unknown) => uidRow.parse(raw).uid);
  const proved = (await events.update(ended).returning('session_uid as uid')).map(
    (raw: unknown) => z.object({ uid: z.string().nullable() }).parse(raw).uid,
  );
  const uids = [...new Set([...known, ...proved, ...engine])].filter((each) => each !== null);
  return { uids, parked: proved.filter((each) => each === null).length };
}

/** Ends an account's sign-ins up to a moment, those that no session has taken up yet included. */
export async function endEventsUntil(tx: Db, accountId: string, until: Date, at: Date): Promise<void> {
  await tx('authentication_events')
    .where({ account_id: accountId })
    .where('at', '<=', toMs(until))
    .whereNull('ended_at')
    .update({ ended_at: toMs(at) });
}

/** Ends the sign-ins that came by one identity or passkey, and says which sessions they were of. */
export function endEventsOf(tx: Db, accountId: string, credentialId: string, at: Date): Promise<string[]> {
  return endEventsWhere(tx, at, (query) => query.where({ account_id: accountId, credential_id: credentialId }));
}

/** Ends the sign-ins that were made by these methods, and says which sessions they were of. */
export function endEventsBy(
  tx: Db,
  accountId: string,
  methods: readonly AuthenticationEvent['method'][],
  at: Date,
): Promise<string[]> {
  return endEventsWhere(tx, at, (query) => query.where({ account_id: accountId }).whereIn('method', [...methods]));
}

async function endEventsWhere(
  tx: Db,
  at: Date,
  which: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
): Promise<string[]> {
  const rows: unknown[] = await which(tx('authentication_events'))
    .whereNull('ended_at')
    .update({ ended_at: toMs(at) })
    .returning('session_uid');
  const uids = rows.map((raw) => z.object({ session_uid: z.string().nullable() }).parse(raw).session_uid);
  return [...new Set(uids.filter((uid) => uid !== null))];
}

/** Whether somebody signed in to the account after a moment. */
export async function hasEventSince(db: Db, accountId: string, since: Date): Promise<boolean> {
  const found = await db('authentication_events')
    .where({ account_id: accountId })
    .where('at', '>', toMs(since))
    .first('id');
  return found !== undefined;
}

/** Deletes events and records of sessions that ended, or were last used, before `before`. */
export async function pruneSessions(db: Db, before: Date, limit = 1_000): Promise<number> {
  const oldEvents = db('authentication_events').where('at', '<', toMs(before)).limit(limit).select('id');
  const oldRecords = db('session_records').where('last_seen_at', '<', toMs(before)).limit(limit).select('uid');
  const events = await db('authentication_events').whereIn('id', oldEvents).delete();
  return events + (await db('session_records').whereIn('uid', oldRecords).delete());
}
