import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import {
  addressOfLevel,
  levelNumber,
  levelOfAddress,
  levelShown,
  levelsAbove,
  noLevelShown,
} from '../../src/assurance/level-shown.ts';
import type { AssurancePolicy, LevelRule } from '../../src/assurance/policy.ts';

const policyOf = (order: Readonly<Record<string, readonly string[]>>): AssurancePolicy => {
  const level = defaultPolicy.levels[0] as LevelRule;
  const levels = Object.entries(order).map(([id, dominates]) => ({ ...level, id, name: `name of ${id}`, dominates }));
  return { ...defaultPolicy, levels };
};
/** Two ways up from `a` that meet in `d`; `long` is one step more; `alone` is beside everything; `x` and `y` are one rank. */
const policy = policyOf({
  a: [],
  b: ['a'],
  c: ['a'],
  long: ['c'],
  d: ['b', 'long'],
  alone: [],
  x: ['y', 'a'],
  y: ['x'],
  'of a/b?': ['d'],
});

const fork = { a: [], b: ['a'], c: ['a'] };

describe('the number of a level', () => {
  it.each([
    ['a', 1],
    ['b', 2],
    ['c', 2],
    ['long', 3],
    ['d', 4],
    ['of a/b?', 5],
    ['alone', null],
    ['x', 2],
    ['y', 2],
    ['gone', null],
  ])('%s: %s', (id, number) => expect(levelNumber(policy, id)).toBe(number));

  it('goes with its name, or with its id where the policy has it no more', () => {
    expect(levelShown(policy, 'b')).toEqual({ number: 2, name: 'name of b' });
    expect(levelShown(policy, 'gone')).toEqual({ number: null, name: 'gone' });
    expect(noLevelShown).toEqual({ number: 0, name: 'none' });
  });
});

describe('the address of a level', () => {
  it.each([
    ['a', '1'],
    ['b', 'b'],
    ['c', 'c'],
    ['long', '3'],
    ['alone', 'alone'],
    ['of a/b?', '5'],
  ])('%s: %s', (id, address) => {
    expect(addressOfLevel(policy, id)).toBe(address);
    expect(levelOfAddress(policy, address)).toBe(id);
  });
  it('is the escaped id where no number is its own', () => {
    const odd = policyOf({ 'a/b?': [], 'c/d': [], e: ['a/b?', 'c/d'] });
    expect(addressOfLevel(odd, 'a/b?')).toBe('a%2Fb%3F');
    expect(levelOfAddress(odd, 'a/b?')).toBe('a/b?');
  });
  it('is the level’s id before it is another’s number, and nobody’s where it is neither or several have it', () => {
    expect(levelOfAddress(policyOf({ 2: [], z: ['2'] }), '2')).toBe('2');
    expect(levelOfAddress(policy, 'null')).toBeNull();
    for (const text of ['2', '7', '0', '', 'null', 'gone']) expect(levelOfAddress(policyOf(fork), text)).toBeNull();
  });
});

describe('what comes next', () => {
  it.each<[string[], string | null, string[]]>([
    [[], null, ['a', 'alone']],
    [['a'], 'a', ['b', 'c', 'alone']],
    [['a', 'alone'], 'alone', ['b', 'c']],
    [['a', 'b'], 'b', ['c', 'alone']],
    [['a', 'c'], 'c', ['long', 'b', 'alone']],
    [['a', 'b', 'c', 'long', 'd', 'of a/b?', 'alone'], 'of a/b?', []],
  ])('after %j: %j', (held, best, next) => {
    const levels = policy.levels.filter(({ id }) => !['x', 'y'].includes(id));
    expect(levelsAbove({ ...policy, levels }, held, best)).toEqual(next);
  });
});
