import type { Knex } from 'knex';

export const labels = { authentication_events: { stale: 'not personal' } } as const;

export async function up(knex: Knex): Promise<void> {
  // A sign-in at an upstream that did not show that it was made for us: it is worth what it says, and is new to nobody.
  await knex.schema.alterTable('authentication_events', (t) => {
    t.boolean('stale').notNullable().defaultTo(false);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('authentication_events', (t) => {
    t.dropColumn('stale');
  });
}
