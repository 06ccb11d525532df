import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { table } from './table.ts';

/**
 * `npm run mutate [-- FILE ...]`: changes one file after the other of the table in every small way that Stryker knows and
 * runs that file's tests against each change. Says what no test noticed; ends non-zero where that is more than a tenth.
 */
const root = resolve(import.meta.dirname, '../..');
const report = join(root, 'reports/mutation/last.json');
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const least = 90;

interface Mutant {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly status: string;
  readonly location: Record<'start' | 'end', { readonly line: number; readonly column: number }>;
}

/** The mutants of one file, or null where its tests did not even pass without any. */
function mutantsOf(file: string, tests: readonly string[]): { mutants: readonly Mutant[]; source: string } | null {
  rmSync(report, { force: true });
  // The tests are named by the configuration of vitest and not by Stryker's --testFiles: with that, Stryker 10.1.1 puts a
  // change of a module's constants in place only after the module was loaded, and no test can notice it.
  const env = { ...process.env, SHIMIN_MUTATION_TESTS: tests.join(' ') };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [stryker, 'run', 'test/mutation/stryker.config.json', '--mutate', file],
    { cwd: root, env, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (status !== 0 || !existsSync(report)) {
    process.stderr.write(`${stdout.slice(-4_000)}${stderr.slice(-4_000)}\n`);
    return null;
  }
  return JSON.parse(readFileSync(report, 'utf8')).files[file] ?? null;
}

/** What stood there, on one line. */
function original(source: string, { start, end }: Mutant['location']): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  const cut = lines.map((line, i) =>
    line.slice(i === 0 ? start.column - 1 : 0, i === last ? end.column - 1 : undefined),
  );
  return oneLine(cut.join('\n'));
}
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

const wanted = process.argv.slice(2);
const unknown = wanted.filter((file) => !Object.hasOwn(table, file));
if (unknown.length > 0) throw new Error(`not in test/mutation/table.ts: ${unknown.join(', ')}`);

let failed = false;
for (const [file, tests] of Object.entries(table)) {
  if (wanted.length > 0 && !wanted.includes(file)) continue;
  const result = mutantsOf(file, tests);
  if (result === null) {
    failed = true;
    process.stdout.write(`${file}: did not run\n`);
    continue;
  }
  const counted = result.mutants.filter(({ status }) =>
    ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status),
  );
  const alive = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const score = counted.length === 0 ? 100 : (100 * (counted.length - alive.length)) / counted.length;
  failed ||= score < least;
  process.stdout.write(
    `${file}: ${counted.length - alive.length} of ${counted.length} killed, ${score.toFixed(1)} %\n`,
  );
  for (const mutant of alive) {
    const { status, mutatorName, replacement, location } = mutant;
    const change = `${original(result.source, location)}  =>  ${oneLine(replacement)}`;
    process.stdout.write(`  ${status} ${location.start.line}:${location.start.column} ${mutatorName}: ${change}\n`);
  }
}
process.exitCode = failed ? 1 : 0;
