import type { Command } from 'commander';
import { stringify } from 'yaml';
import { z } from 'zod';
import { readYaml } from './cli-config.ts';
import { operatorPrefix } from './commands/actor.ts';
import type { CommandDeps } from './commands/command.ts';
import { saveCounters } from './commands/counter-save.ts';
import { locales } from './i18n/index.ts';
import { ShiminError } from './lib/errors.ts';
import { listCounters } from './storage/counters.ts';

interface CounterVerbs {
  readonly program: Command;
  readonly verb: (name: string, about: string, parent: Command) => Command;
  readonly withDeps: (work: (deps: CommandDeps) => Promise<void>) => Promise<void>;
  readonly say: (json: boolean | undefined, data: object, text: string) => void;
  readonly input: NodeJS.ReadableStream;
}

/** In every language of the pages: a citizen who reads another one must find the place, too. */
const texts = z.strictObject(
  Object.fromEntries(locales.map((locale) => [locale, z.string().trim().min(1).max(200)] as const)),
);
const file = z
  .array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'small letters, digits and dashes, at most 32'),
      names: texts,
      places: texts,
      open: z.boolean().default(true),
    }),
  )
  .max(1000)
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, 'each id once');

/** The places where people are checked in person, as a file. */
export function counterVerbs({ program, verb, withDeps, say, input }: CounterVerbs): void {
  const counter = program.command('counter').description('places of checks in person, as a file').exitOverride();
  verb('export', 'all counters', counter).action(({ json }: { json?: boolean }) =>
    withDeps(async ({ db }) => {
      const counters = await listCounters(db);
      say(json, counters, stringify(counters).trimEnd());
    }),
  );
  verb(
    'apply <file>',
    'add and change counters as the file says; others are left alone, `open: false` closes one',
    counter,
  )
    .requiredOption('--by <name>', 'who you are, for the audit')
    .action((path: string, { json, by }: { json?: boolean; by: string }) =>
      withDeps(async (deps) => {
        const parsed = file.safeParse(await readYaml(path, input));
        if (!parsed.success) throw new ShiminError('bad_request', { message: faultsOf(parsed.error) });
        const changed = await saveCounters(deps, { counters: parsed.data, operator: operatorId(by) });
        say(json, { changed }, changed.length === 0 ? 'nothing to change' : `changed: ${changed.join(', ')}`);
      }),
    );
}

/** Every fault with its place; nothing of a wrong file is saved. */
const faultsOf = (error: z.ZodError) =>
  error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`).join('; ');

/** Somebody at the command line, as the audit names them: a name that was typed, which decides nothing. */
function operatorId(name: string): string {
  if (!/^[\w.@-]{2,50}$/.test(name))
    throw new ShiminError('bad_request', { message: '--by: 2 to 50 letters, digits, dots, dashes or @' });
  return `${operatorPrefix}${name.toLowerCase()}`;
}
