import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import type { ClientBase } from 'pg';
import type { Evidence } from '../assurance/evidence.ts';
import { type Account, findAccount } from './accounts.ts';
import type { Database } from './db.ts';
import { evidenceOf } from './evidence.ts';
import { gather } from './oidc-models/gather.ts';
import { eventsOfSession, type StoredEvent } from './sessions.ts';
import { sqliteReader } from './sqlite-reader.ts';

/** What an answer's level is computed from. */
export interface StandingRows {
  readonly account: Account | null;
  readonly evidence: readonly Evidence[];
  /** Living events of the session. */
  readonly events: readonly StoredEvent[];
}

export type StandingReader = (accountId: string, sessionUid: string | null) => Promise<StandingRows>;

/**
 * Reads account, evidence and events in one go. Every token, refresh, userinfo and introspection needs all three from the
 * ledger as it is at that moment, so nothing is remembered between requests; what is saved is the way there: statements
 * prepared once on SQLite, one statement for all requests that wait on PostgreSQL.
 */
export function standingReader(database: Pick<Database, 'knex' | 'kind'>): StandingReader {
  const { knex } = database;
  if (database.kind === 'postgres') return gatheredReader(knex);
  return knex.client.driverName === 'better-sqlite3' ? preparedReader(knex) : plainReader(knex);
}

function plainReader(knex: Knex): StandingReader {
  return async (accountId, sessionUid) => ({
    account: await findAccount(knex, accountId),
    evidence: await evidenceOf(knex, accountId),
    events: sessionUid === null ? [] : await eventsOfSession(knex, sessionUid),
  });
}

const look = {
  account: `select id, status, display_name, locale, created_at, sealed_key, passkey_user_handle from accounts where id = ?`,
  evidence: `select id, kind, source, strength, category, confirmed, recorded_at, expires_at, revoked_at from evidence where account_id = ?`,
  events: `select id, account_id, method, at, credential_id, factors, user_verified, phishing_resistant, device_bound, interaction_uid
    from authentication_events where session_uid = ? and ended_at is null`,
};

type Statement = BetterSqlite3.Statement<[string], Raw>;
type Looks = Record<keyof typeof look, Statement>;

function preparedReader(knex: Knex): StandingReader {
  const prepared = new WeakMap<object, Looks>();
  const statements = (connection: BetterSqlite3.Database) => {
    const known = prepared.get(connection);
    if (known) return known;
    const made: Looks = {
      account: connection.prepare(look.account),
      evidence: connection.prepare(look.evidence),
      events: connection.prepare(look.events),
    };
    prepared.set(connection, made);
    return made;
  };
  // One turn of the event loop, so nothing is written between the three.
  const read = (connection: BetterSqlite3.Database, accountId: string, sessionUid: string | null): StandingRows => {
    const { account, evidence, events } = statements(connection);
    const found = account.get(accountId);
    return {
      account: found ? toAccount(found) : null,
      evidence: evidence.all(accountId).map(toEvidence).sort(byId),
      events: sessionUid === null ? [] : events.all(sessionUid).map(toEvent).sort(byId),
    };
  };
  return async (accountId, sessionUid) => {
    const reader = sqliteReader(knex);
    if (reader) return read(reader, accountId, sessionUid);
    const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
    try {
      return read(connection, accountId, sessionUid);
    } finally {
      await knex.client.releaseConnection(connection);
    }
  };
}

const gathered = `select 'account' as kind, a.id as owner, row_to_json(a)::text as body from accounts a where a.id = any($1::text[])
  union all select 'evidence', e.account_id, row_to_json(e)::text from evidence e where e.account_id = any($1::text[])
  union all select 'event', v.session_uid, row_to_json(v)::text from authentication_events v
    where v.session_uid = any($2::text[]) and v.ended_at is null`;

interface Gathered {
  readonly kind: 'account' | 'evidence' | 'event';
  readonly owner: string;
  readonly body: string;
}

interface Job {
  readonly accountId: string;
  readonly sessionUid: string | null;
}

const asText = { getTypeParser: () => (text: string) => text };
const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

function gatheredReader(knex: Knex): StandingReader {
  const read = gather<Job, StandingRows>(
    async (jobs) => {
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
  for (const { kind, body } of rows) {
    const raw: Raw = JSON.parse(body);
    if (kind === 'account') account = toAccount(raw);
    else if (kind === 'evidence') evidence.push(toEvidence(raw));
    else events.push(toEvent(raw));
  }
  return { account, evidence: evidence.sort(byId), events: events.sort(byId) };
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
