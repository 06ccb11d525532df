import type { Knex } from 'knex';
import type { ClientBase } from 'pg';
import { isUndone } from '../faults.ts';
import { decisionColumns, decisionsByColumn, unnestDecisions } from './decision-row.ts';
import { gather } from './gather.ts';
import type { EngineRow } from './record.ts';
import type { Batch, OnStatement, Rows, Written } from './rows.ts';
import { columns, fromRaw, prefixed, type RawRow, replaced } from './sql.ts';

const live = (alias: string) => `(${alias}.expires_at is null or ${alias}.expires_at > $2)`;

// All rows of a write travel as one array per column, so that one text, prepared once, serves any number of rows.
const arrays =
  '$5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[], $13::bigint[], $14::boolean[], $15::text[]';
const incoming =
  '(key, model, grant_key, session_uid, account_id, user_code_key, payload, version, expires_at, is_change, needs)';
/** A row of a request whose code was used before is not written. */
const allowed = '(needs is null or needs in (select key from consumed))';
const assign = replaced.map((column) => `${column} = i.${column}`).join(', ');

const writing = `with consumed as (update oidc_models set consumed_at = $4 where key = any($3::text[]) and consumed_at is null
      and (expires_at is null or expires_at > $4) returning key),
    i as (select * from unnest(${arrays}) as i ${incoming} where ${allowed}),
    deleted as (delete from oidc_models where key in
      (select key from unnest($1::text[], $2::text[]) as d (key, needs) where ${allowed})),
    changed as (update oidc_models m set ${assign}, version = m.version + 1 from i
      where i.is_change and m.key = i.key and m.version = i.version returning m.key),
    put as (insert into oidc_models as m (${columns})
      select key, model, grant_key, session_uid, account_id, user_code_key, payload, 0, expires_at, null from i where not is_change
      on conflict (key) do update set ${replaced.map((c) => `${c} = excluded.${c}`).join(', ')}, version = m.version + 1)`;
const written = `select key, 'changed' as model from changed union all select key, 'consumed' from consumed`;

const sql = {
  find: `select ${prefixed('t')} from oidc_models t where t.key = any($1::text[]) and ${live('t')}`,
  related: `select ${prefixed('t')} from oidc_models t where t.key = any($1::text[]) and ${live('t')}
    union all select ${prefixed('g')} from oidc_models g
      where g.key = any(array(select grant_key from oidc_models where key = any($1::text[]))) and ${live('g')}
    union all select ${prefixed('s')} from oidc_models s where s.model = 'Session'
      and s.session_uid = any(array(select session_uid from oidc_models where key = any($1::text[]))) and ${live('s')}`,
  session: `select ${prefixed('t')} from oidc_models t where t.model = 'Session' and t.session_uid = $1 and ${live('t')}`,
  userCode: `select ${prefixed('t')} from oidc_models t where t.user_code_key = $1 and ${live('t')}`,
  write: `${writing} ${written}`,
  // With records of decisions, which most writes have none of.
  writeDecided: `${writing}, decided as (insert into decisions (${decisionColumns}) ${unnestDecisions(16)}) ${written}`,
  put: `insert into oidc_models as m (${columns}) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
      $6::text[], $7::text[], $8::int[], $9::bigint[], $10::bigint[])
    on conflict (key) do update set ${replaced.map((c) => `${c} = excluded.${c}`).join(', ')}, version = m.version + 1`,
  // Not waiting for the disk is safe here: the tokens that come of it are written after it and waited for, and the log is
  // written in order. So whoever has been answered finds the consumption on disk too.
  consume: `update oidc_models set consumed_at = $2 where key = any($1::text[]) and consumed_at is null
    and (expires_at is null or expires_at > $2) and (select set_config('synchronous_commit', 'off', true)) is not null returning key`,
  revokeFamily: `with family as (select grant_key from oidc_models where key = $1 and grant_key is not null)
    delete from oidc_models where grant_key in (select grant_key from family) or key in (select grant_key from family)`,
  revokeTokens: 'delete from oidc_models where grant_key = $1',
  replay: `insert into oidc_replays (key, expires_at) values ($1, $2)
    on conflict (key) do update set expires_at = excluded.expires_at where oidc_replays.expires_at <= $3`,
};

const INT8 = 20;
const INT4 = 23;
const asIs = (text: string) => text;

/** These tables hold text and whole numbers only; looking a parser up per column is what the driver spends most time on. */
const plainTypes = { getTypeParser: (oid: number) => (oid === INT8 || oid === INT4 ? Number : asIs) };

interface Lookup {
  key: string;
  now: number;
}

/** Few enough to leave the pool to others, enough to keep the database busy. */
const lanes = 2;
const max = 64;

/**
 * PostgreSQL: the cost is round trips and commits. Statements are named, so that the server parses and plans them once per
 * connection; everything a request leaves behind is one statement: atomic without BEGIN and COMMIT, one wait for the disk; and
 * what several requests want at once travels together.
 */
