import { describe, expect, it } from 'vitest';
import { ageOn, maskDocument, maskName } from '../../src/identity/person.ts';

describe('what others may see of a person', () => {
  it('a document by its last four, a short one not at all', () => {
    expect(maskDocument('440305198806151219')).toBe('••••••••••••••1219');
    expect(maskDocument('A12345')).toBe('••••••');
  });
  it('a name by its first character, rare ones whole', () => {
    expect(maskName('李晓明')).toBe('李••');
    expect(maskName('李')).toBe('李•');
    expect(maskName('𠮷田')).toBe('𠮷•');
    expect(maskName(' Mary  Ann ')).toBe('M••• A••');
    expect(maskName('')).toBe('');
  });
  it('age by the day', () => {
    expect(ageOn('2008-11-24', '2026-11-23')).toBe(17);
    expect(ageOn('2008-11-23', '2026-11-23')).toBe(18);
  });
});
