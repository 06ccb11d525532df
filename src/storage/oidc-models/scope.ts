import { AsyncLocalStorage } from 'node:async_hooks';
import type { DecisionRow } from './decision-row.ts';
import { type EngineRow, parse } from './record.ts';
import { emptyBatch, type Rows } from './rows.ts';

/** What the request means to do with a row when it ends. `base` is the row as it was read, when it was. */
type Pending = { kind: 'put' | 'change'; row: EngineRow; base: EngineRow | undefined } | { kind: 'delete' };

/** Something that may be used once was used again; the middleware turns it into the protocol's answer. */
export class Replay extends Error {
  readonly model: string;

  constructor(model: string) {
    super(`${model} used twice`);
    this.model = model;
  }
}

/** A merge that still loses after this many rounds gives way: the row is busier than a person can be. */
const mergeRounds = 5;

/**
 * One request's unit of work: rows it has read, and writes it has not yet made.
 *
 * The engine reads the same grant again and writes row after row, each of which would be a round trip and a commit. Within a
 * scope reads are remembered, writes are collected and sent as one atomic statement before the answer leaves. So a crash in
 * between loses only what nobody was told. Using up a code or refresh token goes with what is made from it: one write that
 * happens whole, or not at all because somebody else was first. Not collected: other consumptions, replay entries and
 * revocations, on which other requests race, possibly in other processes.
 */
export class RequestScope {
  readonly #rows: Rows;
  readonly #read = new Map<string, EngineRow>();
  readonly #pending = new Map<string, Pending>();
  #consume: { key: string; at: number; model: string } | null = null;
  #decisions: DecisionRow[] = [];
  readonly #revoked = new Map<string, Promise<void>>();
  /** After the flush, work that outlives the answer (events, notifications) must not collect writes that nobody sends. */
  closed = false;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** A row this request knows; null when it has deleted it; undefined when the database must be asked. */
  known(key: string): EngineRow | null | undefined {
    const pending = this.#pending.get(key);
    if (pending) return pending.kind === 'delete' ? null : pending.row;
    return this.#read.get(key);
  }

  knownSession(uid: string): EngineRow | undefined {
    for (const key of [...this.#pending.keys(), ...this.#read.keys()]) {
      const row = this.known(key);
      if (row?.model === 'Session' && row.sessionUid === uid) return row;
    }
    return undefined;
  }

  remember(rows: EngineRow[]): void {
    for (const row of rows) if (!this.#read.has(row.key)) this.#read.set(row.key, row);
  }

  put(row: EngineRow): void {
    const base = this.#read.get(row.key);
    const before = this.#pending.get(row.key);
    const consumedAt = this.known(row.key)?.consumedAt ?? null;
    // What was read may have been ended by another request since: it is changed where it still is, never made anew.
    const kind = base && before?.kind !== 'put' ? 'change' : 'put';
    this.#pending.set(row.key, { kind, row: { ...row, consumedAt, version: base?.version ?? 0 }, base });
    if (row.grantKey) this.#revoked.delete(row.grantKey);
  }

  delete(key: string): void {
    this.#pending.set(key, { kind: 'delete' });
  }

  record(decision: DecisionRow): void {
    this.#decisions.push(decision);
  }

  /** False when another consumption waits already: this one must be made at once. */
  consumeLater(model: string, key: string, at: number): boolean {
    if (this.#consume !== null) return false;
    this.#consume = { key, at, model };
    this.markConsumed(key, at);
    return true;
  }

  markConsumed(key: string, at: number): void {
    const row = this.#read.get(key);
    if (row) this.#read.set(key, { ...row, consumedAt: at });
  }

  /** The engine asks once per model for the same grant; one statement answers them all. */
  revokeTokens(grantKey: string): Promise<void> {
    for (const [key, pending] of this.#pending) {
      if (pending.kind !== 'delete' && pending.row.grantKey === grantKey) this.#pending.delete(key);
    }
    for (const [key, row] of this.#read) if (row.grantKey === grantKey) this.#read.delete(key);
    let running = this.#revoked.get(grantKey);
    if (!running) {
      running = this.#rows.revokeTokens(grantKey);
      this.#revoked.set(grantKey, running);
    }
    return running;
  }

  hasPending(key: string): boolean {
    return this.#pending.has(key);
  }

  /** @throws Replay when what was to be used up had been used before; nothing was written, its family is revoked. */
  async flush(now: () => number): Promise<void> {
    const consume = this.#consume;
    if (this.#pending.size === 0 && consume === null && this.#decisions.length === 0) return;
    const writes = [...this.#pending];
    this.#pending.clear();
    this.#consume = null;
    const decisions = this.#decisions;
    this.#decisions = [];
    const batch = { ...emptyBatch(), consume, decisions };
    const bases = new Map<string, EngineRow>();
    for (const [key, pending] of writes) {
      if (pending.kind === 'delete') batch.deletes.push(key);
      else if (pending.kind === 'put') batch.puts.push(pending.row);
      else batch.changes.push(pending.row);
      if (pending.kind === 'change' && pending.base) bases.set(key, pending.base);
      // Its version in the database is no longer known here.
      this.#read.delete(key);
    }
    const written = await this.#rows.write(batch);
    if (written.replayed && consume !== null) {
      await this.#rows.revokeFamilyOf(consume.key);
      throw new Replay(consume.model);
    }
    const lost = new Set(written.lost);
    for (const row of batch.changes) if (lost.has(row.key)) await this.#reconcile(row, bases.get(row.key), now);
  }

  /** Another request changed or ended the row since it was read: merge into what it is now, or leave it ended. */
  async #reconcile(mine: EngineRow, base: EngineRow | undefined, now: () => number): Promise<void> {
    for (let round = 0; round < mergeRounds; round += 1) {
      const theirs = (await this.#rows.find(mine.key, now(), false))[0];
      if (!theirs) return;
      const row =
        mine.model === 'Session' && base ? mergeSession(base, mine, theirs) : { ...mine, version: theirs.version };
      if (!row) return;
      const { lost } = await this.#rows.write({ ...emptyBatch(), changes: [row] });
      if (lost.length === 0) return;
    }
  }
}

/**
 * Two tabs sign in to two apps at once: each wrote the session with its own app's authorization. Last write wins would drop the
 * other's grant, and its code would then be refused. A session that meanwhile belongs to another account is not touched.
 */
export function mergeSession(base: EngineRow, mine: EngineRow, theirs: EngineRow): EngineRow | undefined {
  if (theirs.accountId !== mine.accountId && theirs.accountId !== base.accountId) return undefined;
  const before = authorizationsOf(parse(base.payload));
  const payload = parse(mine.payload);
  const ours = authorizationsOf(payload);
  const merged = { ...authorizationsOf(parse(theirs.payload)) };
  for (const [clientId, authorization] of Object.entries(ours)) {
    if (JSON.stringify(authorization) !== JSON.stringify(before[clientId])) merged[clientId] = authorization;
  }
  for (const clientId of Object.keys(before)) if (!(clientId in ours)) delete merged[clientId];
  if (Object.keys(merged).length > 0) payload.authorizations = merged;
  return { ...mine, payload: JSON.stringify(payload), version: theirs.version };
}

function authorizationsOf(payload: Record<string, unknown>): Record<string, unknown> {
  const { authorizations } = payload;
  return typeof authorizations === 'object' && authorizations !== null ? { ...authorizations } : {};
}

export type ScopeStorage = AsyncLocalStorage<RequestScope>;

export function scopeStorage(): ScopeStorage {
  return new AsyncLocalStorage<RequestScope>();
}
