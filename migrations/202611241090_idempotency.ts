import type { Knex } from 'knex';

export const labels = {
  idempotency: {
    client_id: 'id',
    key: 'id',
    request_hash: 'not personal',
    answer: 'sealed',
    expires_at: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  // What a program was answered under a key of its own, so that asking again does nothing again.
  await knex.schema.createTable('idempotency', (t) => {
    t.string('client_id', 255).notNullable();
    t.string('key', 64).notNullable();
    // Of everything that says what was asked for.
    t.string('request_hash', 43).notNullable();
    // Sealed: it may hold a new secret. Null only inside the transaction that is working on it.
    t.text('answer');
    t.bigInteger('expires_at').notNullable();
    t.primary(['client_id', 'key']);
    t.index(['expires_at']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
