import type { Knex } from 'knex';

export const labels = {
  evidence: {
    id: 'id',
    account_id: 'id',
    kind: 'not personal',
    source: 'not personal',
    strength: 'not personal',
    confirmed: 'not personal',
    recorded_at: 'not personal',
    expires_at: 'not personal',
    reference: 'id',
    revoked_at: 'not personal',
    revoked_reason: 'not personal',
  },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('evidence', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('kind', 32).notNullable();
    t.string('source', 64).notNullable();
    t.string('strength', 16).notNullable();
    t.text('confirmed').notNullable();
    t.bigInteger('recorded_at').notNullable();
    t.bigInteger('expires_at');
    // The transaction id of the source, to ask it again; never a document number.
    t.string('reference', 255);
    t.bigInteger('revoked_at');
    t.string('revoked_reason', 64);
    t.index('account_id');
  });
  // The ledger is append-only by the database's own rule, not by habit: a revocation is written once, nothing else changes.
  if (knex.client.dialect === 'postgresql') await postgresGuard(knex);
  else await sqliteGuard(knex);
}

async function sqliteGuard(knex: Knex): Promise<void> {
  const fixed = [
    'id',
    'account_id',
    'kind',
    'source',
    'strength',
    'confirmed',
    'recorded_at',
    'expires_at',
    'reference',
  ];
  const changed = fixed.map((column) => `new.${column} is not old.${column}`).join(' or ');
  await knex.raw(`create trigger evidence_append_only before update on evidence
    when old.revoked_at is not null or ${changed}
    begin select raise(abort, 'evidence is append-only'); end`);
  await knex.raw(`create trigger evidence_no_delete before delete on evidence
    begin select raise(abort, 'evidence is append-only'); end`);
}

async function postgresGuard(knex: Knex): Promise<void> {
  await knex.raw(`create function evidence_append_only() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' or old.revoked_at is not null
        or (to_jsonb(new) - 'revoked_at' - 'revoked_reason') <> (to_jsonb(old) - 'revoked_at' - 'revoked_reason') then
        raise exception 'evidence is append-only';
      end if;
      return new;
    end $$`);
  await knex.raw(`create trigger evidence_append_only before update or delete on evidence
    for each row execute function evidence_append_only()`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('evidence');
  if (knex.client.dialect === 'postgresql') await knex.raw('drop function evidence_append_only()');
}
