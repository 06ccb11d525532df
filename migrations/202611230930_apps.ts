import type { Knex } from 'knex';

export const labels = {
  apps: {
    id: 'not personal',
    metadata: 'secret',
    name: 'not personal',
    purpose: 'not personal',
    owner_name: 'not personal',
    created_at: 'not personal',
    updated_at: 'not personal',
  },
  signing_keys: {
    kid: 'not personal',
    alg: 'not personal',
    use: 'not personal',
    sealed_private_jwk: 'secret',
    public_jwk: 'not personal',
    status: 'not personal',
    created_at: 'not personal',
    activated_at: 'not personal',
    retired_at: 'not personal',
  },
  counters: { name: 'not personal', value: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('apps', (t) => {
    t.string('id', 255).primary();
    t.text('metadata').notNullable();
    t.text('name').notNullable();
    t.text('purpose').notNullable();
    t.text('owner_name').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
  });
  await knex.schema.createTable('signing_keys', (t) => {
    t.string('kid', 64).primary();
    t.string('alg', 16).notNullable();
    t.string('use', 8).notNullable();
    t.text('sealed_private_jwk').notNullable();
    t.text('public_jwk').notNullable();
    t.string('status', 16).notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('activated_at');
    t.bigInteger('retired_at');
  });
  // Two nodes that rotate at once must not leave two current keys of one kind.
  await knex.raw(`create unique index signing_keys_current on signing_keys (alg, "use") where status = 'current'`);
  // Cheap polls: has anything of this kind changed since I looked.
  await knex.schema.createTable('counters', (t) => {
    t.string('name', 64).primary();
    t.bigInteger('value').notNullable();
  });
  await knex('counters').insert({ name: 'key_epoch', value: 0 });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
