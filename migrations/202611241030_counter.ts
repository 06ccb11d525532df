import type { Knex } from 'knex';

export const labels = {
  service_counters: { id: 'not personal', names: 'not personal', places: 'not personal', open: 'not personal' },
  counter_cases: {
    id: 'id',
    account_id: 'id',
    officials: 'not personal',
    status: 'not personal',
    code_blind: 'blind',
    sealed_code: 'sealed',
    opened_at: 'not personal',
    expires_at: 'not personal',
    holder: 'id',
    held_at: 'not personal',
    held_counter: 'not personal',
    first_by: 'id',
    first_at: 'not personal',
    first_counter: 'not personal',
    second_by: 'id',
    second_at: 'not personal',
    second_counter: 'not personal',
    category: 'personal',
    document_type: 'personal',
    sealed_document: 'sealed',
    closed_at: 'not personal',
    reason: 'not personal',
    revision: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('service_counters', (t) => {
    t.string('id', 32).primary();
    // JSON: text by language.
    t.text('names').notNullable();
    t.text('places').notNullable();
    t.boolean('open').notNullable();
  });
  await knex.schema.createTable('counter_cases', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    // How many officials the citizen asked for.
    t.integer('officials').notNullable();
    t.string('status', 16).notNullable();
    // Keyed hash by which a clerk's entry is found, and the code sealed under the citizen's own key, so that their page
    // can show it again; both are gone once the case is closed.
    t.string('code_blind', 64).unique();
    t.text('sealed_code');
    t.bigInteger('opened_at').notNullable();
    // Of the code; after the first of two officials, of the wait for the second.
    t.bigInteger('expires_at').notNullable();
    t.string('holder', 36);
    t.bigInteger('held_at');
    t.string('held_counter', 32);
    t.string('first_by', 36);
    t.bigInteger('first_at');
    t.string('first_counter', 32);
    t.string('second_by', 36);
    t.bigInteger('second_at');
    t.string('second_counter', 32);
    t.string('category', 32);
    t.string('document_type', 32);
    // What the first official read, for comparison with what the second reads; gone once the case is closed.
    t.text('sealed_document');
    t.bigInteger('closed_at');
    t.string('reason', 32);
    t.integer('revision').notNullable();
    t.index(['account_id', 'id']);
    t.index(['status', 'expires_at']);
  });
  // One open case for an account, whatever the code does.
  await knex.raw(
    `create unique index counter_cases_one_open on counter_cases (account_id) where status in ('open', 'half')`,
  );
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
