import type { Knex } from 'knex';

export const labels = {
  passkeys: { bound_in: 'not personal', suspended_at: 'not personal', suspended_reason: 'not personal' },
  external_identities: { bound_in: 'not personal', strength: 'not personal' },
} as const;

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('passkeys', (t) => {
    // The authorization request in which it was added to an account that was there already: it counts for nothing in that one.
    t.string('bound_in', 64);
    // Its owner is asked to make another: its counter ran back, or it says something else of itself than before.
    t.bigInteger('suspended_at');
    t.string('suspended_reason', 32);
  });
  await knex.schema.alterTable('external_identities', (t) => {
    t.string('bound_in', 64);
    // The strongest sign-in that ever came by it: what an account can show that way.
    t.string('strength', 32).notNullable().defaultTo('one_factor');
  });
  // What came by it so far is the best guess there is.
  const shown = (strength: string, condition: string) =>
    knex.raw(
      `update external_identities set strength = ? where exists (
         select 1 from authentication_events e where e.account_id = external_identities.account_id
           and e.credential_id = external_identities.bridge || ':' || external_identities.id and ${condition})`,
      [strength],
    );
  await shown('two_factors', "e.factors like '%,%'");
  await shown('phishing_resistant', "e.factors like '%,%' and e.phishing_resistant and e.user_verified");
  await shown('device_bound', "e.factors like '%,%' and e.phishing_resistant and e.user_verified and e.device_bound");
}

export async function down(knex: Knex): Promise<void> {
  // Not knex's `dropColumn`: on SQLite it copies the table.
  for (const column of ['bound_in', 'suspended_at', 'suspended_reason'])
    await knex.raw(`alter table passkeys drop column ${column}`);
  for (const column of ['bound_in', 'strength'])
    await knex.raw(`alter table external_identities drop column ${column}`);
}
