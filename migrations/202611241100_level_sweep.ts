import type { Knex } from 'knex';

export const labels = {
  level_sweep: {
    id: 'not personal',
    told: 'not personal',
    target: 'not personal',
    after_account: 'id',
    revision: 'not personal',
  },
} as const;

/** How far the apps were told of levels that changed for many at once: by a new policy, a switched source, or time. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('level_sweep', (t) => {
    // One row.
    t.integer('id').primary();
    // What levels rested on when the apps were last told of all of them, and what they are being told of now (JSON).
    t.text('told').notNullable();
    t.text('target');
    t.string('after_account', 36).notNullable();
    t.integer('revision').notNullable();
  });
  // Evidence that ends in a given minute, by its own end or by its age.
  await knex.schema.alterTable('evidence', (t) => {
    t.index(['kind', 'recorded_at']);
    t.index('expires_at');
  });
  // Each kind of message has its own worker; some go to one target in their order.
  await knex.schema.alterTable('outbox', (t) => {
    t.index(['kind', 'due_at']);
    t.index(['kind', 'target', 'id']);
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('outbox', (t) => {
    t.dropIndex(['kind', 'target', 'id']);
    t.dropIndex(['kind', 'due_at']);
  });
  await knex.schema.alterTable('evidence', (t) => {
    t.dropIndex(['kind', 'recorded_at']);
    t.dropIndex('expires_at');
  });
  await knex.schema.dropTable('level_sweep');
}
