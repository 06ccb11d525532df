import type { EngineRow } from './record.ts';

export const columns =
  'key, model, grant_key, session_uid, account_id, user_code_key, payload, version, expires_at, consumed_at';

export function prefixed(alias: string): string {
  return columns
    .split(', ')
    .map((column) => `${alias}.${column}`)
    .join(', ');
}

/** Columns a later write of the same row replaces. Never `consumed_at`: what was used once stays used. */
export const replaced = ['grant_key', 'session_uid', 'account_id', 'user_code_key', 'payload', 'expires_at'];

/** A row as the drivers return it: PostgreSQL sends BIGINT as text. */
export interface RawRow {
  key: string;
  model: string;
  grant_key: string | null;
  session_uid: string | null;
  account_id: string | null;
  user_code_key: string | null;
  payload: string;
  version: number;
  expires_at: number | string | null;
  consumed_at: number | string | null;
}

/** A row in the order of {@link columns}, as better-sqlite3 gives it. */
export type RawValues = [
  key: string,
  model: string,
  grantKey: string | null,
  sessionUid: string | null,
  accountId: string | null,
  userCodeKey: string | null,
  payload: string,
  version: number,
  expiresAt: number | null,
  consumedAt: number | null,
];

export function fromValues(raw: RawValues): EngineRow {
  return {
    key: raw[0],
    model: raw[1],
    grantKey: raw[2],
    sessionUid: raw[3],
    accountId: raw[4],
    userCodeKey: raw[5],
    payload: raw[6],
    version: raw[7],
    expiresAt: raw[8],
    consumedAt: raw[9],
  };
}

export function fromRaw(raw: RawRow): EngineRow {
  return {
    key: raw.key,
    model: raw.model,
    grantKey: raw.grant_key,
    sessionUid: raw.session_uid,
    accountId: raw.account_id,
    userCodeKey: raw.user_code_key,
    payload: raw.payload,
    version: raw.version,
    expiresAt: raw.expires_at === null ? null : Number(raw.expires_at),
    consumedAt: raw.consumed_at === null ? null : Number(raw.consumed_at),
  };
}
