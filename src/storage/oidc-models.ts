import type { Clock } from '../lib/clock.ts';
import { clockMarginMs, systemClock } from '../lib/clock.ts';
import { type Keyring, open, seal } from '../lib/crypto.ts';
import type { Database } from './db.ts';
import { type Decision, toDecisionRow } from './decisions.ts';
import { decode, type EnginePayload, type EngineRow, encode, type PayloadSeal, rowKey } from './oidc-models/record.ts';
import { emptyBatch, type OnStatement, openRows, type Rows } from './oidc-models/rows.ts';
import { Replay, RequestScope, type ScopeStorage, scopeStorage } from './oidc-models/scope.ts';

export interface OidcModelsOptions {
  clock?: Clock;
  /** Needed only when the device flow is on: a device code's row is found by either of two codes. */
  keyring?: Keyring;
  /** Makes the engine's error for something used twice; this folder may not import the engine. */
  onReplay: (model: string) => Error;
  /** Replaces the answer that a request had ready when it turns out that its code or refresh token was used before. */
  answerReplay: (ctx: unknown, error: Error) => void;
  onStatement?: OnStatement;
}

/** The engine's adapter, as oidc-provider's own documentation describes it. */
export interface EngineAdapter {
  upsert(id: string, payload: EnginePayload, expiresIn?: number): Promise<void>;
  find(id: string): Promise<EnginePayload | undefined>;
  findByUid(uid: string): Promise<EnginePayload | undefined>;
  findByUserCode(userCode: string): Promise<EnginePayload | undefined>;
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

/** koa's shape of a middleware, without koa. */
export type Middleware = (ctx: unknown, next: () => Promise<unknown>) => Promise<void>;

interface Store {
  rows: Rows;
  scopes: ScopeStorage;
  now: () => number;
  deviceSeal: PayloadSeal | undefined;
  onReplay: (model: string) => Error;
  answerReplay: (ctx: unknown, error: Error) => void;
}

export interface OidcModels {
  /** For the engine's `adapter` setting. */
  adapter: (model: string) => EngineAdapter;
  /**
   * Collects what one request writes and sends it before its answer leaves; a write that fails fails the request. Must be used on
   * the provider itself (`provider.use(...)`), whose answer is sent after its middleware: an outer app's middleware would end too late.
   */
  requestScope: () => Middleware;
  /** Writes the record of a decision together with what the request leaves behind, or at once outside one. */
  recordDecision: (decision: Decision) => Promise<void>;
  /**
   * True for exactly one caller per key until it expires, over all processes, and for the margin of the clock after that: the
   * engine notes a DPoP proof from when it is shown, which is too short for one that is dated ahead (RFC 9449 11.1).
   */
  insertReplay: (key: string, expiresAt: Date) => Promise<boolean>;
  /** {@link insertReplay} in the shape of the engine's static `ReplayDetection.unique`, to replace it: that one looks first and writes later (RFC 7523 3, RFC 9449 11.1). */
  replayUnique: (issuer: string, jti: string, expSeconds: number) => Promise<boolean>;
}

export function oidcModels(database: Pick<Database, 'knex' | 'kind'>, options: OidcModelsOptions): OidcModels {
  const clock = options.clock ?? systemClock;
  const { keyring } = options;
  const store: Store = {
    rows: openRows(database, options.onStatement),
    scopes: scopeStorage(),
    now: () => clock().getTime(),
    deviceSeal: keyring && {
      seal: (plaintext, context) => seal(keyring, plaintext, context),
      open: (sealed, context) => open(keyring, sealed, context),
    },
    onReplay: options.onReplay,
    answerReplay: options.answerReplay,
  };
  const adapters = new Map<string, EngineAdapter>();
  const insertReplay = (key: string, expiresAt: Date) =>
    store.rows.insertReplay(rowKey('ReplayDetection', key), expiresAt.getTime() + clockMarginMs, store.now());
  return {
    adapter(model) {
      const adapter = adapters.get(model) ?? adapterFor(model, store);
      adapters.set(model, adapter);
      return adapter;
    },
    requestScope: () => (ctx, next) => inScope(store, ctx, next),
    insertReplay,
    async recordDecision(decision) {
      const scope = store.scopes.getStore();
      if (scope && !scope.closed) scope.record(toDecisionRow(decision));
      else await store.rows.write({ ...emptyBatch(), decisions: [toDecisionRow(decision)] });
    },
    // Quoted, since glued together ("a", "bc") and ("ab", "c") would be one.
    replayUnique: (issuer, jti, exp) => insertReplay(JSON.stringify([issuer, jti]), new Date(exp * 1000)),
  };
}

async function inScope(store: Store, ctx: unknown, next: () => Promise<unknown>): Promise<void> {
  const scope = new RequestScope(store.rows);
  await store.scopes.run(scope, async () => {
    try {
      await next();
    } finally {
      // Also after a failure: a request that ends in an error may have ended a session or an interaction on its way.
      scope.closed = true;
      await scope.flush(store.now).catch((error: unknown) => {
        if (!(error instanceof Replay)) throw error;
        store.answerReplay(ctx, store.onReplay(error.model));
      });
    }
  });
}

/** Models whose rows point to a grant and a session, which the engine reads next whenever it reads them. */
const withRelated = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

/** Used up in the write of the tokens made from them. Others (pushed requests, device codes) are raced for before a page is shown. */
const usedWithWhatComesOfIt = new Set(['AuthorizationCode', 'RefreshToken']);

function adapterFor(model: string, store: Store): EngineAdapter {
  const { rows, now, deviceSeal } = store;
  const openScope = () => {
    const scope = store.scopes.getStore();
    return scope?.closed ? undefined : scope;
  };

  /** Rows from the request's memory were live when read, but a clock may have passed them since. */
  function isLive(row: EngineRow): boolean {
    return row.expiresAt === null || row.expiresAt > now();
  }

  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = typeof expiresIn === 'number' ? now() + expiresIn * 1000 : null;
      const row = encode(model, id, payload, expiresAt, deviceSeal);
      const scope = openScope();
      if (scope) scope.put(row);
      else await rows.write({ ...emptyBatch(), puts: [row] });
    },

