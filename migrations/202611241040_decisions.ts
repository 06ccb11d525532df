import type { Knex } from 'knex';

export const labels = {
  decisions: {
    id: 'id',
    at: 'not personal',
    account_id: 'id',
    client_id: 'not personal',
    session_uid: 'id',
    interaction_uid: 'id',
    request_id: 'id',
    policy_version: 'not personal',
    outcome: 'not personal',
    level: 'not personal',
    acr: 'not personal',
    reason: 'not personal',
    request: 'not personal',
  },
} as const;

/**
 * What was decided about a request's level, and under which policy. It holds no copy of the facts: evidence and events are
 * append-only, so what they were at that moment can be read from them. No foreign keys: the record outlives what it names.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('decisions', (t) => {
    t.string('id', 36).primary();
    t.bigInteger('at').notNullable();
    t.string('account_id', 36).notNullable();
    t.string('client_id', 255).notNullable();
    t.string('session_uid', 64);
    t.string('interaction_uid', 64);
    t.string('request_id', 64);
    t.integer('policy_version').notNullable();
    t.string('outcome', 16).notNullable();
    t.string('level', 128);
    t.string('acr', 255);
    t.string('reason', 64);
    t.text('request').notNullable();
    t.index(['account_id', 'id']);
    // Ids are UUIDv7: the primary key is the order of time, for the replay of the last days and for pruning.
    t.index(['client_id', 'id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('decisions');
}
