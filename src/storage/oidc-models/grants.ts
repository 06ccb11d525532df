import { type Db, kindOf } from '../db.ts';
import { parse, rowKey } from './record.ts';

/** A grant of the engine: what one session's authorization at one app covers. */
export interface EngineGrant {
  readonly grantId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
  readonly at: Date;
  readonly expiresAt: Date | null;
}

/** The live grants of an account, newest first. */
export async function grantsOfAccount(db: Db, accountId: string, now: Date): Promise<EngineGrant[]> {
  const rows: { payload: string; expires_at: number | string | null }[] = await db('oidc_models')
    .select('payload', 'expires_at')
    .where({ model: 'Grant', account_id: accountId })
    .where((live) => live.whereNull('expires_at').orWhere('expires_at', '>', now.getTime()));
  return rows.map(toGrant).sort((a, b) => b.at.getTime() - a.at.getTime());
}

function toGrant(row: { payload: string; expires_at: number | string | null }): EngineGrant {
  const { jti, clientId, openid, iat } = parse(row.payload);
  const granted: { scope?: unknown; claims?: unknown } = typeof openid === 'object' && openid !== null ? openid : {};
  return {
    grantId: String(jti),
    clientId: String(clientId),
    scopes: typeof granted.scope === 'string' ? granted.scope.split(' ').filter(Boolean) : [],
    claims: Array.isArray(granted.claims) ? granted.claims.map(String) : [],
    at: new Date(Number(iat ?? 0) * 1000),
    expiresAt: row.expires_at === null ? null : new Date(Number(row.expires_at)),
  };
}

/** Ends a grant with every code and token that came of it. True when there was one. */
export async function revokeGrant(db: Db, grantId: string): Promise<boolean> {
  const key = rowKey('Grant', grantId);
  const tokens = await db('oidc_models').where('grant_key', key).delete();
  const grants = await db('oidc_models').where('key', key).delete();
  return tokens + grants > 0;
}

/** Ends every grant of an account, at one app if `clientId` is given, with every code and token that came of them. */
export async function revokeGrantsOfAccount(db: Db, accountId: string, clientId?: string): Promise<number> {
  const rows: { key: string; payload: string }[] = await db('oidc_models')
    .select('key', 'payload')
    .where({ model: 'Grant', account_id: accountId });
  const keys = rows
    .filter((row) => clientId === undefined || parse(row.payload).clientId === clientId)
    .map((row) => row.key);
  if (keys.length === 0) return 0;
  await db('oidc_models').whereIn('grant_key', keys).delete();
  return db('oidc_models').whereIn('key', keys).delete();
}

/** Written out as the index of the migration has it, so that both databases take that index. */
const ofApps = "model in ('Grant', 'ClientCredentials')";
const appOf = (db: Db) => {
  const read = kindOf(db) === 'postgres' ? "(payload::jsonb) ->> 'clientId'" : "json_extract(payload, '$.clientId')";
  return `(case when ${ofApps} then ${read} end)`;
};

/**
 * Ends everything an app was ever given: the grants of all accounts with the codes and tokens that came of them, and the
 * app's own tokens. By an index of its own: an app may have as many grants as the city has citizens.
 */
export async function revokeGrantsOfApp(tx: Db, clientId: string): Promise<number> {
  const own = () => tx('oidc_models').whereRaw(`${ofApps} and ${appOf(tx)} = ?`, [clientId]);
  const tokens = await tx('oidc_models').whereIn('grant_key', own().select('key')).delete();
  return tokens + (await own().delete());
}

export interface WhichSessions {
  readonly accountId: string;
  /** Only this session. */
  readonly uid?: string;
  /** All but this session. */
  readonly exceptUid?: string;
}

/**
 * Ends SSO sessions of an account and deletes the codes and tokens issued in them, those for offline access too. Returns the
 * uids of the sessions that were still there. A request in flight does not bring a session back: what it has read it only
 * changes where it still is.
 */
export async function endEngineSessions(tx: Db, which: WhichSessions): Promise<string[]> {
  const { accountId, uid, exceptUid } = which;
  const sessions = tx('oidc_models').where({ model: 'Session', account_id: accountId });
  if (uid !== undefined) sessions.where('session_uid', uid);
  if (exceptUid !== undefined) sessions.whereNot('session_uid', exceptUid);
  const rows: { key: string; session_uid: string }[] = await sessions.select('key', 'session_uid');

  // Tokens are reached through the account's grants, the only index they have besides their own key.
  const grants = tx('oidc_models').select('key').where({ model: 'Grant', account_id: accountId });
  const tokens = tx('oidc_models').whereIn('grant_key', grants);
  if (uid !== undefined) tokens.where('session_uid', uid);
  if (exceptUid !== undefined)
    tokens.where((other) => other.whereNull('session_uid').orWhereNot('session_uid', exceptUid));
  await tokens.delete();

  const keys = rows.map((row) => row.key);
  if (keys.length > 0) await tx('oidc_models').whereIn('key', keys).delete();
  return rows.map((row) => row.session_uid);
}

/** Removes one small batch of what has expired; the job calls again until there is none. Consumed rows stay until they expire: reuse must be noticed. After that a row is unknown, which is refused as well, whatever the clock says. */
export async function pruneExpired(db: Db, now: Date, batch = 500): Promise<number> {
  let removed = 0;
  for (const table of ['oidc_models', 'oidc_replays']) {
    const expired = db(table).select('key').where('expires_at', '<=', now.getTime()).limit(batch);
    removed = Math.max(removed, await db(table).whereIn('key', expired).delete());
  }
  return removed;
}
