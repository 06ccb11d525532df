import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Keyring } from '../../src/lib/crypto.ts';
import { readSecrets } from '../../src/secrets.ts';
import { connect, type Database } from '../../src/storage/db.ts';
import { admitAtLevelOne } from '../signals/citizens.ts';
import { registerReceiver } from '../signals/support.ts';
import { freePorts } from '../support/city.ts';
import { chen, li, thief } from './people.ts';
import type { Plant } from './plants.ts';

const root = resolve(import.meta.dirname, '../..');

/** A city in a process of its own, from our sources or from a copy with one planted fault. */
export interface World {
  readonly issuer: string;
  readonly simulators: string;
  readonly database: Database;
  readonly keyring: Keyring;
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
  /** Everything that the server has said of itself: faults are found in it. */
  readonly output: () => string;
  /** Takes all people out of the database and puts the simulators' people back as they were. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Tables about people and what they do; those of the city itself stay as they are between two sequences. */
const ofPeople = [
  ...['accounts', 'authentication_events', 'consents', 'contacts', 'counter_cases', 'decisions', 'document_disputes'],
  ...['evidence', 'external_identities', 'external_identity_keys', 'failures', 'interventions', 'journey_visits'],
  ...['known_devices', 'merges', 'oidc_models', 'oidc_replays', 'outbox', 'passkeys', 'passwords', 'pending'],
  ...['person_documents', 'person_names', 'persons', 'recovery_codes', 'session_records', 'staff', 'staff_looks'],
  ...['merge_answers', 'subject_aliases', 'throttles', 'totps'],
];

export async function startWorld(databaseUrl: string, plant: Plant | null = null): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'shimin-adversary-'));
  const home = plant === null ? root : await copyWith(plant, folder);
  const [provider = 0, metrics = 0, simulators = 0, ...apps] = await freePorts(7);
  const [library, social, housing, singapore] = apps.map(String);
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    // The tests' own clock and zone, where they run under another one.
    ...inherited(['TZ', 'NODE_OPTIONS', 'TEST_CLOCK_BY', 'TEST_CLOCK_TO']),
    SHIMIN_ISSUER: `http://localhost:${provider}`,
    SHIMIN_HOST: 'localhost',
    SHIMIN_PORT: String(provider),
    SHIMIN_METRICS_PORT: String(metrics),
    SHIMIN_DATABASE_URL: databaseUrl,
    SHIMIN_SECRETS: join(folder, 'secrets.json'),
    SHIMIN_LOG_LEVEL: 'error',
    SHIMIN_DEMO_SIMULATORS_PORT: String(simulators),
    SHIMIN_DEMO_LIBRARY_PORT: library,
    SHIMIN_DEMO_SOCIAL_PORT: social,
    SHIMIN_DEMO_HOUSING_PORT: housing,
    SHIMIN_DEMO_SINGAPORE_PORT: singapore,
  };
  let output = '';
  const child = spawn(join(root, 'node_modules/.bin/node'), ['src/main.ts', 'demo'], { cwd: home, env });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  await ready(child, () => output);
  const database = connect(databaseUrl);
  const keyring = await readSecrets(env.SHIMIN_SECRETS);
  const deps = { db: database.knex, keyring, clock: () => new Date() };
  await registerReceiver(deps, 'probe', { scope: 'openid profile offline_access' });
  await admitAtLevelOne(deps, 'probe');
  // The ledger lets nobody delete; between two sequences it has to be empty.
  if (database.kind === 'sqlite') await database.knex.raw('drop trigger evidence_no_delete');
  const world = {
    issuer: env.SHIMIN_ISSUER,
    simulators: `http://localhost:${simulators}`,
    database,
    keyring,
    databaseUrl,
    env: { SHIMIN_SECRETS: env.SHIMIN_SECRETS },
    output: () => output,
    async reset() {
      await empty(database);
      for (const { number } of [li, chen, thief])
        await fetch(`${world.simulators}/population/_control/people/${number}`, {
          method: 'PUT',
          body: JSON.stringify({ status: 'active' }),
        });
    },
    async close() {
      child.kill('SIGTERM');
      await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(null)));
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

const inherited = (names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** Resolves once the city says that it is ready. */
function ready(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setInterval(() => {
      if (/^shimin ready/m.test(output())) finish(done);
      else if (child.exitCode !== null) finish(() => fail(new Error(`the city ended:\n${output().slice(-2000)}`)));
    }, 50);
    const late = setTimeout(() => finish(() => fail(new Error(`not ready in a minute:\n${output()}`))), 60_000);
    function finish(then: () => void): void {
      clearInterval(timer);
      clearTimeout(late);
      then();
    }
  });
}

async function empty({ knex, kind }: Database): Promise<void> {
  if (kind === 'postgres') return void (await knex.raw(`truncate ${ofPeople.join(', ')} cascade`));
  // Foreign keys are checked at the end of the transaction, when nothing points anywhere any more.
  await knex.transaction(async (tx) => {
    await tx.raw('pragma defer_foreign_keys = on');
    for (const table of ofPeople) await tx(table).delete();
  });
}

/** A copy of what a city runs on, with one text of one file replaced: the fault. */
async function copyWith({ file, from, to }: Plant, folder: string): Promise<string> {
  const home = join(folder, 'copy');
  await mkdir(home);
  for (const part of ['src', 'views', 'public', 'migrations', 'seeds', 'simulators', 'package.json'])
    await cp(join(root, part), join(home, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(home, 'node_modules'));
  const source = await readFile(join(home, file), 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold the text to replace exactly once`);
  await writeFile(
    join(home, file),
    source.replace(from, () => to),
  );
  return home;
}
