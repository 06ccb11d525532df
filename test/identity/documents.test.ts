import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLine } from '../../src/identity/check-lines.ts';
import { parseResidentId } from '../../src/identity/documents/mainland.ts';
import { mod112 } from '../../src/identity/documents/result.ts';
import { checkDocument, documentTypes } from '../../src/identity/documents.ts';

interface Vector {
  readonly type: string;
  readonly value: string;
  readonly valid: boolean;
  readonly reason: string;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../vectors/document-vectors.json', import.meta.url), 'utf8'),
);
const today = '20261123';

describe('published vectors', () => {
  it('cover every type we know, and no other', () => {
    expect([...new Set(vectors.map(({ type }) => type))].sort()).toEqual([...documentTypes].sort());
    expect(vectors).toHaveLength(291);
  });

  it.each(vectors)('$type $value: $reason', ({ type, value, valid }) => {
    const result = checkDocument(type, value, today);
    expect(result.valid).toBe(valid);
    expect(result.reason === 'ok').toBe(valid);
  });
});

describe('resident numbers', () => {
  it('hold birth date, sex and region', () => {
    expect(parseResidentId('11010519491231002X', today)).toEqual({
      birthDate: '1949-12-31',
      sex: 'female',
      region: '110105',
    });
    expect(parseResidentId('440524188001010014', today)).toEqual({
      birthDate: '1880-01-01',
      sex: 'male',
      region: '440524',
    });
    expect(parseResidentId('110105194912310021', today)).toBeNull();
  });

  it('notice every single changed digit', () => {
    const number = fc
      .record({
        region: fc.constantFrom('440305', '110105', '650102'),
        year: fc.integer({ min: 1900, max: 2025 }),
        month: fc.integer({ min: 1, max: 12 }),
        day: fc.integer({ min: 1, max: 28 }),
        seq: fc.integer({ min: 1, max: 999 }),
      })
      .map(({ region, year, month, day, seq }) => {
        const first = `${region}${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}${String(seq).padStart(3, '0')}`;
        return first + mod112(first);
      });
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 16 }), fc.integer({ min: 1, max: 9 }), (value, at, shift) => {
        expect(checkDocument('cn_resident_id', value, today).valid).toBe(true);
        const digit = (Number(value.charAt(at)) + shift) % 10;
        const changed = value.slice(0, at) + digit + value.slice(at + 1);
        expect(checkDocument('cn_resident_id', changed, today).valid).toBe(false);
      }),
    );
  });

  it('refuse a birth in the future and a sequence never given out', () => {
    const first = '44030520270101001';
    expect(checkDocument('cn_resident_id', first + mod112(first), today).reason).toBe('bad_date');
    const zero = '44030519900101000';
    expect(checkDocument('cn_resident_id', zero + mod112(zero), today).reason).toBe('not_issued');
  });
});

describe('any input', () => {
  it('gets an answer for every type, quickly (E23)', () => {
    const hostile = ['1', 'A', '<', ' ', '·', '𠮷', '(', '\u0000', '٣', '１'].flatMap((c) => [
      c.repeat(399),
      c.repeat(100_000),
    ]);
    const started = performance.now();
    for (const type of documentTypes)
      for (const value of hostile) expect(checkDocument(type, value, today).valid).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('100,000 generated strings for each type: an answer each time, in far less than a millisecond', () => {
    // Strings near the real ones: the characters that documents are made of, and changes of valid numbers.
    const seeds = vectors.map((vector) => String(vector.value ?? '')).filter((value) => value.length > 0);
    const characters = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<()-/ ·•一二𠮷x+@'];
    let state = 20261123;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const made = Array.from({ length: 100_000 }, (_, i) => {
      const letters = i % 2 === 0 ? [...(seeds[random(seeds.length)] ?? '')] : [];
      if (i % 2 === 1)
        for (let left = random(24); left > 0; left -= 1) letters.push(characters[random(characters.length)] ?? '');
      else letters[random(letters.length)] = characters[random(characters.length)] ?? '';
      return letters.join('');
    });
    for (const type of documentTypes) {
      const started = performance.now();
      const reasons = new Set<string>();
      for (const value of made) reasons.add(checkDocument(type, value, today).reason);
      expect(performance.now() - started, type).toBeLessThan(100_000);
      expect(reasons.size, type).toBeGreaterThan(1);
    }
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documentTypes, 'nonsense', '__proto__'),
        fc.string({ unit: 'binary' }),
        (type, value) => {
          expect(typeof checkDocument(type, value).valid).toBe('boolean');
        },
      ),
    );
  });

  it('says what is wrong with a line', () => {
    expect(checkLine('{"type":"hk_id","value":"A1234563"}')).toEqual({
      type: 'hk_id',
      value: 'A1234563',
      valid: true,
      reason: 'ok',
    });
    for (const line of ['', 'x', 'null', '7', '[]', '{"type":"hk_id"}', '{"type":1,"value":"A"}'])
      expect(checkLine(line)).toEqual({ valid: false, reason: 'bad_input' });
    expect(checkLine('{"type":"nope","value":"A"}').reason).toBe('unknown_type');
  });
});

