import { describe, expect, it } from 'vitest';
import { dayOf, faultKeys, parseChoice, tickedIn, typedIn } from '../../src/admin/counter-form.ts';
import { caseNumber, codeAlphabet, codeLength, groupCode, parseCode } from '../../src/commands/counter-rules.ts';
import {
  checkListFor,
  counterCategories,
  counterChecks,
  counterDocuments,
  type DocumentEntry,
  documentsFor,
  readDocument,
} from '../../src/identity/counter.ts';

const today = '2026-11-23';
const entry = (changes: Partial<DocumentEntry>): DocumentEntry => ({
  category: 'mainland',
  document: 'cn_resident_id',
  number: '440305198806151219',
  name: '李晓明',
  birthDate: '1988-06-15',
  validUntil: '2036-06-15',
  ...changes,
});
const faultsOf = (changes: Partial<DocumentEntry>, day = today) => {
  const result = readDocument(entry(changes), day);
  return result.ok ? [] : result.faults.map(({ field, reason }) => `${field}:${reason}`);
};
const numberOf = (changes: Partial<DocumentEntry>, day = today) => {
  const result = readDocument(entry(changes), day);
  return result.ok ? result.read.number : result.faults;
};

describe('check lists', () => {
  it('has one for every category and document that counts for it, and none for others', () => {
    for (const category of counterCategories) {
      expect(documentsFor[category].length).toBeGreaterThan(0);
      for (const document of counterDocuments) {
        const list = checkListFor(category, document);
        expect(list !== null).toBe(documentsFor[category].includes(document));
        if (list === null) continue;
        // The four things that nothing can stand in for.
        for (const check of ['genuine', 'valid', 'number', 'name', 'photo', 'present', 'willing'])
          expect(list).toContain(check);
      }
    }
    expect(new Set(counterCategories.flatMap((category) => documentsFor[category]))).toEqual(new Set(counterDocuments));
  });

  it('asks for the chip where there is one, and for the right to stay where the document does not give it', () => {
    expect(checkListFor('mainland', 'cn_resident_id')).toContain('chip');
    expect(checkListFor('foreign', 'cn_foreign_pr_15')).not.toContain('chip');
    expect(checkListFor('foreign', 'cn_foreign_pr_18')).not.toContain('stay');
    expect(checkListFor('foreign', 'passport')).toEqual(counterChecks);
  });
});

const hk = { category: 'hong_kong', name: '陳大文', birthDate: '1980-01-01' } as const;
const mrz = 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10';
const anna: Partial<DocumentEntry> = {
  category: 'foreign',
  document: 'passport',
  number: mrz,
  name: 'ERIKSSON, ANNA MARIA',
  birthDate: '1974-08-12',
  validUntil: '2012-04-15',
};

