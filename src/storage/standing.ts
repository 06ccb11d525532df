import type { Knex } from 'knex';
import type { ClientBase } from 'pg';
import type { Evidence } from '../assurance/evidence.ts';
import type { Standing as OpenIntervention } from '../assurance/interventions.ts';
import { type Account, findAccount } from './accounts.ts';
import type { Database } from './db.ts';
import { evidenceOf } from './evidence.ts';
import { openInterventions } from './interventions.ts';
import { gather } from './oidc-models/gather.ts';
import type { OnStatement } from './oidc-models/rows.ts';
import { standing } from './oidc-models/sqlite-statements.ts';
import { eventsOfSession, type StoredEvent } from './sessions.ts';
import { type Raw as RawValuesOfThread, type SqliteThread, sqliteThread } from './sqlite-thread.ts';

/** What an answer's level is computed from. */
export interface StandingRows {
  readonly account: Account | null;
  readonly evidence: readonly Evidence[];
  /** Living events of the session. */
  readonly events: readonly StoredEvent[];
  readonly interventions: readonly OpenIntervention[];
}

export type StandingReader = (accountId: string, sessionUid: string | null) => Promise<StandingRows>;

/**
 * Reads account, evidence, events and interventions in one go. Every token, refresh, userinfo and introspection needs them from the
 * ledger as it is at that moment, so nothing is remembered between requests; what is saved is the way there: one
 * message to SQLite's thread, one statement for all requests that wait on PostgreSQL.
 */
export function standingReader(
  database: Pick<Database, 'knex' | 'kind'>,
  onStatement: OnStatement = () => {},
): StandingReader {
  const { knex } = database;
  if (database.kind === 'postgres') return gatheredReader(knex, onStatement);
  const thread = sqliteThread(knex);
  return thread ? threadReader(thread, onStatement) : plainReader(knex);
}

function plainReader(knex: Knex): StandingReader {
  return async (accountId, sessionUid) => ({
    account: await findAccount(knex, accountId),
    evidence: await evidenceOf(knex, accountId),
    events: sessionUid === null ? [] : await eventsOfSession(knex, sessionUid),
    interventions: await openInterventions(knex, accountId),
  });
}

function threadReader(thread: SqliteThread, onStatement: OnStatement): StandingReader {
  return async (accountId, sessionUid) => {
    onStatement('read', 'standing');
    const { account, evidence, events, interventions } = await thread.standing(accountId, sessionUid);
    return {
      account: account && toAccount(named(accountColumns, account)),
      evidence: evidence.map((each) => toEvidence(named(evidenceColumns, each))).sort(byId),
      events: events.map((each) => toEvent(named(eventColumns, each))).sort(byId),
      interventions: interventions.map((each) => toIntervention(named(interventionColumns, each))),
    };
  };
}

const columnsOf = (text: string) => /^select (.*?)\s+from/s.exec(text)?.[1]?.split(/,\s*/) ?? [];
const accountColumns = columnsOf(standing.account);
const evidenceColumns = columnsOf(standing.evidence);
const eventColumns = columnsOf(standing.events);
const interventionColumns = columnsOf(standing.interventions);

function named(columns: readonly string[], values: RawValuesOfThread): Raw {
  const raw: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i += 1) raw[columns[i] ?? ''] = values[i];
  return raw as Raw;
}

const gathered = `select 'account' as kind, a.id as owner, row_to_json(a)::text as body from accounts a where a.id = any($1::text[])
  union all select 'evidence', e.account_id, row_to_json(e)::text from evidence e where e.account_id = any($1::text[])
  union all select 'event', v.session_uid, row_to_json(v)::text from authentication_events v
    where v.session_uid = any($2::text[]) and v.ended_at is null
  union all select 'intervention', i.account_id, json_build_object('kind', i.kind, 'at', i.at, 'until', i.until)::text
    from interventions i where i.account_id = any($1::text[]) and i.lifted_at is null`;

