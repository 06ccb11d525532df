import type { Knex } from 'knex';

export const labels = {
  staff: {
    account_id: 'id',
    role: 'personal',
    granted_by: 'id',
    granted_at: 'not personal',
    revoked_at: 'not personal',
  },
  audit: {
    seq: 'not personal',
    at: 'not personal',
    type: 'not personal',
    actor_kind: 'not personal',
    actor_id: 'id',
    account_id: 'id',
    client_id: 'not personal',
    request_id: 'id',
    outcome: 'not personal',
    reason: 'not personal',
    data: 'not personal',
    prev_hash: 'not personal',
    hash: 'not personal',
  },
  audit_head: { id: 'not personal', seq: 'not personal', hash: 'not personal' },
  outbox: {
    id: 'id',
    kind: 'not personal',
    target: 'id',
    payload: 'sealed',
    created_at: 'not personal',
    due_at: 'not personal',
    attempts: 'not personal',
    last_error: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('staff', (t) => {
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('role', 32).notNullable();
    t.string('granted_by', 64).notNullable();
    t.bigInteger('granted_at').notNullable();
    t.bigInteger('revoked_at');
    t.primary(['account_id', 'role']);
  });

  await knex.schema.createTable('audit', (t) => {
    t.bigInteger('seq').primary();
    t.bigInteger('at').notNullable();
    t.string('type', 64).notNullable();
    t.string('actor_kind', 32).notNullable();
    t.string('actor_id', 255).notNullable();
    // No foreign key: the record outlives what it speaks of.
    t.string('account_id', 36);
    t.string('client_id', 255);
    t.string('request_id', 64);
    t.string('outcome', 16).notNullable();
    t.string('reason', 64);
    t.text('data').notNullable();
    t.string('prev_hash', 43).notNullable();
    t.string('hash', 43).notNullable();
    t.index(['account_id', 'seq']);
  });
  // One row: the newest link. Writers queue on it, so that the links follow each other without a gap.
  await knex.schema.createTable('audit_head', (t) => {
    t.integer('id').primary();
    t.bigInteger('seq').notNullable();
    t.string('hash', 43).notNullable();
  });
  await knex('audit_head').insert({ id: 1, seq: 0, hash: '' });
  await appendOnly(knex);

  await knex.schema.createTable('outbox', (t) => {
    t.string('id', 36).primary();
    t.string('kind', 64).notNullable();
    t.string('target', 255).notNullable();
    t.text('payload').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('due_at').notNullable();
    t.integer('attempts').notNullable();
    t.text('last_error');
    t.index('due_at');
  });
}

async function appendOnly(knex: Knex): Promise<void> {
  if (knex.client.dialect === 'postgresql') {
    await knex.raw(`create function audit_append_only() returns trigger language plpgsql as $$
      begin raise exception 'audit is append-only'; end $$`);
    await knex.raw(`create trigger audit_append_only before update or delete on audit
      for each row execute function audit_append_only()`);
    return;
  }
  for (const change of ['update', 'delete']) {
    await knex.raw(`create trigger audit_no_${change} before ${change} on audit
      begin select raise(abort, 'audit is append-only'); end`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
  if (knex.client.dialect === 'postgresql') await knex.raw('drop function audit_append_only()');
}
