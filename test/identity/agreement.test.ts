import { describe, expect, it } from 'vitest';
import { agreement, type PersonRecord, shareDocument, vouchers } from '../../src/identity/agreement.ts';
import { birthDateOfDocument } from '../../src/identity/person.ts';

const known: PersonRecord = {
  category: 'hong_kong',
  names: ['陳大文', '', ' ', 'CHAN TAI MAN'],
  birthDate: '1985-03-03',
  documents: [
    { type: 'cn_hm_travel_permit', number: 'H12345678' },
    { type: 'passport', number: 'CHN:E12345678' },
  ],
};

/** Each dimension with what its values say against what is known. */
const names = {
  same: [['陳大文'], ['CHAN TAI MAN'], ['陳大文', 'CHEN DAWEN'], ['陳·大文'], ['陈大文', '陳大文'], ['Tai-man, Chan']],
  // Two that both tell a blank tell nothing alike.
  differ: [['陳小明'], ['CHAN SIU MING'], ['陳小明', 'CHAN TAI MAN'], ['陳小明', '', ' ']],
  script: [['Чан Тай Ман'], ['チャン・タイマン'], ['陳\uE000文']],
  name: [[], [''], [' ']],
} as const;
const birthDates = {
  same: ['1985-03-03'],
  differ: ['1985-03-04', '1985-04', '1986', '1986-00-00', '1985-00-04'],
  partial: ['1985', '1985-03', '1985-03-00', '1985-00-00', '1985-00-03', '', null],
} as const;
const documents = {
  same: [
    [{ type: 'cn_hm_travel_permit', number: 'H12345678' }],
    [{ type: 'passport', number: 'CHN:E12345678' }],
    // A second passport takes nothing from the one that both know.
    [
      { type: 'passport', number: 'CHN:E12345678' },
      { type: 'passport', number: 'CHN:E99999999' },
    ],
    // The same permit with the count of its issues.
    [{ type: 'cn_hm_travel_permit', number: 'h1234567801' }],
    [
      { type: 'hk_id', number: 'A1234563' },
      { type: 'cn_hm_travel_permit', number: 'H12345678' },
    ],
  ],
  differ: [
    [{ type: 'cn_hm_travel_permit', number: 'H87654321' }],
    [
      { type: 'passport', number: 'CHN:E12345678' },
      { type: 'cn_hm_travel_permit', number: 'H87654321' },
    ],
  ],
  another: [[{ type: 'passport', number: 'CHN:E99999999' }]],
  none: [[], [{ type: 'hk_id', number: 'A1234563' }]],
} as const;
const categories = { same: ['hong_kong'], differ: ['macao', 'mainland', 'foreign'], unknown: [null] } as const;

type Key<T> = Extract<keyof T, string>;
const keysOf = <T extends object>(of: T) => Object.keys(of) as Key<T>[];

/** The table: the first row that fits says the answer. */
const expected = (
  category: Key<typeof categories>,
  number: Key<typeof documents>,
  name: Key<typeof names>,
  birth: Key<typeof birthDates>,
  voucher: (typeof vouchers)[number],
) => {
  const rows: [boolean, string][] = [
    [category === 'differ', 'differ category'],
    [number === 'differ', 'differ document_number'],
    [name === 'differ', 'differ name'],
    [birth === 'differ', 'differ birth_date'],
    [number === 'same', 'agree document'],
    [category === 'unknown', 'incomparable category'],
    [name === 'script', 'incomparable script'],
    [name === 'name', 'incomparable name'],
    [birth === 'partial', 'incomparable birth_date'],
    [voucher === 'typed', 'incomparable typed'],
    [number === 'another' && voucher === 'holder', 'incomparable document_number'],
    [true, 'agree name_and_birth_date'],
  ];
  return rows.find(([fits]) => fits)?.[1];
};

const cases = keysOf(categories).flatMap((category) =>
  keysOf(documents).flatMap((number) =>
    keysOf(names).flatMap((name) =>
      keysOf(birthDates).flatMap((birth) => vouchers.map((voucher) => ({ category, number, name, birth, voucher }))),
    ),
  ),
);

