import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import { type Keyring, newId, open, seal } from '../lib/crypto.ts';
import { type Db, isTransaction, kindOf } from './db.ts';
import { row, time, toMs } from './rows.ts';

/** A message to deliver at least once: written in the transaction of what it tells of. */
export interface OutboxMessage {
  readonly id: string;
  readonly kind: string;
  /** An app's or account's id, no address of a person. */
  readonly target: string;
  readonly payload: unknown;
  readonly createdAt: Date;
  readonly attempts: number;
}

const context = (id: string) => `outbox:${id}`;

export async function enqueue(
  tx: Db,
  message: { kind: string; target: string; payload: unknown; at: Date },
  keyring: Keyring,
): Promise<string> {
  const id = newId();
  await tx('outbox').insert({
    id,
    kind: message.kind,
    target: message.target,
    payload: seal(keyring, JSON.stringify(message.payload), context(id)),
    created_at: toMs(message.at),
    due_at: toMs(message.at),
    attempts: 0,
  });
  afterCommit(tx);
  return id;
}

/** Workers of this process to wake, per database (its settings object is shared with its transactions). */
const listeners = new WeakMap<object, Set<() => void>>();

/** Calls `wake` soon after a message was committed by this process. Other processes' messages are found by looking. */
export function onEnqueued(db: Db, wake: () => void): () => void {
  const key: object = db.client.config;
  const set = listeners.get(key) ?? new Set();
  // The worker goes on where it was started, not inside the transaction that wakes it, where `db` may not be used.
  const bound = AsyncLocalStorage.bind(wake);
  listeners.set(key, set.add(bound));
  return () => void set.delete(bound);
}

function afterCommit(tx: Db): void {
  const notify = () => {
    for (const wake of listeners.get(tx.client.config) ?? []) wake();
  };
  if (isTransaction(tx)) tx.executionPromise.then(notify, () => undefined);
  else notify();
}

const messageRow = row({
  id: z.string(),
  kind: z.string(),
  target: z.string(),
  payload: z.string(),
  createdAt: time,
  attempts: z.number(),
});

export interface Claim {
  readonly kinds: readonly string[];
  readonly limit: number;
  /** How long a message is out of others' sight; a worker that died gives it back by this. */
  readonly leaseMs: number;
  /** A message waits until those before it to the same target are delivered, whoever delivers them. */
  readonly inOrder?: boolean;
}

/** What a worker gets: messages, and the ids of rows that nobody can read (sealed under a key that is gone, or damaged). */
export interface Claimed {
  readonly messages: readonly OutboxMessage[];
  readonly unreadable: readonly string[];
}

/** Takes messages of these kinds that are due, the oldest first, for a while. No two workers get the same one in that time. */
export async function claim(
  db: Db,
  now: Date,
  { kinds, limit, leaseMs, inOrder = false }: Claim,
  keyring: Keyring,
): Promise<Claimed> {
  const look = () => {
    const due = db('outbox').where('due_at', '<=', toMs(now)).whereIn('kind', kinds).whereNull('set_aside_at');
    if (inOrder) due.whereNotExists(earlier(db));
    return due.orderBy('due_at').limit(limit).select('id');
  };
  // A look costs no lock; most of the time nothing is due.
  if ((await look().limit(1)).length === 0) return { messages: [], unreadable: [] };
  const due = look();
  // SQLite has one writer, PostgreSQL's others step over rows being claimed.
  if (kindOf(db) === 'postgres') due.forUpdate().skipLocked();
  const rows: unknown[] = await db('outbox')
    .whereIn('id', due)
    .where('due_at', '<=', toMs(now))
    .update({ due_at: toMs(now) + leaseMs, attempts: db.raw('attempts + 1') })
    .returning(['id', 'kind', 'target', 'payload', 'created_at', 'attempts']);
  const messages: OutboxMessage[] = [];
  const unreadable: string[] = [];
  for (const message of rows.map((raw) => messageRow.parse(raw))) {
    const payload = payloadOf(keyring, message);
    if (payload === undefined) unreadable.push(message.id);
    else messages.push({ ...message, payload });
  }
  return { messages: messages.sort((a, b) => a.id.localeCompare(b.id)), unreadable };
}

/** Undefined: not to be read. */
function payloadOf(keyring: Keyring, { id, payload }: z.infer<typeof messageRow>): unknown {
  try {
    return JSON.parse(open(keyring, payload, context(id)));
  } catch {
    return undefined;
  }
}

/** Takes a row out of the queue and keeps it for whoever looks why; what waited behind it goes on. */
export async function setAside(db: Db, id: string, at: Date, error: string): Promise<void> {
  await db('outbox')
    .where({ id })
    .update({ set_aside_at: toMs(at), last_error: error.slice(0, 500) });
}

const earlier = (db: Db) =>
  db('outbox as earlier')
    .select(db.raw('1'))
    .whereRaw('earlier.kind = outbox.kind and earlier.target = outbox.target and earlier.id < outbox.id')
    .whereNull('earlier.set_aside_at');

/** Delivered: the row goes, and what it said with it. True for exactly one caller. */
export async function done(db: Db, id: string): Promise<boolean> {
  return (await db('outbox').where({ id }).delete()) === 1;
}

/** Not delivered: try again at `at`. `error` is a code or a short text without personal data. */
export async function retry(db: Db, id: string, at: Date, error: string): Promise<void> {
  await db('outbox')
    .where({ id })
    .update({ due_at: toMs(at), last_error: error.slice(0, 500) });
}
