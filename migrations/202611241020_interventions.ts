import type { Knex } from 'knex';

export const labels = {
  interventions: {
    id: 'id',
    account_id: 'id',
    kind: 'personal',
    reason: 'personal',
    sealed_note: 'sealed',
    actor: 'id',
    told_apps: 'personal',
    at: 'not personal',
    until: 'not personal',
    lifted_at: 'not personal',
    lifted_how: 'not personal',
    lifted_by: 'id',
    lifted_reason: 'not personal',
    sealed_lift_note: 'sealed',
  },
  staff_looks: {
    staff_id: 'id',
    account_id: 'id',
    reason: 'not personal',
    until: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('interventions', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('kind', 32).notNullable();
    t.string('reason', 64).notNullable();
    // What staff wrote about it, sealed under the citizen's own key.
    t.text('sealed_note');
    t.string('actor', 64).notNullable();
    // JSON: the apps that heard of the stop, since only they are to hear of its end; sessions and grants are gone by then.
    t.text('told_apps').notNullable();
    t.bigInteger('at').notNullable();
    // When it ends of itself; null: only somebody ends it.
    t.bigInteger('until');
    t.bigInteger('lifted_at');
    t.string('lifted_how', 16);
    t.string('lifted_by', 64);
    t.string('lifted_reason', 64);
    t.text('sealed_lift_note');
    t.index(['account_id', 'at']);
  });
  // At most one of a kind is open for an account; every token looks here, so the index holds the open ones only.
  await knex.raw(
    'create unique index interventions_one_open on interventions (account_id, kind) where lifted_at is null',
  );
  await knex.raw('create index interventions_ending on interventions (until) where lifted_at is null');

  // Whose record a member of staff may read for some minutes, and what they said it was for.
  await knex.schema.createTable('staff_looks', (t) => {
    t.string('staff_id', 36).notNullable();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('reason', 64).notNullable();
    t.bigInteger('until').notNullable();
    t.primary(['staff_id', 'account_id']);
    t.index('until');
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
