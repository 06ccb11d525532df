import type { Knex } from 'knex';
import type { ClientBase } from 'pg';
import type { Evidence } from '../assurance/evidence.ts';
import { type Account, findAccount } from './accounts.ts';
import type { Database } from './db.ts';
import { evidenceOf } from './evidence.ts';
import { openInterventions } from './interventions.ts';
import { gather } from './oidc-models/gather.ts';
import type { OnStatement } from './oidc-models/rows.ts';
import { eventsOfSession } from './sessions.ts';
import { type SqliteThread, sqliteThread } from './sqlite-thread.ts';
import {
  accountRow,
  eventRow,
  evidenceRow,
  interventionRow,
  type OpenIntervention,
  type StoredEvent,
} from './standing-rows.ts';

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
      account: account && accountRow.parseValues(account),
      evidence: evidence.map(evidenceRow.parseValues).sort(byId),
      events: events.map(eventRow.parseValues).sort(byId),
      interventions: interventions.map(interventionRow.parseValues),
    };
  };
}

const body = (alias: string, names: readonly string[]) =>
  `json_build_object(${names.map((name) => `'${name}', ${alias}.${name}`).join()})::text`;
const gathered = `select 'account' as kind, a.id as owner, ${body('a', accountRow.names)} as body
    from accounts a where a.id = any($1::text[])
  union all select 'evidence', e.account_id, ${body('e', evidenceRow.names)}
    from evidence e where e.account_id = any($1::text[])
  union all select 'event', v.session_uid, ${body('v', eventRow.names)}
    from authentication_events v where v.session_uid = any($2::text[]) and v.ended_at is null
  union all select 'intervention', i.account_id, ${body('i', interventionRow.names)}
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
    const raw: unknown = JSON.parse(body);
    if (kind === 'account') account = accountRow.parse(raw);
    else if (kind === 'evidence') evidence.push(evidenceRow.parse(raw));
    else if (kind === 'event') events.push(eventRow.parse(raw));
    else interventions.push(interventionRow.parse(raw));
  }
  return { account, evidence: evidence.sort(byId), events: events.sort(byId), interventions };
}
