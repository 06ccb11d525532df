import type { Knex } from 'knex';

export const labels = {
  merge_answers: {
    change_id: 'id',
    account_id: 'id',
    other_id: 'id',
    stays: 'not personal',
    asked_at: 'not personal',
    expires_at: 'not personal',
    answer: 'not personal',
    answered_at: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  // What the holders of both accounts are asked before two officials may make one account of two, and what they said.
  await knex.schema.createTable('merge_answers', (t) => {
    t.string('change_id', 36).notNullable().references('changes.id');
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('other_id', 36).notNullable().references('accounts.id');
    // Whether this account is the one that stays.
    t.boolean('stays').notNullable();
    t.bigInteger('asked_at').notNullable();
    t.bigInteger('expires_at').notNullable();
    // Null: none yet.
    t.string('answer', 3);
    t.bigInteger('answered_at');
    t.primary(['change_id', 'account_id']);
    t.index('account_id');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('merge_answers');
}
