/** A row of `decisions`, which is written with the engine's own rows: no answer without its record, and no extra commit. */
export interface DecisionRow {
  id: string;
  at: number;
  accountId: string;
  clientId: string;
  sessionUid: string | null;
  interactionUid: string | null;
  requestId: string | null;
  policyVersion: number;
  outcome: string;
  level: string | null;
  acr: string | null;
  reason: string | null;
  request: string;
}

export const decisionColumns =
  'id, at, account_id, client_id, session_uid, interaction_uid, request_id, policy_version, outcome, level, acr, reason, request';

/** Statement for SQLite; its values are {@link decisionValues}. */
export const insertDecision = `insert into decisions (${decisionColumns}) values (${decisionColumns.replace(/\w+/g, '?')})`;

export const decisionValues = (row: DecisionRow): (string | number | null)[] => [
  row.id,
  row.at,
  row.accountId,
  row.clientId,
  row.sessionUid,
  row.interactionUid,
  row.requestId,
  row.policyVersion,
  row.outcome,
  row.level,
  row.acr,
  row.reason,
  row.request,
];

/** One array per column, for PostgreSQL's unnest, from parameter `first` on. */
export function unnestDecisions(first: number): string {
  const types = [
    'text',
    'bigint',
    'text',
    'text',
    'text',
    'text',
    'text',
    'int',
    'text',
    'text',
    'text',
    'text',
    'text',
  ];
  return `select * from unnest(${types.map((type, i) => `$${first + i}::${type}[]`).join(', ')})`;
}

export function decisionsByColumn(rows: readonly DecisionRow[]): unknown[][] {
  return [
    rows.map((row) => row.id),
    rows.map((row) => row.at),
    rows.map((row) => row.accountId),
    rows.map((row) => row.clientId),
    rows.map((row) => row.sessionUid),
    rows.map((row) => row.interactionUid),
    rows.map((row) => row.requestId),
    rows.map((row) => row.policyVersion),
    rows.map((row) => row.outcome),
    rows.map((row) => row.level),
    rows.map((row) => row.acr),
    rows.map((row) => row.reason),
    rows.map((row) => row.request),
  ];
}
