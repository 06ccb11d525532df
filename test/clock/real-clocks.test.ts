import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const filesOf = (folder: string, ending: string) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

/** What a program says in strings, where statements stand; what is put into them is left out. */
const strings = (source: string): string[] =>
  [...source.matchAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g)].map(([text]) =>
    text.replaceAll(/\$\{[^}]*\}/g, '?'),
  );
const databaseTime =
  /\b(current_timestamp|current_date|localtimestamp|clock_timestamp|statement_timestamp|unixepoch|julianday|strftime)\b|\bnow\(\)|datetime\(/i;
const asksTheDatabase = (source: string): boolean =>
  /\bfn\.now\b/.test(source) || strings(source).some((text) => databaseTime.test(text));

it.each([
  ['`select * from sessions\n where expires_at < now()`', true],
  ["table.timestamp('at').defaultTo(knex.fn.now())", true],
  ["'default (unixepoch())'", true],
  ["const at = now() + of('x', now())", false],
  ['`$' + '{now()} of it`', false],
])('the database’s own clock is seen where it is asked for: %s', (source, asked) => {
  expect(asksTheDatabase(source)).toBe(asked);
});

it('no statement asks the database for the time: it may have another one than we', () => {
  const files = [...filesOf('src', '.ts'), ...filesOf('migrations', '.ts'), ...filesOf('seeds', '.ts')];
  expect(files.length).toBeGreaterThan(200);
  expect(files.filter((file) => asksTheDatabase(readFileSync(`${root}${file}`, 'utf8')))).toEqual([]);
});

it('no script of our pages asks the browser for the time', () => {
  const files = filesOf('public', '.js');
  expect(files).toContain('public/passkey.js');
  expect(files.filter((file) => /\bDate\b|\bTemporal\b/.test(readFileSync(`${root}${file}`, 'utf8')))).toEqual([]);
});