export function postgresRows(knex: Knex, onStatement?: OnStatement): Rows {
  async function query(kind: 'read' | 'write', name: keyof typeof sql, values: unknown[]) {
    onStatement?.(kind, name);
    const client: ClientBase = await knex.client.acquireConnection();
    try {
      return await client.query<RawRow>({ name: `oidc_${name}`, text: sql[name], values, types: plainTypes });
    } finally {
      await knex.client.releaseConnection(client);
    }
  }

  async function all(name: keyof typeof sql, values: unknown[]): Promise<EngineRow[]> {
    return (await query('read', name, values)).rows.map(fromRaw);
  }

  async function run(name: keyof typeof sql, values: unknown[]): Promise<number> {
    return (await query('write', name, values)).rowCount ?? 0;
  }

  const find = gather(findMany('find'), { lanes, max });
  const related = gather(findMany('related'), { lanes, max });
  const consume = gather(consumeMany, { lanes, max, repeatable: isUndone });
  const write = gather(writeMany, { lanes, max, clash: keysOf, repeatable: isUndone });

  function findMany(name: 'find' | 'related') {
    return async (jobs: Lookup[]): Promise<EngineRow[][]> => {
      const rows = await all(name, [jobs.map((job) => job.key), Math.min(...jobs.map((job) => job.now))]);
      const byKey = new Map(rows.map((row) => [row.key, row]));
      const byUid = new Map(rows.filter((row) => row.model === 'Session').map((row) => [row.sessionUid, row]));
      return jobs.map(({ key, now }) => {
        const row = byKey.get(key);
        if (!row) return [];
        const others = name === 'find' ? [] : [byKey.get(row.grantKey ?? ''), byUid.get(row.sessionUid)];
        return [row, ...others]
          .filter((each) => each !== undefined)
          .filter((each) => each.expiresAt === null || each.expiresAt > now);
      });
    };
  }

  async function consumeMany(jobs: Lookup[]): Promise<boolean[]> {
    const { rows } = await query('write', 'consume', [
      jobs.map((job) => job.key),
      Math.max(...jobs.map((job) => job.now)),
    ]);
    const won = new Set(rows.map((row) => row.key));
    // Of several jobs for one key the first has it.
    return jobs.map((job) => won.delete(job.key));
  }

  async function writeMany(jobs: Batch[]): Promise<Written[]> {
    const puts = jobs.flatMap(needing((job) => job.puts));
    const changes = jobs.flatMap(needing((job) => job.changes));
    const deletes = jobs.flatMap(needing((job) => job.deletes));
    const consumes = jobs.flatMap((job) => (job.consume ? [job.consume] : []));
    const decisions = jobs.flatMap((job) => job.decisions);
    if (changes.length + deletes.length + consumes.length + decisions.length === 0) {
      await run('put', [...byColumn(puts.map(({ it }) => it)), puts.map(() => null)]);
      return jobs.map(() => ({ lost: [], replayed: false }));
    }
    const rows = [...changes, ...puts];
    const answer = await query('write', decisions.length > 0 ? 'writeDecided' : 'write', [
      deletes.map(({ it }) => it),
      deletes.map(({ needs }) => needs),
      consumes.map(({ key }) => key),
      Math.max(0, ...consumes.map(({ at }) => at)),
      ...byColumn(rows.map(({ it }) => it)),
      [...changes.map(() => true), ...puts.map(() => false)],
      rows.map(({ needs }) => needs),
      ...(decisions.length > 0 ? decisionsByColumn(decisions) : []),
    ]);
    const applied = new Set(answer.rows.map((row) => `${row.model} ${row.key}`));
    return jobs.map((job) => {
      if (job.consume && !applied.has(`consumed ${job.consume.key}`)) return { lost: [], replayed: true };
      const lost = job.changes.map((row) => row.key).filter((key) => !applied.has(`changed ${key}`));
      return { lost, replayed: false };
    });
  }

  return {
    find: (key, now, withRelated) => (withRelated ? related : find)({ key, now }),
    findSession: async (uid, now) => (await all('session', [uid, now]))[0],
    findUserCode: async (userCodeKey, now) => (await all('userCode', [userCodeKey, now]))[0],
    consume: (key, now) => consume({ key, now }),
    write,
    insertReplay: async (key, expiresAt, now) => (await run('replay', [key, expiresAt, now])) === 1,
    async revokeFamilyOf(key) {
      await run('revokeFamily', [key]);
    },
    async revokeTokens(grantKey) {
      await run('revokeTokens', [grantKey]);
    },
  };
}

function keysOf(batch: Batch): string[] {
  const consumed = batch.consume ? [batch.consume.key] : [];
  return [...consumed, ...batch.deletes, ...batch.changes.map((row) => row.key), ...batch.puts.map((row) => row.key)];
}

/** Each item of a batch with the key whose consumption it waits for. */
function needing<T>(items: (batch: Batch) => readonly T[]) {
  return (batch: Batch) => items(batch).map((it) => ({ it, needs: batch.consume?.key ?? null }));
}

function byColumn(rows: EngineRow[]): unknown[][] {
  return [
    rows.map((row) => row.key),
    rows.map((row) => row.model),
    rows.map((row) => row.grantKey),
    rows.map((row) => row.sessionUid),
    rows.map((row) => row.accountId),
    rows.map((row) => row.userCodeKey),
    rows.map((row) => row.payload),
    rows.map((row) => row.version),
    rows.map((row) => row.expiresAt),
  ];
}
