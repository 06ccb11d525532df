import type { Knex } from 'knex';

/** Which columns hold data about a person (checked by test/migrations.test.ts): none is new. */
export const labels = {};

/** An explanation asks what somebody could sign in with on a day that is over; the index of live ones does not know. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('totps', (table) => {
    table.index('account_id', 'totps_by_account');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('totps', (table) => {
    table.dropIndex('account_id', 'totps_by_account');
  });
}
