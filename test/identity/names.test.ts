import { describe, expect, it } from 'vitest';
import { checkName, compareNames, normaliseName } from '../../src/identity/names.ts';
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
