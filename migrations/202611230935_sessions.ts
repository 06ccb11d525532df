import type { Knex } from 'knex';

export const labels = {
  authentication_events: {
    id: 'id',
    account_id: 'id',
    session_uid: 'id',
    interaction_uid: 'id',
    method: 'not personal',
    at: 'personal',
    credential_id: 'id',
    factors: 'not personal',
    user_verified: 'not personal',
    phishing_resistant: 'not personal',
    device_bound: 'not personal',
    ip: 'personal',
    adopted_at: 'not personal',
    ended_at: 'not personal',
  },
  session_records: {
    uid: 'id',
    account_id: 'id',
    user_agent: 'personal',
    ip: 'personal',
    created_at: 'personal',
    last_seen_at: 'personal',
    ended_at: 'not personal',
  },
  pending: {
    id_hash: 'id',
    kind: 'not personal',
    interaction_uid: 'id',
    account_id: 'id',
    payload: 'sealed',
    expires_at: 'not personal',
  },
  throttles: {
    bucket: 'blind',
    hits: 'not personal',
    window_ends_at: 'not personal',
    locked_until: 'not personal',
  },
  failures: { bucket: 'blind', count: 'not personal', last_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('authentication_events', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    // Null until the engine has made or found the session (adoptEvents).
    t.string('session_uid', 128);
    t.string('interaction_uid', 128);
    t.string('method', 32).notNullable();
    t.bigInteger('at').notNullable();
    t.string('credential_id', 1364);
    t.text('factors').notNullable();
    t.boolean('user_verified').notNullable();
    t.boolean('phishing_resistant').notNullable();
    t.boolean('device_bound').notNullable();
    t.string('ip', 64);
    t.bigInteger('adopted_at');
    t.bigInteger('ended_at');
    t.index('session_uid');
    t.index('interaction_uid');
    t.index(['account_id', 'at']);
  });

  await knex.schema.createTable('session_records', (t) => {
    t.string('uid', 128).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.text('user_agent');
    t.string('ip', 64);
    t.bigInteger('created_at').notNullable();
    t.bigInteger('last_seen_at').notNullable();
    t.bigInteger('ended_at');
    t.index('account_id');
  });

  await knex.schema.createTable('pending', (t) => {
    t.string('id_hash', 43).primary();
    t.string('kind', 64).notNullable();
    t.string('interaction_uid', 128);
    t.string('account_id', 36);
    t.text('payload').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.index('expires_at');
  });

  await knex.schema.createTable('throttles', (t) => {
    t.string('bucket', 255).primary();
    t.integer('hits').notNullable();
    t.bigInteger('window_ends_at').notNullable();
    t.bigInteger('locked_until').notNullable();
    t.index('window_ends_at');
  });

  // Consecutive failures never run out with time (SP 800-63B-4 3.2.2): a table of its own that nothing prunes.
  await knex.schema.createTable('failures', (t) => {
    t.string('bucket', 255).primary();
    t.integer('count').notNullable();
    t.bigInteger('last_at').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
