import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hollow, shortest } from './support/honest.ts';

describe('a test that can’t fail is no test', () => {
  it.each([
    ["expect(await page.textContent('main')).toContain('4');", 1],
    ['expect(text).toContain("20");', 1],
    ["expect(text).toContain(\n  'ab',\n);", 1],
    ["expect(text).toContain('\\n');", 1],
    ["expect(text).toContain('loa:4');", 0],
    ["expect(await page.getAttribute('[data-level]', 'data-level')).toBe('4');", 0],
    ["expect(rows).not.toContain('a');", 0],
    ["expect(names).toContainEqual('a');", 0],
    ['expect(secret).toMatch(/./);', 1],
    ['expect(text).toMatch(/\\d+|level 4/);', 1],
    ['expect(text).toMatch(/(level )?4/i);', 1],
    ['expect(text).toMatch(/^\\d$/);', 0],
    ['expect(text).toMatch(/level \\d/);', 0],
    ['expect(text).not.toMatch(/4/);', 0],
    ['expect(text).toBeTruthy();', 1],
    ['expect(row).toBeDefined();', 1],
    ['expect(row).toBeUndefined();', 0],
    ["expect(row).toMatchObject({ id: 'a' });", 0],
    ['expect(list.length).toBeGreaterThanOrEqual(0);', 1],
    ['expect(list.length).toBeGreaterThan(0);', 0],
    ['expect(list.every(({ ok }) => ok)).toBe(true);', 1],
    ['expect((await listOf(db, id)).every((item) => item.endsAt !== null)).toBe(true);', 1],
    ['expect(new Set(list.map(({ ok }) => ok))).toEqual(new Set([true]));', 0],
    ['  expect(work()).rejects.toThrow();', 1],
    ['  expect(\n    work(),\n  ).resolves.toBe(1);', 1],
    ['  expect.poll(() => size()).toBe(2);', 1],
    ['  await expect(work()).rejects.toThrow();', 0],
    ['  return expect(work()).rejects.toThrow();', 0],
    ['expect(async () => work()).not.toThrow();', 1],
  ])('%s', (source, faults) => {
    expect(hollow(source)).toHaveLength(faults);
  });

  it.each([
    ['', 0],
    ['a?b*c+', 1],
    ['level \\d', 7],
    ['(one|two|three)x', 4],
    ['^[a-z\\]]{4,9}$', 4],
    ['(?=long look)ab', 2],
    ['\\bab\\b|\\u{20BB7}', 1],
    ['(?:ab){2}(?<name>c)?', 4],
  ])('the shortest text that /%s/ matches', (pattern, length) => {
    expect(shortest(pattern)).toBe(length);
  });

  it('holds for every file of tests', () => {
    const root = import.meta.dirname;
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && name !== 'honest.test.ts',
    );
    expect(files.length).toBeGreaterThan(150);
    const faults = files.flatMap((name) =>
      hollow(readFileSync(`${root}/${name}`, 'utf8')).map((fault) => `test/${name}:${fault}`),
    );
    expect(faults).toEqual([]);
  });
});