describe('whether two records name one person', () => {
  it.each(cases)(
    'category $category, number $number, name $name, birth date $birth, vouched for by $voucher',
    ({ category, number, name, birth, voucher }) => {
      const answers = new Set<string>();
      for (const ofCategory of categories[category])
        for (const ofNumber of documents[number])
          for (const ofName of names[name])
            for (const ofBirth of birthDates[birth]) {
              const said = { category: ofCategory, names: ofName, birthDate: ofBirth, documents: ofNumber };
              const { answer, because } = agreement(known, said, voucher);
              answers.add(`${answer} ${because}`);
            }
      expect([...answers]).toEqual([expected(category, number, name, birth, voucher)]);
    },
  );

  it('names in different scripts are never taken for one, whatever the birthday (李晓明 and CHAN TAI MAN)', () => {
    const han = { category: 'hong_kong', names: ['陳大文'], birthDate: '1985-03-03', documents: [] } as const;
    const latin = { ...han, names: ['CHAN TAI MAN'] };
    for (const voucher of vouchers)
      expect(agreement(han, latin, voucher)).toEqual({ answer: 'incomparable', because: 'script' });
  });

  it.each(vouchers)('answers alike whichever record comes first, vouched for by %s', (voucher) => {
    for (const ofNumber of Object.values(documents).flat())
      for (const ofName of Object.values(names).flat())
        for (const birthDate of Object.values(birthDates).flat()) {
          const said = { category: 'hong_kong', names: ofName, birthDate, documents: ofNumber } as const;
          expect(agreement(said, known, voucher)).toEqual(agreement(known, said, voucher));
        }
    for (const category of Object.values(categories).flat()) {
      const said = { ...known, category };
      expect(agreement(said, known, voucher)).toEqual(agreement(known, said, voucher));
    }
  });

  it('knows the day of birth that a number holds, where nothing more was told', () => {
    const resident = {
      category: 'mainland',
      names: ['李晓明'],
      birthDate: null,
      documents: [{ type: 'cn_resident_id', number: '440305198806151219' }],
    } as const;
    const said = { category: 'mainland', names: ['李晓明'], documents: [] } as const;
    expect(agreement(resident, { ...said, birthDate: '1988-06-15' }, 'holder').answer).toBe('agree');
    expect(agreement(resident, { ...said, birthDate: '1988-06-16' }, 'holder').answer).toBe('differ');
    expect(agreement({ ...resident, birthDate: '1988' }, { ...said, birthDate: '1988-06-16' }, 'holder').answer).toBe(
      'differ',
    );
    expect(birthDateOfDocument('cn_resident_id', '440305198806151219')).toBe('1988-06-15');
    expect(birthDateOfDocument('cn_resident_id_15', '440305880615121')).toBe('1988-06-15');
    expect(birthDateOfDocument('bank_card', '440305198806151219')).toBeNull();
    expect(birthDateOfDocument('cn_hm_travel_permit', 'H12345678')).toBeNull();
  });

  it('takes the whole day of birth that was told before the one that a number holds', () => {
    const documents = [{ type: 'cn_resident_id', number: '440305198806151219' }];
    const resident = { category: 'mainland', names: ['李晓明'], birthDate: '1988-06-14', documents } as const;
    const said = (birthDate: string) => ({ ...resident, birthDate, documents: [] });
    expect(agreement(resident, said('1988-06-14'), 'holder').answer).toBe('agree');
    expect(agreement(resident, said('1988-06-15'), 'holder').answer).toBe('differ');
  });
});

describe('whether two lists hold one document', () => {
  const [permit, again] = ['H12345678', 'h1234567801'].map((number) => ({ type: 'cn_hm_travel_permit', number }));
  const [one, other] = ['CHN:E12345678', 'CHN:E99999999'].map((number) => ({ type: 'passport', number }));
  it.each([
    [[permit], [again], true],
    [[one, permit], [other, again], true],
    [[one], [other], false],
    [[one, permit], [other], false],
    [[one], [], false],
    [[], [one], false],
    [[], [], false],
  ])('%j and %j: %s', (some, others, is) => {
    const given = (list: typeof some) => list.filter((each) => each !== undefined);
    expect(shareDocument(given(some), given(others))).toBe(is);
  });
});
