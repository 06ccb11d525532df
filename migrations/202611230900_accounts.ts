import type { Knex } from 'knex';

/**
 * What each column holds: `id` (pseudonymous), `personal` (readable), `sealed` (personal, encrypted), `blind` (keyed
 * fingerprint of something personal), `secret` (credential material), `not personal`. test/migrations.test.ts compares
 * this with the real schema.
 */
export const labels = {
  accounts: {
    id: 'id',
    status: 'not personal',
    display_name: 'personal',
    locale: 'not personal',
    sealed_key: 'secret',
    passkey_user_handle: 'id',
    created_at: 'not personal',
    status_changed_at: 'not personal',
  },
  contacts: {
    id: 'id',
    account_id: 'id',
    kind: 'not personal',
    sealed_value: 'sealed',
    value_blind: 'blind',
    confirmed_at: 'not personal',
  },
  persons: {
    id: 'id',
    account_id: 'id',
    category: 'personal',
    sealed_birth_date: 'sealed',
    created_at: 'not personal',
  },
  person_names: {
    id: 'id',
    person_id: 'id',
    script: 'not personal',
    sealed_name: 'sealed',
    registered: 'not personal',
    created_at: 'not personal',
  },
  person_documents: {
    id: 'id',
    person_id: 'id',
    type: 'personal',
    sealed_number: 'sealed',
    number_blind: 'blind',
    created_at: 'not personal',
  },
  passkeys: {
    id: 'id',
    account_id: 'id',
    credential_id: 'id',
    public_key: 'not personal',
    counter: 'not personal',
    transports: 'not personal',
    backup_eligible: 'not personal',
    backup_state: 'not personal',
    user_verified_at_registration: 'not personal',
    aaguid: 'not personal',
    name: 'personal',
    created_at: 'not personal',
    last_used_at: 'personal',
    revoked_at: 'not personal',
    revoked_reason: 'not personal',
  },
  passwords: { account_id: 'id', hash: 'secret', created_at: 'not personal' },
  totps: {
    id: 'id',
    account_id: 'id',
    sealed_secret: 'secret',
    last_step: 'not personal',
    confirmed_at: 'not personal',
    revoked_at: 'not personal',
    revoked_reason: 'not personal',
  },
  recovery_codes: { account_id: 'id', code_hash: 'secret', created_at: 'not personal', used_at: 'not personal' },
  external_identities: {
    id: 'id',
    account_id: 'id',
    bridge: 'not personal',
    linked_at: 'not personal',
    last_used_at: 'personal',
  },
  external_identity_keys: { bridge: 'not personal', part: 'not personal', subject_blind: 'blind', identity_id: 'id' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('accounts', (t) => {
    t.string('id', 36).primary();
    t.string('status', 16).notNullable();
    t.text('display_name');
    t.string('locale', 16).notNullable();
    t.text('sealed_key').notNullable();
    t.string('passkey_user_handle', 128).notNullable().unique();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('status_changed_at').notNullable();
  });

  await knex.schema.createTable('contacts', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('kind', 16).notNullable();
    t.text('sealed_value').notNullable();
    t.string('value_blind', 43).notNullable();
    t.bigInteger('confirmed_at').notNullable();
    t.unique(['kind', 'value_blind']);
    t.index('account_id');
  });

  await knex.schema.createTable('persons', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().unique().references('accounts.id');
    t.string('category', 32).notNullable();
    t.text('sealed_birth_date');
    t.bigInteger('created_at').notNullable();
  });
  await knex.schema.createTable('person_names', (t) => {
    t.string('id', 36).primary();
    t.string('person_id', 36).notNullable().references('persons.id');
    t.string('script', 16).notNullable();
    t.text('sealed_name').notNullable();
    // The name as the authoritative register has it; the others are other scripts of the same name.
    t.boolean('registered').notNullable();
    t.bigInteger('created_at').notNullable();
    t.unique(['person_id', 'script']);
  });
  await knex.schema.createTable('person_documents', (t) => {
    t.string('id', 36).primary();
    t.string('person_id', 36).notNullable().references('persons.id');
    t.string('type', 48).notNullable();
    t.text('sealed_number').notNullable();
    t.string('number_blind', 43).notNullable();
    t.bigInteger('created_at').notNullable();
    // One natural person, one account: the promise behind the real-name level.
    t.unique(['type', 'number_blind']);
    t.index('person_id');
  });

  await authenticatorTables(knex);

  await knex.schema.createTable('external_identities', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.string('bridge', 64).notNullable();
    t.bigInteger('linked_at').notNullable();
    t.bigInteger('last_used_at').notNullable();
    t.index('account_id');
  });
  // An upstream subject may have several key parts (WeChat: unionid and openid); each leads to one identity only.
  await knex.schema.createTable('external_identity_keys', (t) => {
    t.string('bridge', 64).notNullable();
    t.string('part', 32).notNullable();
    t.string('subject_blind', 43).notNullable();
    t.string('identity_id', 36).notNullable().references('external_identities.id').onDelete('CASCADE');
    t.primary(['bridge', 'part', 'subject_blind']);
    t.index('identity_id');
  });
}

async function authenticatorTables(knex: Knex): Promise<void> {
  await knex.schema.createTable('passkeys', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    // WebAuthn 2 section 4: at most 1023 bytes, 1364 characters of base64url.
    t.string('credential_id', 1364).notNullable().unique();
    t.binary('public_key').notNullable();
    t.bigInteger('counter').notNullable();
    t.text('transports').notNullable();
    t.boolean('backup_eligible').notNullable();
    t.boolean('backup_state').notNullable();
    t.boolean('user_verified_at_registration').notNullable();
    t.string('aaguid', 36).notNullable();
    t.text('name').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('last_used_at');
    t.bigInteger('revoked_at');
    t.string('revoked_reason', 64);
    t.index('account_id');
  });

  await knex.schema.createTable('passwords', (t) => {
    t.string('account_id', 36).primary().references('accounts.id');
    t.text('hash').notNullable();
    t.bigInteger('created_at').notNullable();
  });

  await knex.schema.createTable('totps', (t) => {
    t.string('id', 36).primary();
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.text('sealed_secret').notNullable();
    t.bigInteger('last_step').notNullable();
    t.bigInteger('confirmed_at');
    t.bigInteger('revoked_at');
    t.string('revoked_reason', 64);
  });
  await knex.raw('create unique index totps_live on totps (account_id) where revoked_at is null');

  await knex.schema.createTable('recovery_codes', (t) => {
    t.string('account_id', 36).notNullable().references('accounts.id');
    t.text('code_hash').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('used_at');
    t.primary(['account_id', 'code_hash']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
