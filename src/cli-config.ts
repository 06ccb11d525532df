import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { parseDocument, stringify } from 'yaml';
import { describeChanges } from './assurance/preview.ts';
import { linesOf } from './assurance/words.ts';
import type { AppRules } from './commands/app-check.ts';
import { applyApps, diffApps, exportApps } from './commands/app-files.ts';
import { applyPolicyFile, contentOf } from './commands/apply-policy-file.ts';
import { validPolicy } from './commands/change-payload.ts';
import type { CommandDeps } from './commands/command.ts';
import { staffBy } from './commands/staff-by.ts';
import { createI18n } from './i18n/index.ts';
import { ShiminError } from './lib/errors.ts';
import { currentPolicy } from './storage/policies.ts';

interface ConfigVerbs {
  readonly program: Command;
  readonly verb: (name: string, about: string, parent: Command) => Command;
  readonly withDeps: (work: (deps: CommandDeps) => Promise<void>) => Promise<void>;
  readonly say: (json: boolean | undefined, data: object, text: string) => void;
  readonly input: NodeJS.ReadableStream;
  /** What addresses of apps may be like here. */
  readonly rules: () => AppRules;
  /** 1 tells scripts that there is a difference. */
  exitWith(code: number): void;
}

interface Options {
  json?: boolean;
  by: string;
  reason?: string;
}

/** What `--by` is, for the help. */
export const byWhom = 'who of the staff you are: the id of your account or its phone number';

/** Configuration as code: `policy` and `client`, each with export, diff and apply of a YAML file (`-`: standard input). */
export function configVerbs(host: ConfigVerbs): void {
  policyVerbs(host);
  clientVerbs(host);
}

function policyVerbs({ program, verb, withDeps, say, input, exitWith }: ConfigVerbs): void {
  const policy = program.command('policy').description('levels and what apps require, as a file').exitOverride();
  verb('export', 'the policy in force', policy).action(({ json }: Options) =>
    withDeps(async ({ db }) => {
      const { document, version } = await currentPolicy(db);
      say(json, document, `# version ${version}\n${stringify(contentOf(document)).trimEnd()}`);
    }),
  );
  verb('diff <file>', 'what the file would change; exits with 1 if anything', policy).action(
    (file: string, { json }: Options) =>
      withDeps(async ({ db }) => {
        const { document: old, version } = await currentPolicy(db);
        const next = validPolicy(withVersion(await readYaml(file, input), version + 1));
        const changes = describeChanges(old, next);
        const i18n = createI18n();
        const lines = changes.flatMap((change) => linesOf(change, (key, params) => i18n.t('en', key, params)));
        say(json, { version, changes }, lines.length === 0 ? 'no difference' : lines.join('\n'));
        exitWith(changes.length > 0 ? 1 : 0);
      }),
  );
  verb('apply <file>', 'propose the file; a second person publishes it in the console', policy)
    .requiredOption('--by <who>', byWhom)
    .option('--reason <text>', 'why', 'policy file')
    .action((file: string, { json, by, reason }: Options) =>
      withDeps(async (deps) => {
        const document = await readYaml(file, input);
        const staff = await staffBy(deps, by, 'requirement.propose');
        const result = await applyPolicyFile(deps, { by: staff, document, reason: reason ?? '' });
        const texts = {
          unchanged: `nothing to change: version ${result.version} says the same`,
          waiting: 'this is proposed already: a second person decides it in the console',
          proposed: 'proposed: a second person decides it in the console',
        };
        say(json, result, texts[result.status]);
      }),
    );
}

function clientVerbs({ program, verb, withDeps, say, input, exitWith, rules }: ConfigVerbs): void {
  const client = program.command('client').description('apps (relying parties), as a file').exitOverride();
  verb('export', 'all apps, without their secrets', client).action(({ json }: Options) =>
    withDeps(async (deps) => {
      const apps = await exportApps(deps);
      say(json, apps, stringify(apps).trimEnd());
    }),
  );
  const told = (changes: readonly { id: string; change: string; fields: readonly string[] }[]) =>
    changes.map(({ id, change, fields }) => `${id}: ${change}${fields.length > 0 ? ` (${fields.join(', ')})` : ''}`);
  verb('diff <file>', 'what the file would change; exits with 1 if anything', client).action(
    (file: string, { json }: Options) =>
      withDeps(async (deps) => {
        const changes = await diffApps(deps, await readYaml(file, input), rules());
        say(json, { changes }, told(changes).join('\n'));
        exitWith(changes.some(({ change }) => change !== 'same') ? 1 : 0);
      }),
  );
  verb('apply <file>', 'propose apps as the file says; others are left alone', client)
    .requiredOption('--by <who>', byWhom)
    .option('--reason <text>', 'why', 'app file')
    .action((file: string, { json, by, reason }: Options) =>
      withDeps(async (deps) => {
        const document = await readYaml(file, input);
        const staff = await staffBy(deps, by, 'app.save');
        const changes = await applyApps(deps, { file: document, by: staff, rules: rules(), reason: reason ?? '' });
        say(json, { changes }, told(changes).join('\n'));
      }),
    );
}

const withVersion = (document: unknown, version: number): unknown =>
  typeof document === 'object' && document !== null ? { ...document, version } : document;

/** @throws ShiminError `bad_request` naming every fault with line and column */
export async function readYaml(file: string, input: NodeJS.ReadableStream): Promise<unknown> {
  const text = file === '-' ? await readAll(input) : await readText(file);
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0)
    throw new ShiminError('bad_request', { message: document.errors.map(({ message }) => message.trim()).join('; ') });
  return document.toJS({ maxAliasCount: 0 });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ShiminError('bad_request', { message: `cannot read ${file}`, cause });
  }
}

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input })) lines.push(line);
  return lines.join('\n');
}
