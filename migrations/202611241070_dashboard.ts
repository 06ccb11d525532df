import type { Knex } from 'knex';

export const labels = {
  journey_visits: {
    cid: 'id',
    client_id: 'not personal',
    started_at: 'not personal',
    last_page: 'not personal',
    last_at: 'not personal',
    finished_at: 'not personal',
  },
  daily_counts: {
    day: 'not personal',
    kind: 'not personal',
    a: 'not personal',
    b: 'not personal',
    c: 'not personal',
    count: 'not personal',
  },
  rollup_marks: { name: 'not personal', mark: 'not personal' },
} as const;

/** What the console's plots are drawn from: counts a day, so that a page costs the same in a village and in a city. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('journey_visits', (t) => {
    t.string('cid', 64).primary();
    t.string('client_id', 255).notNullable();
    t.bigInteger('started_at').notNullable();
    t.string('last_page', 64).notNullable();
    t.bigInteger('last_at').notNullable().index();
    t.bigInteger('finished_at');
  });
  await knex.schema.createTable('daily_counts', (t) => {
    t.integer('day').notNullable();
    t.string('kind', 32).notNullable();
    t.string('a', 255).notNullable();
    t.string('b', 255).notNullable();
    t.string('c', 255).notNullable();
    t.bigInteger('count').notNullable();
    t.primary(['kind', 'day', 'a', 'b', 'c']);
  });
  await knex.schema.createTable('rollup_marks', (t) => {
    t.string('name', 32).primary();
    t.string('mark', 64).notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of Object.keys(labels).reverse()) await knex.schema.dropTable(table);
}
