import type { Knex } from 'knex';

/** Which columns hold data about a person (checked by test/migrations.test.ts). */
export const labels = {
  changes: {
    subject: 'not personal',
    refusal: 'not personal',
  },
} as const;

const own = "model in ('Grant', 'ClientCredentials')";

/** Whose grant, or own token, a row of the engine is. Payloads of other models may be sealed: they are not looked into. */
const clientOf = (postgres: boolean) =>
  `(case when ${own} then ${postgres ? "(payload::jsonb) ->> 'clientId'" : "json_extract(payload, '$.clientId')"} end)`;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('changes', (table) => {
    // The app that a change is about, to find who looks after it; null for other kinds.
    table.string('subject', 255);
    // Why an approved change was not published.
    table.string('refusal', 32);
    table.index(['kind', 'subject']);
  });
  const postgres = knex.client.dialect === 'postgresql';
  await knex.raw(`create index oidc_models_client on oidc_models (${clientOf(postgres)}) where ${own}`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index oidc_models_client');
  await knex.schema.alterTable('changes', (table) => {
    table.dropIndex(['kind', 'subject']);
    table.dropColumns('subject', 'refusal');
  });
}
