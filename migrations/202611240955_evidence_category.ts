import type { Knex } from 'knex';

export const labels = { evidence: { category: 'personal' } } as const;

const fixed = ['id', 'account_id', 'kind', 'source', 'strength', 'confirmed', 'recorded_at', 'expires_at', 'reference'];

/**
 * Category of the person whom a piece of evidence is about, so that a policy may treat categories differently. Rows from
 * before take it from the person whom the account is bound to; a confirmed contact says nothing of a category.
 */
export async function up(knex: Knex): Promise<void> {
  const sqlite = knex.client.dialect !== 'postgresql';
  if (sqlite) await knex.raw('drop trigger evidence_append_only');
  else await knex.raw('alter table evidence disable trigger evidence_append_only');
  await knex.schema.alterTable('evidence', (t) => {
    t.string('category', 32);
  });
  await knex.raw(`update evidence set category =
      (select persons.category from persons where persons.account_id = evidence.account_id) where kind <> 'contact'`);
  // PostgreSQL's guard compares whole rows, so it covers the new column; SQLite's names each.
  if (sqlite) await sqliteGuard(knex, [...fixed, 'category']);
  else await knex.raw('alter table evidence enable trigger evidence_append_only');
}

async function sqliteGuard(knex: Knex, columns: readonly string[]): Promise<void> {
  const changed = columns.map((column) => `new.${column} is not old.${column}`).join(' or ');
  await knex.raw(`create trigger evidence_append_only before update on evidence
    when old.revoked_at is not null or ${changed}
    begin select raise(abort, 'evidence is append-only'); end`);
}

export async function down(knex: Knex): Promise<void> {
  const sqlite = knex.client.dialect !== 'postgresql';
  if (sqlite) await knex.raw('drop trigger evidence_append_only');
  // Not knex's `dropColumn`: on SQLite it copies the table, and with the table its triggers are lost.
  await knex.raw('alter table evidence drop column category');
  if (sqlite) await sqliteGuard(knex, fixed);
}