describe('machine readable zones', () => {
  const digit = (text: string) => {
    const values = [...text].map((c) => (c === '<' ? 0 : /[0-9]/.test(c) ? Number(c) : c.charCodeAt(0) - 55));
    return String(values.reduce((sum, value, i) => sum + value * ([7, 3, 1][i % 3] ?? 0), 0) % 10);
  };
  const passport = ({ number = 'L898902C3', birth = '740812', sex = 'F', expiry = '320415', kind = 'P<' } = {}) => {
    const first = `${kind}UTOERIKSSON<<ANNA<MARIA`.padEnd(44, '<');
    const n = number + digit(number);
    const b = birth + digit(birth);
    const e = expiry + digit(expiry);
    const rest = `${'<'.repeat(14)}<`;
    return `${first}\n${n}UTO${b}${sex}${e}${rest}${digit(n + b + e + rest)}`;
  };
  const card = ({ birth = '740812', sex = 'F', expiry = '320415', kind = 'I<' } = {}) => {
    const first = `${kind}UTOD231458907${'<'.repeat(15)}`;
    const b = birth + digit(birth);
    const e = expiry + digit(expiry);
    const second = `${b}${sex}${e}UTO${'<'.repeat(11)}`;
    return `${first}\n${second}${digit(first.slice(5) + b + e + '<'.repeat(11))}\n${'ERIKSSON<<ANNA<MARIA'.padEnd(30, '<')}`;
  };
  it.each([
    ['icao_mrz_td3', passport(), 'ok'],
    ['icao_mrz_td3', passport({ birth: '<<<<<<' }), 'ok'],
    ['icao_mrz_td3', passport({ birth: '74<<<<' }), 'ok'],
    ['icao_mrz_td3', passport({ birth: '7408<<' }), 'ok'],
    ['icao_mrz_td3', passport({ birth: '741312' }), 'bad_date'],
    ['icao_mrz_td3', passport({ birth: '<<0812' }), 'bad_date'],
    ['icao_mrz_td3', passport({ birth: '000229' }), 'ok'],
    ['icao_mrz_td3', passport({ expiry: '320431' }), 'bad_date'],
    ['icao_mrz_td3', passport({ sex: 'Q' }), 'bad_format'],
    ['icao_mrz_td3', passport({ kind: 'V<' }), 'bad_format'],
    ['icao_mrz_td3', passport().toLowerCase(), 'bad_characters'],
    ['icao_mrz_td3', `${passport()}\n`, 'bad_length'],
    ['icao_mrz_td1', card(), 'ok'],
    ['icao_mrz_td1', card({ birth: '741312' }), 'bad_date'],
    ['icao_mrz_td1', card({ expiry: '329912' }), 'bad_date'],
    ['icao_mrz_td1', card({ sex: 'Q' }), 'bad_format'],
    ['icao_mrz_td1', card({ kind: 'Z<' }), 'bad_format'],
    ['icao_mrz_td1', card().toLowerCase(), 'bad_characters'],
    ['icao_mrz_td1', 'I<', 'bad_length'],
  ])('%s %j: %s', (type, value, reason) => expect(checkDocument(type, value, today).reason).toBe(reason));
});
