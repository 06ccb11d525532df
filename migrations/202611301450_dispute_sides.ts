import type { Knex } from 'knex';

export const labels = { counter_cases: { other_account_id: 'id' } } as const;

/** Of a dispute: the account that claims the document as well, so that support finds both. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('counter_cases', (t) => {
    t.string('other_account_id', 36);
  });
}

export async function down(knex: Knex): Promise<void> {
  // Not knex's `dropColumn`: on SQLite it copies the table.
  await knex.raw('alter table counter_cases drop column other_account_id');
}
