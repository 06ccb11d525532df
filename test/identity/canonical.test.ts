import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalDocument,
  passportLines,
  sameDocument,
  withoutState,
} from '../../src/identity/documents/canonical.ts';
import { checkDocument } from '../../src/identity/documents.ts';
import { categoryOfDocument } from '../../src/identity/person.ts';
import { foldTyped } from '../../src/identity/typed.ts';

const lines = 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10';

describe('one document in several spellings', () => {
  it.each<[string, string, string[]]>([
    [
      'cn_hm_travel_permit',
      'H12345678',
      ['H1234567801', 'h12345678 01', 'H12345678(01)', 'Ｈ１２３４５６７８', 'H-1234-5678'],
    ],
    ['cn_hm_travel_permit_noncn', 'HA1234567', ['ha 1234567', 'HA123456701']],
    ['cn_tw_travel_permit', '05616820', ['0561682001', '0561682001(D)', '0561 6820', '０５６１６８２００１（Ｄ）']],
    [
      'cn_resident_id',
      '11010519491231002X',
      ['11010519491231002x', '１１０１０５１９４９１２３１００２ｘ', '110105 19491231 002X'],
    ],
    ['cn_resident_id', '130503196704010016', ['130503670401001', '1305 0367 0401 001']],
    ['cn_hmt_residence_permit', '810000198503031018', ['810000-19850303-1018']],
    ['hk_id', 'A1234563', ['A123456(3)', 'a123456（3）', 'A 123456 (3)', 'A123456[3]']],
    ['mo_bir', '12345678', ['1234567(8)', '1/234567/8', '１２３４５６７（８）']],
    ['tw_national_id', 'A123456789', ['a123456789', 'A-123456789']],
    ['tw_arc_old', 'AD00000005', ['ad00000005']],
    ['sg_nric', 'S1234567D', ['s1234567d']],
    ['cn_foreign_pr_18', '944702198001201017', ['9447 0219 8001 2010 17']],
    ['cn_foreign_pr_15', 'KAZ110090123105', ['kaz 110090123105']],
    [
      'passport',
      'UTO:L898902C3',
      [lines, lines.replace('\n', ' ').toLowerCase(), 'UTO L898902C3', 'uto: l898902c3', 'UTO-L89 8902C3'],
    ],
    ['passport', 'D:C01X00T47', ['D<<:C01X00T47', 'd/c01x00t47']],
    ['cn_org_code', 'MA0000015', ['MA000001-5']],
  ])('%s %s', (type, number, spellings) => {
    for (const spelling of [number, ...spellings])
      expect(canonicalDocument(type, spelling), spelling).toMatchObject({ type, number });
  });

  it('says which issue of a permit it was', () => {
    expect(canonicalDocument('cn_hm_travel_permit', 'H1234567802').issue).toBe('02');
    expect(canonicalDocument('cn_hm_travel_permit', 'H12345678').issue).toBeNull();
    expect(canonicalDocument('cn_tw_travel_permit', '0561682001(D)').issue).toBe('01');
  });

  it('puts numbers under the type that their form says, where two types are one series of cards', () => {
    expect(canonicalDocument('cn_resident_id_15', '130503670401001')).toMatchObject({
      type: 'cn_resident_id',
      number: '130503196704010016',
    });
    expect(canonicalDocument('cn_foreign_pr_18', 'KAZ110090123105').type).toBe('cn_foreign_pr_15');
    expect(canonicalDocument('cn_hm_travel_permit', 'HA1234567').type).toBe('cn_hm_travel_permit_noncn');
    expect(canonicalDocument('icao_mrz_td3', lines)).toMatchObject({ type: 'passport', number: 'UTO:L898902C3' });
    expect(categoryOfDocument('cn_hm_travel_permit', 'h12345678')).toBe('hong_kong');
    expect(categoryOfDocument('cn_resident_id_15', '130503670401001')).toBe('mainland');
  });

  it('keeps what means something: other people’s dashes, a passport’s state, a letter before a blank', () => {
    expect(canonicalDocument('fi_hetu', ' 131052-308t').number).toBe('131052-308T');
    expect(sameDocument({ type: 'passport', number: 'UTO:1' }, { type: 'passport', number: 'AUS:1' })).toBe(false);
    expect(canonicalDocument('passport', 'E 12345678').number).toBe('E12345678');
    expect(withoutState({ type: 'passport', number: 'UTO:L898902C3' })).toBe('L898902C3');
    expect(withoutState({ type: 'passport', number: 'L898902C3' })).toBeNull();
    expect(withoutState({ type: 'hk_id', number: 'A1234563' })).toBeNull();
    expect(passportLines('L898902C3')).toBeNull();
  });
});

interface Vector {
  readonly type: string;
  readonly value: string;
  readonly valid: boolean;
}
const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/document-vectors.json', import.meta.url), 'utf8'),
);
const numbers = vectors.filter(({ type, valid }) => valid && !/^(icao|name|phone)/.test(type));

/** What keyboards, scanners and people make of a number: width, case, and ornament between its characters. */
const spelled = (value: string) =>
  fc
    .array(
      fc.record({
        wide: fc.boolean(),
        lower: fc.boolean(),
        gap: fc.constantFrom('', '', '', ' ', '-', '\u3000', '—', '.', '\u200B'),
      }),
      {
        minLength: value.length,
        maxLength: value.length,
      },
    )
    .map((how) =>
      [...value]
        .map((c, i) => {
          const { wide, lower, gap } = how[i] ?? { wide: false, lower: false, gap: '' };
          const cased = lower ? c.toLowerCase() : c;
          const code = cased.charCodeAt(0);
          return (wide && code > 0x20 && code < 0x7f ? String.fromCharCode(code + 0xfee0) : cased) + gap;
        })
        .join(''),
    );

describe('the canonical form', () => {
  it('is its own canonical form, for any type and any text', () => {
    const types = [...new Set(vectors.map(({ type }) => type)), 'passport', 'fi_hetu', '__proto__'];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom(...vectors.map(({ value }) => value))),
        (type, given) => {
          const once = canonicalDocument(type, given);
          expect(canonicalDocument(once.type, once.number)).toEqual({ ...once, issue: null });
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is one for every spelling of a good number, and that number is good', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...numbers)
          .chain(({ type, value }) => fc.tuple(fc.constant(type), fc.constant(value), spelled(value))),
        ([type, value, spelling]) => {
          const canonical = canonicalDocument(type, value);
          expect(canonicalDocument(type, spelling), spelling).toEqual(canonical);
          expect(checkDocument(canonical.type, canonical.number).valid).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('never makes one good number of another: two of one type are one document only where they are one number', () => {
    const significant = (value: string) => foldTyped(value).replaceAll(/[()/]/g, '');
    for (const a of numbers) {
      for (const b of numbers.filter(({ type }) => type === a.type)) {
        const [left, right] = [significant(a.value), significant(b.value)];
        const issues = a.type === 'cn_hm_travel_permit' && left.slice(0, 9) === right.slice(0, 9);
        expect(canonicalDocument(a.type, a.value).number === canonicalDocument(b.type, b.value).number).toBe(
          left === right || issues,
        );
      }
    }
  });

  it('folds no digit of another script into ASCII', () => {
    for (const digits of ['٣٤', '३४', '໓໔']) expect(foldTyped(digits)).toBe(digits);
  });
});
