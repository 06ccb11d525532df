import type { Knex } from 'knex';

/** Which columns hold data about a person (checked by test/migrations.test.ts). */
export const labels = {
  consents: {
    account_id: 'id',
    client_id: 'not personal',
    scopes: 'not personal',
    claims: 'not personal',
    given_at: 'not personal',
    withdrawn_at: 'not personal',
  },
};

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('consents', (table) => {
    table.string('account_id', 36).notNullable();
    table.string('client_id', 255).notNullable();
    table.text('scopes').notNullable();
    table.text('claims').notNullable();
    table.bigInteger('given_at').notNullable();
    table.bigInteger('withdrawn_at');
    table.primary(['account_id', 'client_id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('consents');
}