interface Gathered {
  readonly kind: 'account' | 'evidence' | 'event' | 'intervention';
  readonly owner: string;
  readonly body: string;
}

interface Job {
  readonly accountId: string;
  readonly sessionUid: string | null;
}

const asText = { getTypeParser: () => (text: string) => text };
const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

function gatheredReader(knex: Knex, onStatement: OnStatement): StandingReader {
  const read = gather<Job, StandingRows>(
    async (jobs) => {
      onStatement('read', 'standing');
      const client: ClientBase = await knex.client.acquireConnection();
      try {
        const accounts = jobs.map((job) => job.accountId);
        const sessions = jobs.flatMap((job) => (job.sessionUid === null ? [] : [job.sessionUid]));
        const { rows } = await client.query<Gathered>({
          name: 'standing',
          text: gathered,
          values: [accounts, sessions],
          types: asText,
        });
        return jobs.map((job) => share(rows, job));
      } finally {
        await knex.client.releaseConnection(client);
      }
    },
    { lanes: 2, max: 64 },
  );
  return (accountId, sessionUid) => read({ accountId, sessionUid });
}

function share(rows: readonly Gathered[], { accountId, sessionUid }: Job): StandingRows {
  return arrange(rows.filter((row) => row.owner === (row.kind === 'event' ? sessionUid : accountId)));
}

function arrange(rows: readonly Pick<Gathered, 'kind' | 'body'>[]): StandingRows {
  let account: Account | null = null;
  const evidence: Evidence[] = [];
  const events: StoredEvent[] = [];
  const interventions: OpenIntervention[] = [];
  for (const { kind, body } of rows) {
    const raw: Raw = JSON.parse(body);
    if (kind === 'account') account = toAccount(raw);
    else if (kind === 'evidence') evidence.push(toEvidence(raw));
    else if (kind === 'event') events.push(toEvent(raw));
    else interventions.push(toIntervention(raw));
  }
  return { account, evidence: evidence.sort(byId), events: events.sort(byId), interventions };
}

/** A row as the driver gives it. Its columns were written by this folder alone, so it is read without a second check. */
type Raw = Record<string, never>;

const date = (ms: number) => new Date(Number(ms));
const dateOrNull = (ms: number | null) => (ms === null ? null : date(ms));

const toAccount = (raw: Raw): Account => ({
  id: raw.id ?? '',
  status: raw.status ?? 'closed',
  displayName: raw.display_name ?? null,
  locale: raw.locale ?? '',
  createdAt: date(raw.created_at ?? 0),
  sealedKey: raw.sealed_key ?? '',
  passkeyUserHandle: raw.passkey_user_handle ?? '',
});

const toEvidence = (raw: Raw): Evidence => ({
  id: raw.id ?? '',
  kind: raw.kind ?? 'contact',
  source: raw.source ?? '',
  strength: raw.strength ?? 'weak',
  category: raw.category ?? null,
  confirmed: JSON.parse(raw.confirmed ?? '[]'),
  recordedAt: date(raw.recorded_at ?? 0),
  expiresAt: dateOrNull(raw.expires_at ?? null),
  revokedAt: dateOrNull(raw.revoked_at ?? null),
});

const toEvent = (raw: Raw): StoredEvent => ({
  id: raw.id ?? '',
  accountId: raw.account_id ?? '',
  method: raw.method ?? 'password',
  at: date(raw.at ?? 0),
  credentialId: raw.credential_id ?? null,
  factors: JSON.parse(raw.factors ?? '[]'),
  userVerified: Boolean(raw.user_verified),
  phishingResistant: Boolean(raw.phishing_resistant),
  deviceBound: Boolean(raw.device_bound),
  interaction: raw.interaction_uid ?? null,
});

const toIntervention = (raw: Raw): OpenIntervention => ({
  kind: raw.kind ?? 'blocked',
  at: date(raw.at ?? 0),
  until: dateOrNull(raw.until ?? null),
});
