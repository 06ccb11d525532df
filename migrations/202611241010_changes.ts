import type { Knex } from 'knex';

export const labels = {
  changes: {
    id: 'id',
    kind: 'not personal',
    payload: 'id',
    reason: 'personal',
    status: 'not personal',
    created_by: 'id',
    created_at: 'not personal',
    proposed_by: 'id',
    proposed_at: 'not personal',
    based_on: 'not personal',
    decided_by: 'id',
    decided_at: 'not personal',
    decision_reason: 'personal',
    publish_at: 'not personal',
    expires_at: 'not personal',
    published_at: 'not personal',
    published_version: 'not personal',
    revision: 'not personal',
  },
  sources: {
    id: 'not personal',
    enabled: 'not personal',
    changed_at: 'not personal',
    changed_by: 'id',
    reason: 'personal',
    needs_second: 'id',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  // What one member of staff proposes and another decides. `revision` grows with each write: whoever saves what was
  // changed meanwhile is told.
  await knex.schema.createTable('changes', (t) => {
    t.string('id', 36).primary();
    t.string('kind', 16).notNullable();
    t.text('payload').notNullable();
    t.text('reason').notNullable();
    t.string('status', 16).notNullable();
    t.string('created_by', 64).notNullable();
    t.bigInteger('created_at').notNullable();
    t.string('proposed_by', 64);
    t.bigInteger('proposed_at');
    t.integer('based_on');
    t.string('decided_by', 64);
    t.bigInteger('decided_at');
    t.text('decision_reason');
    t.bigInteger('publish_at');
    t.bigInteger('expires_at');
    t.bigInteger('published_at');
    t.integer('published_version');
    t.integer('revision').notNullable();
    t.index(['status', 'id']);
  });
  // A source without a row is on.
  await knex.schema.createTable('sources', (t) => {
    t.string('id', 64).primary();
    t.boolean('enabled').notNullable();
    t.bigInteger('changed_at').notNullable();
    t.string('changed_by', 64).notNullable();
    t.text('reason').notNullable();
    // The change in which a second person confirms a kill; null: nothing waits.
    t.string('needs_second', 36);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
