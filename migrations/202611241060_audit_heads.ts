import type { Knex } from 'knex';

export const labels = {
  audit_heads: { day: 'not personal', seq: 'not personal', at: 'not personal', jws: 'not personal' },
} as const;

/** A signed head a day, and the orders in which auditors read the log. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_heads', (t) => {
    t.integer('day').primary();
    t.bigInteger('seq').notNullable();
    t.bigInteger('at').notNullable();
    t.text('jws').notNullable();
  });
  await knex.schema.alterTable('audit', (t) => {
    t.index(['type', 'seq'], 'audit_by_type');
    t.index(['actor_id', 'seq'], 'audit_by_actor');
    t.index(['request_id', 'seq'], 'audit_by_request');
    t.index(['at', 'seq'], 'audit_by_time');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('audit', (t) => {
    for (const name of ['audit_by_type', 'audit_by_actor', 'audit_by_request', 'audit_by_time']) t.dropIndex([], name);
  });
  await knex.schema.dropTable('audit_heads');
}
