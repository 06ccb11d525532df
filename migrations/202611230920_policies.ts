import type { Knex } from 'knex';

export const labels = {
  policies: { version: 'not personal', document: 'not personal', created_by: 'id', created_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('policies', (t) => {
    t.integer('version').primary();
    t.text('document').notNullable();
    t.string('created_by', 64).notNullable();
    t.bigInteger('created_at').notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('policies');
}
