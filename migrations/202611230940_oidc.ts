import type { Knex } from 'knex';

/**
 * What the protocol engine keeps: one table for all its models, one for what may be seen only once.
 *
 * Every index costs each token a write, so there are few: accounts are indexed for sessions and grants only, since tokens are
 * reached through their grant.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('oidc_models', (table) => {
    table
      .string('key', 43)
      .primary()
      .comment('not personal: SHA-256 of model and id; the id itself is a bearer secret and not stored');
    table.string('model', 40).notNullable().comment('not personal');
    table.string('grant_key', 43).nullable().comment('not personal: key of the Grant row this token belongs to');
    table
      .string('session_uid', 64)
      .nullable()
      .comment('not personal: uid of the SSO session, which is no bearer secret');
    table.string('account_id', 64).nullable().comment('personal: pseudonymous account id');
    table.string('user_code_key', 43).nullable().comment('not personal: SHA-256 of a device user code');
    table
      .text('payload')
      .notNullable()
      .comment('personal: JSON without the id, or sealed where the request may name a person');
    table.integer('version').notNullable().defaultTo(0).comment('not personal: counts changes, for optimistic updates');
    table.bigInteger('expires_at').nullable().comment('not personal');
    table.bigInteger('consumed_at').nullable().comment('not personal');
  });
  await knex.raw('create index oidc_models_grant on oidc_models (grant_key) where grant_key is not null');
  await knex.raw("create index oidc_models_session on oidc_models (session_uid) where model = 'Session'");
  await knex.raw("create index oidc_models_account on oidc_models (account_id) where model in ('Session', 'Grant')");
  await knex.raw('create index oidc_models_user_code on oidc_models (user_code_key) where user_code_key is not null');
  await knex.raw('create index oidc_models_expiry on oidc_models (expires_at) where expires_at is not null');

  await knex.schema.createTable('oidc_replays', (table) => {
    table.string('key', 43).primary().comment('not personal: SHA-256 of issuer and jti');
    table.bigInteger('expires_at').notNullable().index().comment('not personal');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('oidc_replays');
  await knex.schema.dropTable('oidc_models');
}
