import type { Knex } from 'knex';

/** Which columns hold data about a person (checked by test/migrations.test.ts). */
export const labels = { consents: { basis: 'not personal' } } as const;

const verified = ['verified_claims.name', 'verified_claims.evidence'];
/** What stood on the page for each name that was agreed to; a name of now stands for itself. */
const shown: Readonly<Record<string, readonly string[]>> = {
  profile: ['name', 'locale'],
  phone: ['phone_number', 'phone_number_verified'],
  verified_claims: verified,
};

export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('consents', (t) => {
    // `agreed`: by the citizen; `city_rules`: passed on to a department of the city, which nobody is asked about.
    t.string('basis', 16).notNullable().defaultTo('agreed');
  });
  const departments: string[] = [];
  for (const { id, metadata } of await knex('apps').select('id', 'metadata'))
    if (JSON.parse(metadata).shimin_first_party === true) departments.push(id);
  await knex('consents').whereIn('client_id', departments).update({ basis: 'city_rules' });
  await eachRow(knex, ({ scopes, claims, basis }) => {
    const names = [...JSON.parse(scopes), ...JSON.parse(claims)].filter((name: string) => name in shown);
    const kept = JSON.parse(claims).filter((name: string) => name !== 'verified_claims');
    const told = names.flatMap((name: string) => shown[name] ?? []);
    // Nobody was shown anything there: what the name stood for was passed on.
    if (basis === 'city_rules' && names.includes('verified_claims')) told.push('verified_claims.birthdate');
    return [...new Set([...kept, ...told])];
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('consents', (t) => {
    t.dropColumn('basis');
  });
}

interface Row {
  account_id: string;
  client_id: string;
  scopes: string;
  claims: string;
  basis: string;
}

async function eachRow(knex: Knex, claimsOf: (row: Row) => string[]): Promise<void> {
  let last: Row | undefined;
  for (;;) {
    const query = knex('consents').orderBy(['account_id', 'client_id']).limit(500);
    if (last !== undefined) query.whereRaw('(account_id, client_id) > (?, ?)', [last.account_id, last.client_id]);
    const rows: Row[] = await query;
    for (const row of rows) {
      const { account_id, client_id } = row;
      await knex('consents')
        .where({ account_id, client_id })
        .update({ claims: JSON.stringify(claimsOf(row)) });
    }
    last = rows.at(-1);
    if (rows.length < 500) return;
  }
}
