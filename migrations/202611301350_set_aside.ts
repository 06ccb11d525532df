import type { Knex } from 'knex';

export const labels = {
  outbox: { set_aside_at: 'not personal' },
  signal_events: { set_aside_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  // A row that can't be read must not stand before all that come after it: it stays for whoever looks, out of the queue.
  for (const table of Object.keys(labels)) {
    await knex.schema.alterTable(table, (t) => {
      t.bigInteger('set_aside_at');
    });
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) {
    await knex.schema.alterTable(table, (t) => {
      t.dropColumn('set_aside_at');
    });
  }
}
