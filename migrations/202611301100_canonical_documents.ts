import type { Knex } from 'knex';

export const labels = {
  person_documents: { search_blind: 'blind', form: 'not personal' },
  person_names: { form: 'not personal' },
  document_disputes: { document_id: 'id', found_at: 'not personal', settled_at: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('person_documents', (t) => {
    // What a passport is found by where its state is not told: two states may use one number, so not unique.
    t.string('search_blind', 43);
    // Which rules of writing a number the row was made under. Rows of older rules are written anew by the keyring's holder
    // (`shimin migrate`, and every start): what is sealed can't be changed from here.
    t.integer('form').notNullable().defaultTo(0);
    t.index(['type', 'search_blind']);
    t.index('form');
  });
  await knex.schema.alterTable('person_names', (t) => {
    t.integer('form').notNullable().defaultTo(0);
    t.index('form');
  });
  // Documents of two accounts that turned out to be one document: neither is taken from anybody by a machine.
  await knex.schema.createTable('document_disputes', (t) => {
    t.string('document_id', 36).primary().references('person_documents.id').onDelete('CASCADE');
    t.bigInteger('found_at').notNullable();
    t.bigInteger('settled_at');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('document_disputes');
  await knex.raw('drop index person_names_form_index');
  await knex.raw('alter table person_names drop column form');
  await knex.raw('drop index person_documents_form_index');
  await knex.raw('drop index person_documents_type_search_blind_index');
  // Not knex's `dropColumn`: on SQLite it copies the table.
  await knex.raw('alter table person_documents drop column form');
  await knex.raw('alter table person_documents drop column search_blind');
}
