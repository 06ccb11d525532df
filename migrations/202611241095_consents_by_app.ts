import type { Knex } from 'knex';

/** Which columns hold data about a person (checked by test/migrations.test.ts): none is new. */
export const labels = {};

/** The console counts an app's consents; by the primary key that would walk those of all apps. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('consents', (table) => {
    table.index(['client_id', 'withdrawn_at'], 'consents_by_app');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('consents', (table) => {
    table.dropIndex(['client_id', 'withdrawn_at'], 'consents_by_app');
  });
}
