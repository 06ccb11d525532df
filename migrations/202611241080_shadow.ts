import type { Knex } from 'knex';

export const labels = {
  shadows: { change_id: 'id', since: 'not personal', set_by: 'id', stopped_at: 'not personal' },
  shadow_counts: {
    change_id: 'id',
    content: 'not personal',
    day: 'not personal',
    client_id: 'not personal',
    outcome: 'not personal',
    count: 'not personal',
  },
} as const;

/** Drafts of the policy that are tried beside the one in force, and how often they would have decided otherwise. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('shadows', (t) => {
    t.string('change_id', 36).primary();
    t.bigInteger('since').notNullable();
    t.string('set_by', 64).notNullable();
    // Null: it is tried.
    t.bigInteger('stopped_at').index();
  });
  await knex.schema.createTable('shadow_counts', (t) => {
    t.string('change_id', 36).notNullable();
    // Of the draft's text: what it said before an edit is not added to what it says now.
    t.string('content', 32).notNullable();
    t.integer('day').notNullable();
    t.string('client_id', 255).notNullable();
    t.string('outcome', 16).notNullable();
    t.bigInteger('count').notNullable();
    t.primary(['change_id', 'content', 'day', 'client_id', 'outcome']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
