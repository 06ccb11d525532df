import type { Knex } from 'knex';

export const labels = {
  bridges: {
    id: 'not personal',
    use: 'not personal',
    cap: 'not personal',
    sealed_settings: 'secret',
    version: 'not personal',
    updated_at: 'not personal',
    updated_by: 'id',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('bridges', (t) => {
    t.string('id', 64).primary();
    // sign_in: a way in of its own; link_only: adds proof to an account, opens none.
    t.string('use', 16).notNullable();
    // JSON: how much less than the bridge's own ceiling it is trusted; null: no less.
    t.text('cap');
    t.text('sealed_settings').notNullable();
    t.bigInteger('version').notNullable();
    t.bigInteger('updated_at').notNullable();
    t.string('updated_by', 64).notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('bridges');
}
