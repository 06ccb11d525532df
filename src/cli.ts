import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { auditVerbs } from './cli-audit.ts';
import { configVerbs } from './cli-config.ts';
import { counterVerbs } from './cli-counter.ts';
import type { CommandDeps } from './commands/command.ts';
import { inviteStaff } from './commands/invite-staff.ts';
import { isRole, roles } from './commands/permissions.ts';
import { type PersonsRewritten, rewritePersons } from './commands/rewrite-persons.ts';
import { rotateKeys } from './commands/rotate-keys.ts';
import { parseConfig } from './config.ts';
import { runDemo } from './demo.ts';
import { doctor } from './doctor.ts';
import { checkLine } from './identity/check-lines.ts';
import { checkDocument } from './identity/documents.ts';
import { systemClock } from './lib/clock.ts';
import { ShiminError } from './lib/errors.ts';
import { createLog } from './lib/log.ts';
import { attend, isServingProcess, serveByProcesses } from './processes.ts';
import { ensureSecrets, readSecrets } from './secrets.ts';
import { renewDefaultPolicy, seed } from './seed.ts';
import { startServer } from './server.ts';
import { connect, migrate, migrationStatus, rollback } from './storage/db.ts';

export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: Readable;
  out(line: string): void;
  err(line: string): void;
  /** Called with what to do on SIGTERM or SIGINT. */
  onSignal(handler: () => void): void;
  exitNow(code: number): void;
}

/** Runs one verb; answers the exit code. A fault is a line on standard error, and one for each part of it, or JSON with `--json`. */
export async function runCli(argv: readonly string[], host: CliHost): Promise<number> {
  const outcome = { code: 0 };
  const program = build(host, outcome);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const fault = error instanceof Error ? error : new Error(String(error));
    const code = error instanceof ShiminError ? error.code : 'internal';
    const faults = error instanceof ShiminError ? faultsOf(error) : [];
    if (argv.includes('--json')) host.err(JSON.stringify({ error: code, message: fault.message, faults }));
    else for (const line of [`shimin: ${fault.message}`, ...faults]) host.err(line);
    return 1;
  }
  return outcome.code;
}

/** What is wrong with a file, each with its place; some messages say it all by themselves. */
function faultsOf({ detail, message }: ShiminError): string[] {
  const faults: unknown = detail?.faults;
  if (!Array.isArray(faults)) return [];
  const lines = faults.map((fault) => (typeof fault === 'string' ? fault : `${fault.path}: ${fault.message}`));
  return lines.filter((line) => !message.includes(line));
}