describe('what the official enters', () => {
  it.each<[string, Partial<DocumentEntry>, string]>([
    ['a resident card, with spaces', { number: ' 440305 19880615 121９ ' }, '440305198806151219'],
    ['a home-return permit', { ...hk, document: 'cn_hm_travel_permit', number: 'h12345678' }, 'H12345678'],
    ['one with its count of issues', { ...hk, document: 'cn_hm_travel_permit', number: 'H1234567802' }, 'H12345678'],
    ['one of Macao', { ...hk, category: 'macao', document: 'cn_hm_travel_permit', number: 'M12345678' }, 'M12345678'],
    ['one for who is no citizen', { ...hk, document: 'cn_hm_travel_permit_noncn', number: 'HA1234567' }, 'HA1234567'],
    ['a Taiwan permit', { ...hk, category: 'taiwan', document: 'cn_tw_travel_permit', number: '12345678' }, '12345678'],
  ])('takes %s', (_what, changes, number) => expect(numberOf(changes)).toBe(number));

  it.each([
    ['cn_resident_id', 'mainland', '440305198806151219', '李'],
    ['cn_resident_id', 'mainland', '４４０３０５１９８８０６１５１２１９', '王\uE000'],
    ['cn_resident_id', 'mainland', '440305198806151219', '\u{31350}\u{2EBF0}'],
    ['cn_hm_travel_permit', 'hong_kong', 'H12345678（02）', '陳'],
    ['cn_foreign_pr_18', 'foreign', '944702198001201017', 'RAJ S/O KUMAR'],
    ['cn_foreign_pr_18', 'foreign', '9447 0219 8001 2010 17', 'SITI D/O AHMAD'],
    ['cn_foreign_pr_18', 'foreign', '944702198001201017', 'TAN AH KOW @ ALI'],
    ['cn_foreign_pr_18', 'foreign', '944702198001201017', 'LEE MEI LING (LI MEILING)'],
    ['cn_foreign_pr_18', 'foreign', '944702198001201017', 'JOHN A. SMITH'],
  ] as const)('takes a %s of %s, %s, %s', (document, category, number, name) => {
    const birthDate = {
      cn_resident_id: '1988-06-15',
      cn_hm_travel_permit: '1980-01-01',
      cn_foreign_pr_18: '1980-01-20',
    };
    const read = readDocument(entry({ document, category, number, name, birthDate: birthDate[document] }), today);
    expect(read.ok ? read.read.name : read.faults).toBe(name);
  });

  it('refuses a number of fifteen digits, which no card has any more, and one of another series', () => {
    expect(faultsOf({ number: '440305880615121' })).toEqual(['number:bad_length']);
    expect(faultsOf({ ...hk, document: 'cn_hm_travel_permit', number: 'HA1234567' })).toEqual(['number:bad_format']);
  });

  it('takes a passport by its two lines, and knows it by its state and number', () => {
    expect(numberOf(anna, '2010-01-01')).toBe('UTO:L898902C3');
    expect(numberOf({ ...anna, number: mrz.replace('\n', ' ').toLowerCase() }, '2010-01-01')).toBe('UTO:L898902C3');
  });

  it.each<[string, Partial<DocumentEntry>, string[]]>([
    ['a wrong check digit', { number: '440305198806151218' }, ['number:bad_check_digit']],
    ['another birth date', { birthDate: '1988-06-16' }, ['birthDate:differs']],
    ['a birth date to come', { birthDate: '2099-01-01' }, ['birthDate:bad_date']],
    ['an expired document', { validUntil: '2026-11-22' }, ['validUntil:expired']],
    ['a document that is not for them', { document: 'passport' }, ['document:not_for_category']],
    ['a Latin name on a resident card', { name: 'LI XIAOMING' }, ['name:bad_characters']],
    [
      'no name at all',
      { ...hk, document: 'cn_hm_travel_permit', number: 'H12345678', name: '\u200B' },
      ['name:bad_length'],
    ],
    [
      'digits in a name',
      { ...hk, document: 'cn_hm_travel_permit', number: 'H12345678', name: 'CHAN 2' },
      ['name:bad_characters'],
    ],
    [
      'a permit of Macao for Hong Kong',
      { ...hk, document: 'cn_hm_travel_permit', number: 'M12345678' },
      ['number:not_of_region'],
    ],
    [
      'several at once',
      { number: '1', name: 'x', validUntil: '2000-01-01' },
      ['number:bad_length', 'name:bad_length', 'validUntil:expired'],
    ],
  ])('refuses %s', (_what, changes, faults) => expect(faultsOf(changes)).toEqual(faults));

  it('refuses a passport whose dates are not those of its lines', () => {
    expect(faultsOf({ ...anna, birthDate: '1974-08-13', validUntil: '2013-04-15' }, '2010-01-01')).toEqual([
      'birthDate:differs',
      'validUntil:differs',
    ]);
    expect(faultsOf({ ...anna, validUntil: null }, '2010-01-01')).toEqual(['validUntil:differs']);
  });

  it('takes a residence permit for the region it says only', () => {
    // GB 11643 form; check characters by ISO 7064 MOD 11-2.
    const permit = { document: 'cn_hmt_residence_permit', birthDate: '2019-08-08' } as const;
    const number = residence('82000020190808001');
    expect(faultsOf({ ...hk, ...permit, category: 'macao', number })).toEqual([]);
    expect(faultsOf({ ...hk, ...permit, number })).toEqual(['number:not_of_region']);
    expect(faultsOf({ ...hk, ...permit, category: 'taiwan', number: residence('83000020190808001') })).toEqual([]);
  });

  it('reads a document without an end', () => expect(faultsOf({ validUntil: null })).toEqual([]));
});

