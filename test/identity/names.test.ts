import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkName, compareNames, nameAnswer, nameTold, normaliseName, readName } from '../../src/identity/names.ts';
import { ageOn, maskDocument } from '../../src/identity/person.ts';
import { maskPhone, normalisePhone } from '../../src/identity/phone.ts';

describe('names', () => {
  it.each([
    '阿卜杜拉•买买提',
    '阿卜杜拉‧买买提',
    '阿卜杜拉・买买提',
    '阿卜杜拉･买买提',
    '阿卜杜拉.买买提',
    ' 阿卜杜拉 · 买买提 ',
  ])('%s has one middle dot', (name) => {
    expect(normaliseName(name)).toBe('阿卜杜拉·买买提');
  });
  it('keep words apart and ideographs together', () => {
    expect(normaliseName('LI  XIAOMING')).toBe('LI XIAOMING');
    expect(normaliseName('李 晓 明')).toBe('李晓明');
  });
  it.each([
    ['李晓明', 'ok'],
    ['黄𠮷', 'ok'],
    ['𠮷', 'bad_length'],
    ['李'.repeat(51), 'bad_length'],
    ['张*', 'bad_characters'],
    ['·买买提', 'bad_format'],
    ['买买提·', 'bad_format'],
    ['阿··买', 'bad_format'],
    ['李明', 'ok'],
    ['李〇', 'ok'],
    ['阿·买·提', 'ok'],
    ['李'.repeat(50), 'ok'],
    ['李A', 'bad_characters'],
    ['A李', 'bad_characters'],
  ])('%s: %s', (name, reason) => expect(checkName(name).reason).toBe(reason));
  it.each([
    ['李晓明', '李晓明', true, 'equal'],
    ['li xiaoming', 'LI XIAOMING', true, 'equal'],
    ['李晓明', '李晓名', false, 'spelling'],
    ['阿卜杜拉·买买提', '阿卜杜拉买买提', false, 'dots'],
    ['黄𠮷', '黄吉', false, 'spelling'],
    ['李晓明', '李明', false, 'length'],
  ])('%s and %s', (a, b, equal, reason) => expect(compareNames(a, b)).toEqual({ equal, reason }));
});

describe('a name as a document, a source or a person has it', () => {
  it.each([
    ['JOHN A. SMITH', 'JOHN A. SMITH'],
    ['ＪＯＨＮ　Ａ．　ＳＭＩＴＨ', 'JOHN A. SMITH'],
    ['Gal·la Puig', 'Gal·la Puig'],
    ['CHAN\u00A0TAI\tMAN', 'CHAN TAI MAN'],
    ['Chan, Tai\u2011man', 'Chan, Tai-man'],
    ['陳\u200B大\uFEFF文', '陳大文'],
    ['\u202E陳大文\u202C', '陳大文'],
    ['葛\u{E0100}城', '葛城'],
    ['Jose\u0301', 'José'],
    ['阿卜杜拉。买买提', '阿卜杜拉·买买提'],
    ['王\uE863', '王䶮'],
    ['王\uE816', '王\u{20087}'],
    ['王\uE000', '王\uE000'],
    ['\u{31350}', '\u{31350}'],
  ])('%j is kept as %j', (given, kept) => expect(normaliseName(given)).toBe(kept));

  it.each([
    '李',
    '𠮷',
    '\u{2EBF0}\u{31350}',
    '王\uE000',
    'RAJ S/O KUMAR',
    'SITI D/O AHMAD',
    'TAN AH KOW @ ALI',
    'LEE MEI LING (LI MEILING)',
    'JOHN A. SMITH',
    'O’BRIEN',
    "D'SOUZA, M.",
    'Иван Петров',
    '김민수',
    'マリア',
    '李'.repeat(50),
    'A'.repeat(100),
    'LI',
    '김',
    'Я',
    'A (B) (C)',
    'A / B @ C',
    '阿·买·提',
    '\u0301A',
  ])('%s is a name', (given) => expect(readName(given)).toMatchObject({ ok: true, name: given }));

  it.each([
    ['', 'bad_length'],
    ['x', 'bad_length'],
    ['李'.repeat(51), 'bad_length'],
    ['A'.repeat(101), 'bad_length'],
    ['张*', 'bad_characters'],
    ['张••', 'bad_format'],
    ['·买买提', 'bad_format'],
    ['CHAN 2', 'bad_characters'],
    ['<b>LI</b>', 'bad_characters'],
    ['LI\u0000XIAO', 'bad_characters'],
    ['J\u041EHN', 'bad_characters'],
    ['LEE (MEI', 'bad_format'],
    ['TAN @', 'bad_format'],
    ['TAN/ ', 'bad_format'],
    ['A @ / B', 'bad_format'],
    ['A//B', 'bad_format'],
    ['A)(B', 'bad_format'],
    ['LEE MEI)', 'bad_format'],
    ['买买提·', 'bad_format'],
    ['买··提', 'bad_format'],
    ['\u0391\u0411', 'bad_characters'],
    ['A\u0391', 'bad_characters'],
    ['-LI', 'bad_characters'],
    [`${'山'.repeat(100)}a`, 'bad_length'],
  ])('%j is none: %s', (given, reason) => expect(readName(given)).toEqual({ ok: false, reason }));

  it('an upstream’s masked, empty or endless text is nobody’s name', () => {
    for (const told of [null, undefined, 7, '', ' ', '张*', '张＊', '张••', '●三', 'A'.repeat(400)])
      expect(nameTold(told)).toBeNull();
    expect(nameTold(' Chan  Tai Man ')).toBe('Chan Tai Man');
    expect(nameTold(`LI${' '.repeat(297)}A`)).toBe('LI A');
    expect(nameTold(`LI${' '.repeat(298)}A`)).toBeNull();
  });

  it('is normalised once and for all, and read alike before and after', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (given) => {
        const name = normaliseName(given);
        expect(normaliseName(name)).toBe(name);
        expect(readName(name)).toEqual(readName(given));
        expect(name).not.toMatch(/[\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/);
      }),
    );
  });
});

