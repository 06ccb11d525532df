import { z } from 'zod';
import { type Keyring, newId, open, seal } from '../lib/crypto.ts';
import { type Db, kindOf } from './db.ts';
import { row, toMs } from './rows.ts';

/** An event on its way over one stream: the claims of its SET, signed when it goes out. */
export interface SignalEventRow {
  readonly jti: string;
  readonly streamId: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly algorithm: string;
}

export interface NewSignalEvent {
  readonly streamId: string;
  /** What it tells of: the outbox message or the verification request. */
  readonly sourceId: string;
  readonly type: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly algorithm: string;
  readonly at: Date;
}

const context = (jti: string) => `signal-event:${jti}`;

/** Writes it once for this stream and source; the `jti` of the first time stays. */
export async function insertSignalEvent(tx: Db, keyring: Keyring, event: NewSignalEvent): Promise<void> {
  const jti = newId();
  const body = JSON.stringify({ claims: { ...event.claims, jti }, algorithm: event.algorithm });
  await tx('signal_events')
    .insert({
      jti,
      stream_id: event.streamId,
      source_id: event.sourceId,
      type: event.type,
      sealed_claims: seal(keyring, body, context(jti)),
      created_at: toMs(event.at),
    })
    .onConflict(['stream_id', 'source_id'])
    .ignore();
}

const eventRow = row({ jti: z.string(), streamId: z.string(), sealedClaims: z.string() });
const bodyShape = z.object({ claims: z.record(z.string(), z.unknown()), algorithm: z.string() });

/**
 * What waits on a stream, the oldest first. A row that nobody can read is set aside for whoever looks, and what stands behind
 * it comes: `onSetAside` hears of each.
 */
export async function waitingEvents(
  db: Db,
  keyring: Keyring,
  streamId: string,
  { limit, at, onSetAside }: { limit: number; at: Date; onSetAside: (jti: string) => void },
): Promise<SignalEventRow[]> {
  const waiting = { stream_id: streamId, set_aside_at: null };
  const found = await db('signal_events').where(waiting).orderBy('jti').limit(limit);
  const events: SignalEventRow[] = [];
  for (const row of found.map((raw) => eventRow.parse(raw))) {
    const event = readEvent(keyring, row);
    if (event !== null) events.push(event);
    else {
      await db('signal_events')
        .where({ jti: row.jti })
        .update({ set_aside_at: toMs(at) });
      onSetAside(row.jti);
    }
  }
  // All of this page was unreadable: there may be more.
  if (events.length === 0 && found.length > 0) return waitingEvents(db, keyring, streamId, { limit, at, onSetAside });
  return events;
}

function readEvent(keyring: Keyring, { sealedClaims, ...event }: z.infer<typeof eventRow>): SignalEventRow | null {
  try {
    return { ...event, ...bodyShape.parse(JSON.parse(open(keyring, sealedClaims, context(event.jti)))) };
  } catch {
    return null;
  }
}

/** Delivered, or refused for good by the receiver. Says how many of them were still waiting. */
export async function settleEvents(db: Db, streamId: string, jtis: readonly string[]): Promise<number> {
  if (jtis.length === 0) return 0;
  return db('signal_events').where({ stream_id: streamId }).whereIn('jti', jtis).delete();
}

/** How long a push worker keeps a stream for itself: a push takes three seconds at most. One that died gives it back by this. */
const LEASE_MS = 4_000;

/** Takes push streams that have something to say and are due. No two workers get the same one in that time. */
export async function claimPushStreams(db: Db, now: Date, limit: number): Promise<string[]> {
  const due = () =>
    db('signal_streams')
      .where({ method: 'push', status: 'enabled' })
      .where('push_due_at', '<=', toMs(now))
      .whereExists(
        db('signal_events')
          .select(db.raw('1'))
          .whereRaw('signal_events.stream_id = signal_streams.id')
          .whereNull('signal_events.set_aside_at'),
      )
      .orderBy('push_due_at')
      .limit(limit)
      .select('id');
  // A look costs no lock; most of the time there is nothing to claim.
  if ((await due()).length === 0) return [];
  const ids = due();
  if (kindOf(db) === 'postgres') ids.forUpdate().skipLocked();
  const rows: unknown[] = await db('signal_streams')
    .whereIn('id', ids)
    .where('push_due_at', '<=', toMs(now))
    .update({ push_due_at: toMs(now) + LEASE_MS })
    .returning('id');
  return rows.map((raw) => z.object({ id: z.string() }).parse(raw).id);
}

/** The lease goes on while events flow. */
export async function extendLease(db: Db, streamId: string, now: Date): Promise<void> {
  await db('signal_streams')
    .where({ id: streamId })
    .update({ push_due_at: toMs(now) + LEASE_MS });
}

/** Everything said: the stream is free at once. */
export async function releaseStream(db: Db, streamId: string, now: Date): Promise<void> {
  await db('signal_streams')
    .where({ id: streamId })
    .update({ push_due_at: toMs(now), push_attempts: 0, last_error: null });
}

/** The receiver could not be reached: the stream waits until `at`. */
export async function postponeStream(db: Db, streamId: string, at: Date, error: string): Promise<void> {
  await db('signal_streams')
    .where({ id: streamId })
    .update({
      push_due_at: toMs(at),
      push_attempts: db.raw('push_attempts + 1'),
      last_error: error.slice(0, 500),
    });
}

/** Notes why the receiver refused one event; the stream goes on. */
export async function noteRefusal(db: Db, streamId: string, error: string): Promise<void> {
  await db('signal_streams')
    .where({ id: streamId })
    .update({ last_error: error.slice(0, 500) });
}

/** Drops what nobody fetched; `limit` rows at a go. */
export async function pruneSignalEvents(db: Db, before: Date, limit = 1_000): Promise<number> {
  const old = db('signal_events').where('created_at', '<', toMs(before)).limit(limit).select('jti');
  return db('signal_events').whereIn('jti', old).delete();
}
