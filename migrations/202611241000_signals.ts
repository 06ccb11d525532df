import type { Knex } from 'knex';

export const labels = {
  signal_streams: {
    id: 'not personal',
    client_id: 'not personal',
    method: 'not personal',
    status: 'not personal',
    reason: 'not personal',
    endpoint_url: 'not personal',
    sealed_authorization: 'secret',
    events_requested: 'not personal',
    description: 'not personal',
    created_at: 'not personal',
    updated_at: 'not personal',
    verified_at: 'not personal',
    push_due_at: 'not personal',
    push_attempts: 'not personal',
    last_error: 'not personal',
  },
  signal_events: {
    jti: 'id',
    stream_id: 'not personal',
    source_id: 'id',
    type: 'not personal',
    sealed_claims: 'sealed',
    created_at: 'not personal',
  },
  signal_exclusions: { stream_id: 'not personal', subject: 'id', excluded_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('signal_streams', (t) => {
    t.string('id', 36).primary();
    t.string('client_id', 255).notNullable().references('apps.id').onDelete('CASCADE');
    t.string('method', 32).notNullable();
    t.string('status', 16).notNullable();
    t.text('reason');
    t.text('endpoint_url');
    t.text('sealed_authorization');
    // Null: the receiver named none, which means all.
    t.text('events_requested');
    t.text('description');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
    t.bigInteger('verified_at');
    // A stream's events go out in the order they happened (SSF 1.0 8.1.2), so a failed push holds back the stream and
    // not the one event.
    t.bigInteger('push_due_at').notNullable();
    t.integer('push_attempts').notNullable();
    t.text('last_error');
    t.unique(['client_id', 'method']);
    t.index('push_due_at');
  });
  await knex.schema.createTable('signal_events', (t) => {
    t.string('jti', 36).primary();
    t.string('stream_id', 36).notNullable().references('signal_streams.id').onDelete('CASCADE');
    t.string('source_id', 36).notNullable();
    t.text('type').notNullable();
    t.text('sealed_claims').notNullable();
    t.bigInteger('created_at').notNullable();
    // One event, one stream, one jti: what makes a repeated delivery recognisable.
    t.unique(['stream_id', 'source_id']);
    t.index(['stream_id', 'jti']);
    t.index('created_at');
  });
  await knex.schema.createTable('signal_exclusions', (t) => {
    t.string('stream_id', 36).notNullable().references('signal_streams.id').onDelete('CASCADE');
    t.string('subject', 255).notNullable();
    t.bigInteger('excluded_at').notNullable();
    t.primary(['stream_id', 'subject']);
  });
  // A source that takes one answer back names it by its own transaction id.
  await knex.schema.alterTable('evidence', (t) => t.index(['source', 'reference']));
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('evidence', (t) => t.dropIndex(['source', 'reference']));
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