function build(host: CliHost, outcome: { code: number }): Command {
  const program = new Command('shimin').description('Shimin 市民: the identity provider of a city').exitOverride();
  program.configureOutput({
    writeOut: (text) => host.out(text.trimEnd()),
    writeErr: (text) => host.err(text.trimEnd()),
  });
  const verb = (name: string, about: string, parent = program) =>
    parent.command(name).description(about).option('--json', 'print JSON').exitOverride();
  const config = () => parseConfig(host.env);
  const say = (json: boolean | undefined, data: object, text: string) => host.out(json ? JSON.stringify(data) : text);

  verb('serve', 'serve the provider').action(async () => {
    const settings = config();
    const keyring = settings.demo ? await ensureSecrets(settings.secretsFile) : await readSecrets(settings.secretsFile);
    const log = createLog({ level: settings.logLevel });
    if (settings.processes > 1 && !isServingProcess()) {
      const { host: address, metricsPort, processes } = settings;
      const processesRunning = await serveByProcesses({ count: processes, host: address, metricsPort, log });
      host.out(`shimin ready ${settings.issuer}`);
      return untilSignal(host, () => processesRunning.drain());
    }
    const running = await startServer({ config: settings, keyring, log, ops: !isServingProcess() });
    const signal = untilSignal(host, () => running.drain());
    if (isServingProcess()) return attend(running, signal);
    host.out(`shimin ready ${settings.issuer}`);
    await signal;
  });

  verb('demo', 'the whole city on one machine: provider, simulators, demo apps').action(async () => {
    const city = await runDemo(host.env, host.out);
    await untilSignal(host, () => city.close());
  });

  verb('simulators', 'serve the simulated upstreams')
    .option('--port <port>', 'port of the index', '4000')
    .action(async ({ port }: { port: string }) => {
      // Other people's systems: loaded by path, so that src depends on nothing of theirs.
      const { startSimulators } = await import(new URL('../simulators/main.ts', import.meta.url).href);
      const running = await startSimulators({ port: Number(port) });
      host.out(`simulators ready ${running.url}`);
      await untilSignal(host, () => running.close());
    });

  const withDb = async <T>(work: (database: ReturnType<typeof connect>) => Promise<T>): Promise<T> => {
    const settings = config();
    const database = connect(settings.databaseUrl, { sqliteDriver: settings.sqliteDriver });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  };

  verb('migrate', 'bring the database schema forward').action(({ json }: { json?: boolean }) =>
    withDb(async ({ knex }) => {
      const result = await migrate(knex);
      const { secretsFile } = config();
      // A new installation has no secrets yet, and nobody's documents.
      const persons = existsSync(secretsFile)
        ? await rewritePersons({ db: knex, keyring: await readSecrets(secretsFile), clock: systemClock })
        : null;
      const renewed = await renewDefaultPolicy({ db: knex, clock: systemClock });
      const done = [
        result.names.length === 0 ? 'nothing to do' : result.names.join(', '),
        ...(persons === null ? [] : [toldOf(persons)]),
        ...(renewed?.policy === 'renewed' ? [`levels of the default policy, version ${renewed.version}`] : []),
      ];
      say(json, { ...result, persons, ...renewed }, `migrated: ${done.join('; ')}`);
    }),
  );
  verb('rollback', 'take the last batch of migrations back')
    .option('--all', 'take all back')
    .action(({ json, all }: { json?: boolean; all?: boolean }) =>
      withDb(async ({ knex }) => {
        const result = await rollback(knex, { all: all === true });
        say(json, result, `rolled back: ${result.names.length === 0 ? 'nothing to do' : result.names.join(', ')}`);
      }),
    );
  verb('status', 'which migrations were applied').action(({ json }: { json?: boolean }) =>
    withDb(async ({ knex }) => {
      const status = await migrationStatus(knex);
      say(json, status, `applied ${status.applied.length}, pending ${status.pending.length}`);
    }),
  );
  verb('seed', 'policy, signing keys and apps that are missing').action(({ json }: { json?: boolean }) =>
    withDb(async ({ knex }) => {
      const settings = config();
      const keyring = settings.production
        ? await readSecrets(settings.secretsFile)
        : await ensureSecrets(settings.secretsFile);
      const result = await seed({ db: knex, keyring, clock: systemClock, config: settings });
      say(json, result, `seeded: ${JSON.stringify(result)}`);
    }),
  );

  const keys = program.command('keys').description('signing keys').exitOverride();
  verb('rotate', 'sign with the next keys; running nodes follow within seconds', keys).action(
    ({ json }: { json?: boolean }) =>
      withDb(async ({ knex }) => {
        const keyring = await readSecrets(config().secretsFile);
        const result = await rotateKeys({ db: knex, keyring, clock: systemClock });
        say(json, result, `rotated ${result.rotated} algorithms`);
      }),
  );

  const admin = program.command('admin').description('staff of the console').exitOverride();
  verb('invite', 'a one-time link that gives a role; two owners then change roles in the console', admin)
    .requiredOption('--role <role>', roles.join(', '))
    .option('--break-glass', 'also when two owners exist already; noted in the audit')
    .action(({ json, role, breakGlass }: { json?: boolean; role: string; breakGlass?: boolean }) =>
      withDb(async ({ knex }) => {
        const settings = config();
        if (!isRole(role)) throw new ShiminError('bad_request', { message: `no role ${role}: ${roles.join(', ')}` });
        const keyring = await readSecrets(settings.secretsFile);
        const deps = { db: knex, keyring, clock: systemClock };
        const { token, expiresAt } = await inviteStaff(deps, {
          role,
          invitedBy: 'cli',
          breakGlass: breakGlass === true,
        });
        const url = `${settings.issuer}/admin/enrol?token=${token}`;
        say(json, { role, url, expiresAt }, `${role}: ${url}\ngood once, until ${expiresAt.toISOString()}`);
      }),
    );

  const withDeps = (work: (deps: CommandDeps) => Promise<void>) =>
    withDb(async ({ knex }) =>
      work({ db: knex, keyring: await readSecrets(config().secretsFile), clock: systemClock }),
    );
  const exitWith = (code: number) => {
    outcome.code = code;
  };
  auditVerbs({ program, verb, say, withDb: (work) => withDb(({ knex }) => work(knex)), withDeps, exitWith });
  const rules = () => ({ allowLoopback: config().allowLoopback });
  configVerbs({ program, verb, say, input: host.input, withDeps, exitWith, rules });
  counterVerbs({ program, verb, say, input: host.input, withDeps });

  verb('doctor', 'look for what is wrong with this installation').action(async ({ json }: { json?: boolean }) => {
    const report = await doctor(host.env);
    if (json) host.out(JSON.stringify(report));
    else for (const check of report.checks) host.out(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name}: ${check.detail}`);
    outcome.code = report.ok ? 0 : 1;
  });

  const document = program.command('document').description('identity documents').exitOverride();
  verb(
    'check [value]',
    'is a document number well formed? Without VALUE: NDJSON {type, value} lines on standard input',
    document,
  )
    .option('--type <type>', 'document type')
    .action(async (value: string | undefined, { type }: { type?: string }) => {
      if (value !== undefined) {
        if (type === undefined) throw new ShiminError('bad_request', { message: '--type is needed with a value' });
        const result = checkDocument(type, value);
        host.out(JSON.stringify({ valid: result.valid, reason: result.reason }));
        outcome.code = result.valid ? 0 : 1;
        return;
      }
      for await (const line of createInterface({ input: host.input, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line.trim() === '') continue;
        host.out(JSON.stringify(checkLine(type === undefined ? line : withType(line, type))));
      }
    });
  return program;
}

const toldOf = ({ documents, names, disputes, unreadable }: PersonsRewritten) =>
  `documents ${documents}, names ${names} written anew, ${disputes} disputed, ${unreadable} unreadable`;

/** A line without a type gets the one of the command line. */
function withType(line: string, type: string): string {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? JSON.stringify({ type, ...parsed }) : line;
  } catch {
    return line;
  }
}

/** Waits for a signal, then closes; a second signal ends at once. */
function untilSignal(host: CliHost, close: () => Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0;
    host.onSignal(() => {
      signals += 1;
      if (signals > 1) return host.exitNow(1);
      close().then(() => resolve(), reject);
    });
  });
}
