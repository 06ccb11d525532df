import { reachedByNumberAlone } from './assurance/by-number.ts';
import { parseConfig } from './config.ts';
import { open } from './lib/crypto.ts';
import { readSecrets } from './secrets.ts';
import { formOfRows } from './storage/canonical-rows.ts';
import { connect, migrationStatus } from './storage/db.ts';
import { currentPolicy } from './storage/policies.ts';
import { signingKeys } from './storage/signing-keys.ts';

export interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly { name: string; ok: boolean; detail: string }[];
}

/** Looks at settings, secrets, database, schema, keys and policy in that order; each says what to do about it. */
export async function doctor(env: Readonly<Record<string, string | undefined>>): Promise<DoctorReport> {
  const checks: { name: string; ok: boolean; detail: string }[] = [];
  const check = async <T>(name: string, work: () => Promise<{ detail: string; value: T }>): Promise<T | undefined> => {
    try {
      const { detail, value } = await work();
      checks.push({ name, ok: true, detail });
      return value;
    } catch (error) {
      checks.push({ name, ok: false, detail: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  const config = await check('settings', async () => {
    const value = parseConfig(env);
    return { detail: `issuer ${value.issuer}`, value };
  });
  if (config) {
    const keyring = await check('secrets', async () => ({
      detail: config.secretsFile,
      value: await readSecrets(config.secretsFile),
    }));
    const database = connect(config.databaseUrl, { sqliteDriver: config.sqliteDriver });
    try {
      const status = await check('schema', async () => {
        const value = await migrationStatus(database.knex);
        if (value.pending.length > 0)
          throw new Error(`${value.pending.length} migrations pending: run \`shimin migrate\``);
        return { detail: `${value.applied.length} migrations applied`, value };
      });
      if (status && keyring) {
        await check('signing keys', async () => {
          const keys = await signingKeys(database.knex);
          const current = keys.filter((key) => key.status === 'current');
          if (current.length === 0) throw new Error('none: run `shimin seed`');
          for (const key of current) open(keyring, key.sealedPrivateJwk, `signing-key:${key.kid}`);
          return { detail: current.map((key) => key.alg).join(', '), value: current.length };
        });
        await check('documents and names', async () => {
          const { stale, disputed } = await formOfRows(database.knex);
          if (stale > 0) throw new Error(`${stale} under older rules of writing: run \`shimin migrate\``);
          if (disputed > 0) throw new Error(`${disputed} documents are held by two accounts: see /admin/merges`);
          return { detail: 'each in its one form', value: stale };
        });
        await check('assurance policy', async () => {
          const policy = await currentPolicy(database.knex);
          const detail = `version ${policy.version}, ${policy.document.levels.length} levels`;
          const weak = reachedByNumberAlone(policy.document, new Date());
          // A city may want it so: it is told, and nothing fails of it.
          const told = weak.length === 0 ? '' : `; a name and a number alone reach ${weak.join(', ')}: docs/levels.md`;
          return { detail: detail + told, value: policy.version };
        });
      }
    } finally {
      await database.close();
    }
  }
  return { ok: checks.every((item) => item.ok), checks };
}