describe('whether two names are one', () => {
  it.each([
    ['陳大文', '陈大文', 'spelling', 'different'],
    ['陳大文', 'CHAN TAI MAN', 'script', 'incomparable'],
    ['Иван Петров', 'IVAN PETROV', 'script', 'incomparable'],
    ['陳大文 CHAN', '陳大文', 'script', 'incomparable'],
    ['CHAN, Tai-man', 'CHAN TAI MAN', 'equal', 'same'],
    ['john a smith', 'JOHN A. SMITH', 'equal', 'same'],
    ['RAJ S/O KUMAR', 'RAJ SO KUMAR', 'equal', 'same'],
    ['JOSÉ PÉREZ', 'JOSE PEREZ', 'marks', 'same'],
    ['Tai Man CHAN', 'CHAN TAI MAN', 'order', 'same'],
    ['MAN CHAN TAI', 'CHAN MAN TAI', 'spelling', 'different'],
    ['CHAN TAI MAN', 'CHAN TAI MEN', 'spelling', 'different'],
    ['阿卜杜拉·买买提', '阿卜杜拉买买提', 'dots', 'same'],
    ['王\uE000', '王𠮷', 'private', 'incomparable'],
    ['王\uE000', '李𠮷', 'spelling', 'different'],
    ['王\uE863', '王䶮', 'equal', 'same'],
    ['กา', 'กี', 'spelling', 'different'],
    ['李', '李明', 'length', 'different'],
    ['李 CHAN', '李 CHAN', 'equal', 'same'],
    ['阿·卜', '阿卜明', 'spelling', 'different'],
    ['王明\uE000', '王\uE000', 'length', 'different'],
    ['\uE000\uE001', '\uE002明', 'private', 'incomparable'],
    ['CHAN TAI', 'CHAN', 'length', 'different'],
    ['ΆΝΝΑ', 'ΑΝΝΑ', 'marks', 'same'],
    ['ЁЛКИН', 'ЕЛКИН', 'marks', 'same'],
    ['O’BRIEN', "O'BRIEN", 'equal', 'same'],
    ['김 민수', '민수 김', 'order', 'same'],
  ])('%s and %s: %s, %s', (a, b, reason, answer) => {
    expect(compareNames(a, b)).toEqual({ equal: reason === 'equal', reason });
    expect([nameAnswer(a, b), nameAnswer(b, a)]).toEqual([answer, answer]);
  });

  it('is one whatever was done to it that normalising takes away', () => {
    const word = fc.string({ unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'), minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(' ', '  ', '-', ', ', '\u3000'),
        (all, gap) => {
          expect(nameAnswer(all.join(' '), all.join(gap).toLowerCase())).toBe('same');
        },
      ),
    );
  });
});

describe('people', () => {
  it('have an age on a day', () => {
    expect(ageOn('2008-11-24', '2026-11-23')).toBe(17);
    expect(ageOn('2008-11-23', '2026-11-23')).toBe(18);
  });
  it('have numbers that are masked but for the last four', () => {
    expect(maskDocument('440305198806151219')).toBe('••••••••••••••1219');
    expect(maskDocument('H12345')).toBe('••••••');
  });
});

describe('phones', () => {
  it.each([
    ['138 0013 8000', 'CN', '+8613800138000'],
    ['９１２３４５６７', 'HK', '+85291234567'],
    ['0912 345 678', 'TW', '+886912345678'],
    ['+85366123456', '', '+85366123456'],
    ['123', 'CN', null],
    ['1'.repeat(41), 'CN', null],
    ['13800138000', '', null],
  ])('%s in %s is %s', (typed, region, e164) => expect(normalisePhone(typed, region)).toBe(e164));
  it('are shown by country and last four', () => {
    expect(maskPhone('+8613800138000')).toBe('+86 •••• 8000');
    expect(maskPhone('nonsense')).toBe('•••• ense');
  });
});
