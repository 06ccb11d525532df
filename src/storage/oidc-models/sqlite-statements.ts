import { accountRow, eventRow, evidenceRow, interventionRow } from '../standing-rows.ts';
import { insertDecision } from './decision-row.ts';
import { prefixed, replaced } from './sql.ts';

export type Value = string | number | null;

const live = (alias: string) => `(${alias}.expires_at is null or ${alias}.expires_at > ?)`;

/** Values go by place and rows come as arrays: by name, the driver looks every one of them up (measured: a third of a statement). */
export const reads = {
  find: `select ${prefixed('t')} from oidc_models t where t.key = ? and ${live('t')}`,
  session: `select ${prefixed('t')} from oidc_models t where t.model = 'Session' and t.session_uid = ? and ${live('t')}`,
  userCode: `select ${prefixed('t')} from oidc_models t where t.user_code_key = ? and ${live('t')}`,
} as const;

export const writes = {
  put: `insert into oidc_models (key, ${replaced.join(', ')}, model, version, consumed_at) values (?, ?, ?, ?, ?, ?, ?, ?, 0, null)
    on conflict (key) do update set ${replaced.map((c) => `${c} = excluded.${c}`).join(', ')}, version = version + 1`,
  change: `update oidc_models set ${replaced.map((c) => `${c} = ?`).join(', ')}, version = version + 1 where key = ? and version = ?`,
  delete: 'delete from oidc_models where key = ?',
  consume: `update oidc_models set consumed_at = ? where key = ? and consumed_at is null and (expires_at is null or expires_at > ?)`,
  decision: insertDecision,
  revokeTokens: 'delete from oidc_models where grant_key = ?',
  replay: `insert into oidc_replays (key, expires_at) values (?, ?)
    on conflict (key) do update set expires_at = excluded.expires_at where oidc_replays.expires_at <= ?`,
} as const;

/** What an answer's level is computed from; by account, by account, by session, by account. */
export const standing = {
  account: `select ${accountRow.names.join()} from accounts where id = ?`,
  evidence: `select ${evidenceRow.names.join()} from evidence where account_id = ?`,
  events: `select ${eventRow.names.join()} from authentication_events where session_uid = ? and ended_at is null`,
  interventions: `select ${interventionRow.names.join()} from interventions where account_id = ? and lifted_at is null`,
} as const;

/** A statement of {@link writes} with its values. */
export type Step = readonly [name: keyof typeof writes, values: readonly Value[]];

/** Steps that belong together. */
export interface Steps {
  readonly steps: readonly Step[];
  /** If this step changes no row, what follows it is left out. */
  readonly first: number | null;
}

/** How many rows each step changed, as far as they went. */
export type Changes = readonly number[];
