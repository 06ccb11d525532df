import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { inviteStaff } from './commands/invite-staff.ts';
import { type Role, roles } from './commands/permissions.ts';
import { parseConfig } from './config.ts';
import { systemClock } from './lib/clock.ts';
import { createLog } from './lib/log.ts';
import { ensureSecrets } from './secrets.ts';
import { seed } from './seed.ts';
import { type DemoUpstream, seedBridges } from './seed-bridges.ts';
import { type RunningServer, startServer } from './server.ts';
import { connect, migrate } from './storage/db.ts';

export interface City {
  readonly issuer: string;
  readonly urls: {
    readonly simulators: string;
    readonly metrics: string;
    readonly apps: Readonly<Record<string, string>>;
  };
  readonly server: RunningServer;
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<unknown>;
}

const simulators = (path: string) => new URL(`../simulators/${path}`, import.meta.url).href;

const defaultPorts = {
  SHIMIN_DEMO_SIMULATORS_PORT: 4000,
  SHIMIN_DEMO_LIBRARY_PORT: 5001,
  SHIMIN_DEMO_SOCIAL_PORT: 5002,
  SHIMIN_DEMO_HOUSING_PORT: 5003,
  SHIMIN_DEMO_SINGAPORE_PORT: 5004,
};

/**
 * The whole city on one machine: simulators, provider, demo apps. Other people's systems are loaded by path and spoken
 * to over HTTP only, as the real ones would be.
 */
export async function runDemo(
  env: Readonly<Record<string, string | undefined>>,
  out: (line: string) => void,
): Promise<City> {
  const port = (name: keyof typeof defaultPorts) => Number(env[name] ?? defaultPorts[name]);
  const simulatorsPort = port('SHIMIN_DEMO_SIMULATORS_PORT');
  const ports = {
    library: port('SHIMIN_DEMO_LIBRARY_PORT'),
    'social-insurance': port('SHIMIN_DEMO_SOCIAL_PORT'),
    'housing-fund': port('SHIMIN_DEMO_HOUSING_PORT'),
    singapore: port('SHIMIN_DEMO_SINGAPORE_PORT'),
  };
  const upstream = `http://localhost:${simulatorsPort}`;
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SHIMIN_DEMO_')));
  const providerPort = env.SHIMIN_PORT ?? '3000';
  const draft = {
    SHIMIN_ISSUER: `http://localhost:${providerPort}`,
    SHIMIN_LOG_LEVEL: 'warn',
    SHIMIN_POPULATION_URL: `${upstream}/population`,
    SHIMIN_FACE_URL: `${upstream}/face`,
    SHIMIN_SMS_URL: `${upstream}/sms`,
    ...own,
    SHIMIN_DEMO: 'true',
    SHIMIN_ALLOW_LOOPBACK: 'true',
  };
  const first = parseConfig(draft);
  const clients = await writeClients(first.secretsFile, ports);
  const config = { ...first, seedClients: clients };
  const log = createLog({ level: config.logLevel });

  const open: Closable[] = [];
  const close = async () => {
    for (const part of open.splice(0).reverse()) await part.close();
  };
  try {
    const { startSimulators } = await import(simulators('main.ts'));
    const others = await startSimulators({ port: simulatorsPort, notify: `${config.issuer}/notifications/population` });
    open.push(others);
    const keyring = await ensureSecrets(config.secretsFile);
    const staff = await prepare(config, keyring, others.upstreams);
    const server = await startServer({ config, keyring, log });
    open.push({ close: () => server.drain() });
    const { startApps } = await import(simulators('apps/app.ts'));
    open.push(await startApps({ issuer: config.issuer, ports }));
    const metrics = local(config.metricsPort);
    const apps = Object.fromEntries(Object.entries(ports).map(([name, number]) => [name, local(number)]));
    for (const line of await welcome(config.issuer, metrics, upstream, apps, staff)) out(line);
    out(`shimin ready ${config.issuer}`);
    return { issuer: config.issuer, urls: { simulators: upstream, metrics, apps }, server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const local = (port: number) => `http://localhost:${port}`;

async function prepare(
  config: ReturnType<typeof parseConfig>,
  keyring: Awaited<ReturnType<typeof ensureSecrets>>,
  upstreams: readonly DemoUpstream[],
): Promise<string[]> {
  const database = connect(config.databaseUrl, { sqliteDriver: config.sqliteDriver });
  try {
    await migrate(database.knex);
    await seed({ db: database.knex, keyring, clock: systemClock, config });
    await seedBridges({ db: database.knex, keyring, clock: systemClock }, upstreams);
    return await inviteDemoStaff({ db: database.knex, keyring, clock: systemClock }, config.issuer);
  } finally {
    await database.close();
  }
}

/** One link per role, and one more owner, since whatever an owner does takes a second one; so does the top level of a clerk. */
async function inviteDemoStaff(deps: Parameters<typeof inviteStaff>[0], issuer: string): Promise<string[]> {
  const wanted: Role[] = ['owner', ...roles, 'clerk'];
  const lines: string[] = [];
  for (const role of wanted) {
    const { token } = await inviteStaff(deps, { role, invitedBy: 'demo', breakGlass: true });
    lines.push(`    ${role.padEnd(16)} ${issuer}/admin/enrol?token=${token}`);
  }
  return lines;
}

/** The demo apps' registrations with this demo's ports. */
async function writeClients(secretsFile: string, ports: Record<string, number>): Promise<string> {
  const { demoClients } = await import(simulators('apps/config.ts'));
  const folder = dirname(secretsFile);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'demo-clients.json');
  await writeFile(file, `${JSON.stringify(demoClients(ports), null, 2)}\n`);
  return file;
}

async function welcome(
  issuer: string,
  metrics: string,
  upstream: string,
  apps: Readonly<Record<string, string>>,
  staff: readonly string[],
): Promise<string[]> {
  const rows: [string, string | undefined][] = [
    ['Citizen account', `${issuer}/account`],
    ['Console for staff', `${issuer}/admin`],
    ['City Library (level 1)', apps.library],
    ['Social Insurance (level 2)', apps['social-insurance']],
    ['Housing Fund (level 2, action at 3)', apps['housing-fund']],
    ['Singapore Desk (FAPI 2.0, loa:2, 3)', apps.singapore],
    ['Text messages that were sent', `${upstream}/outbox`],
    ['Simulators and fault switches', upstream],
    ['Health and metrics', `${metrics}/readyz`],
  ];
  return [
    '',
    'Shimin 市民: a city on this machine',
    '',
    ...rows.map(([what, url]) => `  ${what.padEnd(36)} ${url}`),
    '',
    '  Test citizens (all of them: simulators/people.json)',
    ...(await testCitizens()),
    '',
    '  Staff of the console: each link gives its role once, to whoever opens it with a passkey and has proved their name',
    '  (on the account page, as one of the test citizens above); until then it waits',
    ...staff,
    '',
  ];
}

const person = z.object({
  fate: z.string(),
  names: z.record(z.string(), z.string()),
  phone: z.string(),
  documents: z.array(z.object({ type: z.string(), number: z.string() })),
});

async function testCitizens(): Promise<string[]> {
  const people = z.array(person).parse(JSON.parse(await readFile(fileURLToPath(simulators('people.json')), 'utf8')));
  return people.flatMap(({ fate, names, phone, documents }) => {
    const document = documents.find(({ type }) => type === 'cn_resident_id');
    return document ? [`    ${(names['zh-Hans'] ?? '').padEnd(8, '　')} ${document.number}  ${phone}  ${fate}`] : [];
  });
}
