import type { Knex } from 'knex';

export const labels = {
  person_documents: { record_id: 'id', sealed_birth_date: 'sealed' },
  person_names: { record_id: 'id' },
  evidence: { record_id: 'id' },
} as const;

const fixed = [
  ...['id', 'account_id', 'kind', 'source', 'strength', 'confirmed', 'recorded_at', 'expires_at', 'reference'],
  'category',
];

/**
 * What a source said of a person is one record: documents that it says are one person's, the name and day of birth it told.
 * Evidence names the record that it is about, so that proofs of two documents are never added up as if of one. A document
 * from before is a record of its own; evidence from before is of the only document there is, or of the only one that its
 * source can have vouched for, and of none where that can't be told.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('person_documents', (t) => {
    t.string('record_id', 36);
    t.text('sealed_birth_date');
  });
  await knex.schema.alterTable('person_names', (t) => {
    t.string('record_id', 36);
    t.dropUnique(['person_id', 'script']);
    t.unique(['person_id', 'record_id', 'script']);
  });
  await knex.raw('update person_documents set record_id = id');
  // What was told at first was told with the first document.
  await knex.raw(`update person_names set record_id =
      (select min(d.id) from person_documents d where d.person_id = person_names.person_id)`);
  await knex.raw(`update person_documents set sealed_birth_date =
      (select p.sealed_birth_date from persons p where p.id = person_documents.person_id)
      where id in (select min(id) from person_documents group by person_id)`);
  await unguarded(knex, [...fixed, 'record_id'], async () => {
    await knex.schema.alterTable('evidence', (t) => {
      t.string('record_id', 36);
    });
    await fillEvidence(knex);
  });
}

const permits = `'cn_hm_travel_permit', 'cn_hm_travel_permit_noncn', 'cn_tw_travel_permit', 'cn_hmt_residence_permit',
  'cn_foreign_pr_18', 'cn_foreign_pr_15'`;

/** Which kinds of document evidence can have been about, the first line that fits. */
const about: readonly (readonly [evidence: string, documents: string])[] = [
  [`kind = 'population'`, `d.type in ('cn_resident_id', 'cn_resident_id_15')`],
  [`kind = 'document'`, `d.type in (${permits})`],
  [`kind = 'elements' and category = 'mainland'`, `d.type in ('cn_resident_id', 'cn_resident_id_15')`],
  [`kind = 'elements'`, `d.type in ('cn_hm_travel_permit', 'cn_tw_travel_permit')`],
  [`kind = 'counter'`, `d.type = (select c.document_type from counter_cases c where c.id = evidence.reference)`],
  [`kind = 'upstream' and source = 'iam-smart'`, `d.type = 'hk_id'`],
  [`kind = 'upstream' and source = 'macao'`, `d.type = 'mo_bir'`],
  [`kind = 'upstream' and source = 'tw-fido'`, `d.type = 'tw_national_id'`],
  [`kind = 'upstream' and source = 'singpass'`, `d.type in ('sg_nric', 'sg_fin')`],
  [`kind = 'upstream' and category = 'mainland'`, `d.type in ('cn_resident_id', 'cn_resident_id_15')`],
];

async function fillEvidence(knex: Knex): Promise<void> {
  const only = (where: string) => `(select case when count(*) = 1 then min(d.record_id) end
    from person_documents d join persons p on p.id = d.person_id where p.account_id = evidence.account_id and ${where})`;
  const vouched = `kind <> 'contact' and confirmed like '%document_number%'`;
  await knex.raw(`update evidence set record_id = ${only('1 = 1')} where ${vouched}`);
  for (const [evidence, documents] of about)
    await knex.raw(
      `update evidence set record_id = ${only(documents)} where record_id is null and ${vouched} and ${evidence}`,
    );
  // A face is compared with the photo of one record, under that record's own reference.
  await knex.raw(`update evidence set record_id = (select min(o.record_id) from evidence o where o.account_id = evidence.account_id
      and o.reference = evidence.reference and o.kind <> 'face') where kind = 'face'`);
}

export async function down(knex: Knex): Promise<void> {
  // Not knex's `dropColumn`: on SQLite it copies the table, and with the table its triggers are lost.
  await unguarded(knex, fixed, async () => {
    await knex.raw('alter table evidence drop column record_id');
  });
  // One name for each script again: the one of the first record.
  await knex.raw(
    `delete from person_names where id not in (select min(id) from person_names group by person_id, script)`,
  );
  await knex.schema.alterTable('person_names', (t) => {
    t.dropUnique(['person_id', 'record_id', 'script']);
  });
  await knex.raw('alter table person_names drop column record_id');
  await knex.schema.alterTable('person_names', (t) => {
    t.unique(['person_id', 'script']);
  });
  await knex.raw('alter table person_documents drop column sealed_birth_date');
  await knex.raw('alter table person_documents drop column record_id');
}

/** PostgreSQL's guard compares whole rows, so it covers a new column; SQLite's names each. */
async function unguarded(knex: Knex, guarded: readonly string[], work: () => Promise<void>): Promise<void> {
  const sqlite = knex.client.dialect !== 'postgresql';
  if (sqlite) await knex.raw('drop trigger evidence_append_only');
  else await knex.raw('alter table evidence disable trigger evidence_append_only');
  await work();
  const changed = guarded.map((column) => `new.${column} is not old.${column}`).join(' or ');
  if (!sqlite) await knex.raw('alter table evidence enable trigger evidence_append_only');
  else
    await knex.raw(`create trigger evidence_append_only before update on evidence
      when old.revoked_at is not null or ${changed}
      begin select raise(abort, 'evidence is append-only'); end`);
}
