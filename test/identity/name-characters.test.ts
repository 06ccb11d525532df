import { describe, expect, it } from 'vitest';
import { isIdeographic, scriptOf, withoutPrivateUse } from '../../src/identity/name-characters.ts';

describe('the script of a name', () => {
  it.each([
    ['Latn', 'José O’Brien'],
    ['Cyrl', 'Иван Петров'],
    ['Grek', 'Ελένη'],
    ['Arab', 'محمد'],
    ['Hebr', 'דוד'],
    ['Thai', 'สมชาย'],
    ['Deva', 'राम'],
    ['Tibt', 'བསྟན'],
    ['Mong', 'ᠪᠠᠲᠤ'],
    ['Kore', '김민수'],
    ['Hani', '李〇·\uE000'],
    ['Jpan', 'マリア 山田はな'],
  ])('%s: %s', (script, name) => expect(scriptOf(name)).toBe(script));

  it.each([
    '',
    ' ',
    '123',
    '·',
    'ʻ1',
    'Ա',
    '李 LI',
    'Jоhn',
    'LI 李',
    '김 Kim',
    'マリア Maria',
    'ΑA',
    'רA',
    'กA',
    'रA',
    'བA',
    'ᠪA',
    'مA',
  ])('%j is of none alone', (name) => expect(scriptOf(name)).toBe('mixed'));
});

describe('a name in ideographs alone', () => {
  it.each(['李', '阿卜 杜拉·买买提', '李\u3000明', '〇', '\uE000', '𠮷'])('%j', (name) =>
    expect(isIdeographic(name)).toBe(true),
  );
  it.each(['', '·', ' . ', '李A', 'A', '李1'])('%j is none', (name) => expect(isIdeographic(name)).toBe(false));
});

describe('private-use characters', () => {
  it.each([
    // First and last of GBK's, each with what GB 18030 gives it.
    ['\uE816', '\u{20087}'],
    ['\uE817', '\u{20089}'],
    ['\uE818', '\u{200CC}'],
    ['\uE863', '䶮'],
    ['\uE864', '龻'],
    // Components, and what is outside the table, stay.
    ['\uE815', '\uE815'],
    ['\uE819', '\uE819'],
    ['\uE814', '\uE814'],
    ['\uE865', '\uE865'],
    ['王\uE863\uE864李', '王䶮龻李'],
  ])('%j: %j', (given, meant) => expect(withoutPrivateUse(given)).toBe(meant));
});
