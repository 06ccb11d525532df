import type { Knex } from 'knex';

export const labels = {
  known_devices: { account_id: 'id', device: 'blind', last_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  // Browsers in which an account signed in. Keyed with the account, so that two accounts on one device don't show.
  await knex.schema.createTable('known_devices', (t) => {
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('device', 43).notNullable();
    t.bigInteger('last_at').notNullable();
    t.primary(['account_id', 'device']);
    t.index(['last_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
