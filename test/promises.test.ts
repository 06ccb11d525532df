import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import register from './promises.json' with { type: 'json' };
import { absolutesBelow, absolutesIn, citationsIn, faultsOf, isCitable, plain } from './support/promises.ts';

const root = resolve(import.meta.dirname, '..');

describe('a sentence without exception names its test', () => {
  it.each([
    ['a.ts', '/** Never tells a name. Says why. */', ['Never tells a name.']],
    ['a.ts', '/**\n * One of them\n * only; the other waits.\n */', ['One of them only;']],
    ['a.ts', 'const a = 1; // at most one\n// and never\n// another', ['at most one and never another']],
    ['a.ts', "const never = 'always';", []],
    ['a.md', 'It is always\nso. Or not.\n\n```\nonly code\n```', ['It is always so.']],
    ['a.md', 'Stopped, `test/a.test.ts`: *never goes on*, *only stays*, by a rule', []],
    ['a.md', '| a | never b |\n| c | d |', ['| a | never b |']],
  ])('%s: %j', (file, text, found) => {
    expect(absolutesIn(file, text).map(({ sentence }) => sentence)).toEqual(found);
  });

  it.each([
    ['is in no register', {}, 'a.ts: "Never tells a name." names no test'],
    [
      'names a file that is not there',
      { 'a.ts': { 'Never tells': 'test/none.test.ts: says' } },
      'a.ts: no test/none.test.ts',
    ],
    [
      'names a test that is not there',
      { 'a.ts': { 'Never tells': 'test/promises.test.ts: says what nobody wrote' + ' down' } },
      'a.ts: test/promises.test.ts has no "says what nobody wrote down"',
    ],
    [
      'is called plain for no reason that we know',
      { 'a.ts': { 'Never tells': 'because' } },
      'a.ts: no reason: "because"',
    ],
    [
      'was written anew, and the register was not',
      { 'a.ts': { 'Never tells': 'shape', 'Never says': 'shape' } },
      'a.ts: nobody says "Never says" any more',
    ],
  ])('says so of one that %s', (_what, listed, fault) => {
    expect(faultsOf(root, absolutesIn('a.ts', '/** Never tells a name. */'), listed)).toEqual([fault]);
  });

  it('holds for every comment in src and seeds and every page of docs', () => {
    const found = ['src', 'seeds', 'docs'].flatMap((folder) => absolutesBelow(root, folder));
    expect(found.length).toBeGreaterThan(300);
    expect(faultsOf(root, found, register)).toEqual([]);
  });

  it('says in docs/testing.md why a sentence needs none', () => {
    const page = readFileSync(`${root}/docs/testing.md`, 'utf8');
    for (const reason of plain) expect(page).toContain(`\`${reason}\``);
  });

  it('pages name tests that are there', () => {
    const pages = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    const named = pages.flatMap((name) => citationsIn(readFileSync(`${root}/docs/${name}`, 'utf8')));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((each) => !isCitable(root, each))).toEqual([]);
    expect(isCitable(root, { file: 'test/promises.test.ts', title: 'pages name tests that are' })).toBe(false);
  });

  it('the threat model names files that are there', () => {
    const page = readFileSync(`${root}/docs/threat-model.md`, 'utf8');
    const files = [...page.matchAll(/`((?:src|seeds|test)\/[\w/.-]+)`/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter((file) => !existsSync(`${root}/${file}`))).toEqual([]);
  });
});