    async find(id) {
      const key = rowKey(model, id);
      const scope = openScope();
      const known = scope?.known(key);
      if (known === null) return undefined;
      if (known) return isLive(known) ? decode(known, id, deviceSeal) : undefined;
      const found = await rows.find(key, now(), scope !== undefined && withRelated.has(model));
      scope?.remember(found);
      const row = found.find((each) => each.key === key);
      return row && decode(row, id, deviceSeal);
    },

    async findByUid(uid) {
      const scope = openScope();
      const known = scope?.knownSession(uid);
      if (known) return isLive(known) ? decode(known, undefined, deviceSeal) : undefined;
      const row = await rows.findSession(uid, now());
      if (!row || scope?.known(row.key) === null) return undefined;
      scope?.remember([row]);
      return decode(row, undefined, deviceSeal);
    },

    async findByUserCode(userCode) {
      const row = await rows.findUserCode(rowKey('userCode', userCode), now());
      if (!row) return undefined;
      const scope = openScope();
      const known = scope?.known(row.key);
      if (known === null) return undefined;
      scope?.remember([row]);
      return decode(known ?? row, undefined, deviceSeal);
    },

    async consume(id) {
      const key = rowKey(model, id);
      const scope = openScope();
      if (scope?.hasPending(key)) await scope.flush(now);
      const at = now();
      if (usedWithWhatComesOfIt.has(model) && scope?.consumeLater(model, key, at)) return;
      if (await rows.consume(key, at)) {
        scope?.markConsumed(key, at);
        return;
      }
      // Somebody else was first. Whoever holds the second copy may not be the one it was made for: nothing that came of the
      // first may live on (RFC 9700 4.5.2 and 4.14.2; B-14, B-19).
      await rows.revokeFamilyOf(key);
      throw store.onReplay(model);
    },

    async destroy(id) {
      const key = rowKey(model, id);
      const scope = openScope();
      if (scope) scope.delete(key);
      else await rows.write({ ...emptyBatch(), deletes: [key] });
    },

    async revokeByGrantId(grantId) {
      const grantKey = rowKey('Grant', grantId);
      await (openScope()?.revokeTokens(grantKey) ?? rows.revokeTokens(grantKey));
    },
  };
}
