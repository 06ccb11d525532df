import { describe, expect, it } from 'vitest';
import { changedHandsSince, parseMonths } from '../../src/proofing/number-age.ts';

describe('a carrier’s range of months', () => {
  it.each([
    ['(3,6]', { atLeast: 3, below: 6 }],
    ['[3,6)', { atLeast: 3, below: 6 }],
    ['[24,+)', { atLeast: 24, below: null }],
    ['(0, 3]', { atLeast: 0, below: 3 }],
  ])('%s', (range, months) => expect(parseMonths(range)).toEqual(months));
  it.each(['', '3', '(3]', '(3,6', '(6,3]', '(3,3]', '(-1,3]', '(+,3]', '(3,+,6]', '(1e9,2]', '(３,６]'])(
    '%s is none',
    (range) => expect(parseMonths(range)).toBeNull(),
  );
});

describe('whether a number went to somebody else since', () => {
  const now = new Date('2026-11-23T10:00:00Z');
  it.each([
    ['[24,+)', '2025-01-01', 'no'],
    ['[24,+)', '2024-11-23T10:00:00Z', 'no'],
    ['[24,+)', '2024-11-23T09:59:59Z', 'maybe'],
    ['[24,+)', '2010-01-01', 'maybe'],
    ['[0,3)', '2026-11-23T10:00:00Z', 'no'],
    ['[0,3)', '2026-11-01', 'maybe'],
    ['[0,3)', '2026-08-23T10:00:00Z', 'yes'],
    ['[0,3)', '2020-01-01', 'yes'],
    ['[3,6)', '2026-09-01', 'no'],
    ['[3,6)', '2026-07-01', 'maybe'],
    ['[3,6)', '2026-05-01', 'yes'],
  ])('%s, confirmed %s: %s', (range, since, expected) => {
    const months = parseMonths(range);
    expect(months && changedHandsSince(months, new Date(since), now)).toBe(expected);
  });
  it('a month that has no 31st day ends on its last', () => {
    const months = { atLeast: 1, below: null };
    const end = new Date('2026-03-31T00:00:00Z');
    expect(changedHandsSince(months, new Date('2026-02-28T00:00:00Z'), end)).toBe('no');
    expect(changedHandsSince(months, new Date('2026-02-27T23:59:59Z'), end)).toBe('maybe');
  });
});