function residence(first17: string): string {
  const p = [...first17].reduce((sum, digit) => ((sum + Number(digit)) * 2) % 11, 0);
  return first17 + '0123456789X'.charAt((12 - p) % 11);
}

describe('codes and numbers', () => {
  it('has no look-alikes, and reads what people and scanners make of a code', () => {
    expect(codeAlphabet).not.toMatch(/[0OQ1IL2Z5S6G8BUV]/);
    expect(new Set(codeAlphabet).size).toBe(codeAlphabet.length);
    const code = codeAlphabet.slice(0, codeLength);
    expect(parseCode(groupCode(code))).toBe(code);
    expect(parseCode(` ${code.toLowerCase().slice(0, 4)}-${code.slice(4)}\n`)).toBe(code);
    for (const wrong of ['', code.slice(1), `${code}A`, `${code.slice(1)}0`]) expect(parseCode(wrong)).toBeNull();
  });

  it('numbers a case by the random end of its id', () => {
    expect(caseNumber('019ab7a0-1c1d-7000-8000-0123456789ab')).toBe('0123-4567-89AB');
  });
});

describe('the form', () => {
  it('knows only pairs that count', () => {
    expect(parseChoice('foreign.passport')).toEqual({ category: 'foreign', document: 'passport' });
    for (const wrong of [undefined, '', 'mainland', 'mainland.passport', 'x.passport', 'legal_person.passport'])
      expect(parseChoice(wrong)).toBeNull();
  });

  it('reads the birth date that the older residence card’s number holds', () => {
    const card = (number: string, birthDate: string) => {
      const read = readDocument(
        entry({ category: 'foreign', document: 'cn_foreign_pr_15', number, name: 'Mary Smith', birthDate }),
        today,
      );
      return read.ok ? 'ok' : read.faults.map(({ field, reason }) => `${field} ${reason}`).join();
    };
    expect(card('AUS320075041509', '1975-04-15')).toBe('ok');
    expect(card('AUS320075041509', '1975-04-16')).toBe('birthDate differs');
    expect(card('AUS3200750415', '1975-04-16')).toMatch(/^number \w+$/);
  });

  it('keeps what was typed and ticked, and has a text for each fault', () => {
    expect(typedIn({ number: '1', name: 'x', _csrf: 'y', birthDate: ['z'] })).toEqual({ number: '1', name: 'x' });
    expect(tickedIn({ check_chip: 'on', check_nothing: 'on', check_photo: '' })).toEqual(['chip']);
    expect([typedIn(null), tickedIn('x')]).toEqual([{}, []]);
    const faults = readDocument(
      entry({ number: '1', name: 'x', birthDate: '2099-01-01', validUntil: '2000-01-01' }),
      today,
    );
    expect(faults.ok ? {} : faultKeys(faults.faults)).toEqual({
      number: 'counter.fault.number',
      name: 'counter.fault.name',
      birthDate: 'counter.fault.birthDate',
      validUntil: 'counter.fault.expired',
    });
    expect(faultKeys([{ field: 'birthDate', reason: 'differs' }])).toEqual({
      birthDate: 'counter.fault.birth_differs',
    });
    expect(faultKeys([{ field: 'validUntil', reason: 'differs' }])).toEqual({
      validUntil: 'counter.fault.end_differs',
    });
    expect(faultKeys([{ field: 'number', reason: 'not_of_region' }])).toEqual({
      number: 'counter.fault.not_of_region',
    });
    expect(dayOf(new Date('2026-11-23T17:00:00Z'))).toBe('2026-11-24');
  });
});
