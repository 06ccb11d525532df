import type { Knex } from 'knex';

export const labels = {
  merges: {
    id: 'id',
    keep_id: 'id',
    gone_id: 'id',
    change_id: 'id',
    merged_at: 'not personal',
    undo_until: 'not personal',
    undone_at: 'not personal',
    snapshot: 'sealed',
  },
  subject_aliases: { account_id: 'id', sector: 'not personal', subject_of: 'id', merge_id: 'id' },
  passkeys: { user_handle: 'id' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('merges', (t) => {
    t.string('id', 36).primary();
    t.string('keep_id', 36).notNullable().references('accounts.id');
    t.string('gone_id', 36).notNullable().references('accounts.id');
    t.string('change_id', 36).notNullable();
    t.bigInteger('merged_at').notNullable();
    t.bigInteger('undo_until').notNullable();
    t.bigInteger('undone_at');
    // What was moved, as it was before: the way back.
    t.text('snapshot').notNullable();
    t.index('keep_id');
    t.index('merged_at');
  });
  // An account goes into one other, whatever races.
  await knex.raw('create unique index merges_gone on merges (gone_id) where undone_at is null');
  // Apps that knew only the account that is gone go on seeing the subject they know.
  await knex.schema.createTable('subject_aliases', (t) => {
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('sector', 255).notNullable();
    t.string('subject_of', 36).notNullable();
    t.string('merge_id', 36).notNullable().references('merges.id');
    t.primary(['account_id', 'sector']);
    t.index('merge_id');
  });
  // A passkey says the user handle of the account it was made for, for ever (WebAuthn 3 section 5.1.4); null: its account's.
  await knex.schema.alterTable('passkeys', (t) => {
    t.string('user_handle', 128);
  });
}

export async function down(knex: Knex): Promise<void> {
  // Not knex's `dropColumn`: on SQLite it copies the table.
  await knex.raw('alter table passkeys drop column user_handle');
  await knex.schema.dropTable('subject_aliases');
  await knex.schema.dropTable('merges');
}
