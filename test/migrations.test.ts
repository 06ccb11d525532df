import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connect, type Database, migrate, migrationStatus, migrationsDirectory, rollback } from '../src/storage/db.ts';
import { freshDatabase, withDatabases } from './support/databases.ts';

const files = (await readdir(migrationsDirectory)).filter((name) => name.endsWith('.ts')).sort();

/** What a label may say; `migrations/202611230900_accounts.ts` explains them. */
const label = z.enum(['id', 'personal', 'sealed', 'blind', 'secret', 'not personal']);
const labelled = z.object({ labels: z.record(z.string(), z.record(z.string(), label)) });

/** Labels are an exported record, or comments on the columns, which PostgreSQL keeps (`personal: why`). */
async function allLabels(postgres: Database): Promise<Map<string, string[]>> {
  const tables = new Map<string, string[]>();
  const add = (table: string, columns: string[]) => tables.set(table, [...(tables.get(table) ?? []), ...columns]);
  for (const file of files) {
    const module: unknown = await import(pathToFileURL(join(migrationsDirectory, file)).href);
    const parsed = labelled.safeParse(module);
    if (parsed.success)
      for (const [table, columns] of Object.entries(parsed.data.labels)) add(table, Object.keys(columns));
  }
  const commented: { rows: { relation: string; name: string; comment: string }[] } = await postgres.knex.raw(
    `select c.relname as relation, a.attname as name, col_description(c.oid, a.attnum) as comment from pg_class c
     join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
     and col_description(c.oid, a.attnum) is not null`,
  );
  for (const { relation, name, comment } of commented.rows) {
    if (label.safeParse(comment.split(':')[0]).success) add(relation, [name]);
  }
  return tables;
}

async function schemaOf({ knex, kind }: Database): Promise<Map<string, string[]>> {
  const names: { name: string }[] =
    kind === 'sqlite'
      ? await knex('sqlite_master').where({ type: 'table' }).whereNot('name', 'like', 'sqlite_%').select('name')
      : await knex('information_schema.tables').where({ table_schema: 'public' }).select({ name: 'table_name' });
  const tables = new Map<string, string[]>();
  for (const { name } of names.filter((table) => !table.name.startsWith('knex_migrations'))) {
    tables.set(name, Object.keys(await knex(name).columnInfo()));
  }
  return tables;
}

const sorted = (tables: Map<string, string[]>) =>
  Object.fromEntries([...tables].sort().map(([table, columns]) => [table, columns.toSorted()]));

describe('migration files', () => {
  it.each(files)('%s imports nothing of ours and has a name that sorts', async (file) => {
    expect(file).toMatch(/^\d{12}_[a-z_]+\.ts$/);
    const text = await readFile(join(migrationsDirectory, file), 'utf8');
    const imports = [...text.matchAll(/from '([^']+)'/g)].map((match) => match[1]);
    expect(imports).toEqual(['knex']);
  });
});

withDatabases('migrations', (makeDb, kind) => {
  it('go up, down and up again to the same schema, and leave nothing below', async () => {
    const database = await makeDb();
    const first = sorted(await schemaOf(database));
    expect(Object.keys(first).length).toBeGreaterThan(20);
    expect((await rollback(database.knex, { all: true })).names).toHaveLength(files.length);
    expect(sorted(await schemaOf(database))).toEqual({});
    expect(await migrationStatus(database.knex)).toEqual({ applied: [], pending: files });
    expect((await migrate(database.knex)).names).toEqual(files);
    expect(sorted(await schemaOf(database))).toEqual(first);
    expect(await migrationStatus(database.knex)).toEqual({ applied: files, pending: [] });
    expect((await migrate(database.knex)).names).toEqual([]);
  });

  it('label every column of the real schema, and none that does not exist', async () => {
    const database = await makeDb();
    const fresh = await freshDatabase('postgres');
    const postgres = kind === 'postgres' ? database : connect(fresh.url);
    await migrate(postgres.knex);
    expect(sorted(await allLabels(postgres))).toEqual(sorted(await schemaOf(database)));
    if (postgres !== database) await postgres.close();
    await fresh.remove();
  });
});
