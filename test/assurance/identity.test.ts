import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/assurance/evidence.ts';
import { endOf, fits, meetWays, recordOf } from '../../src/assurance/identity.ts';
import type { EvidenceRule, IdentityWay } from '../../src/assurance/policy.ts';
import { evidence, now, way } from './support.ts';

const at = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const rule = (kind: EvidenceRule['kind'], more: Partial<EvidenceRule> = {}): EvidenceRule => ({
  ...{ kind, minStrength: 'weak', maxAge: null, confirms: [], sources: null, place: null },
  ...more,
});
const item = (id: string, facts: Partial<Evidence> & Pick<Evidence, 'kind'>) => evidence({ id, ...facts });
/** Which evidence meets the ways, and for how many seconds more. */
const met = (ways: readonly IdentityWay[], items: readonly Evidence[]) => {
  const found = meetWays(ways, items, now.getTime());
  return found && [found.evidence.map(({ id }) => id).join(' '), (found.until - now.getTime()) / 1000, found.record];
};

describe('what a rule asks of evidence', () => {
  const strong = item('x', {
    ...{ kind: 'document', source: 'exit-entry', strength: 'strong', category: 'macao' },
    confirmed: ['name', 'document_number'],
  });
  it.each<[string, Partial<EvidenceRule>, boolean]>([
    ['its kind', {}, true],
    ['another kind', { kind: 'population' }, false],
    ['less strength', { minStrength: 'fair' }, true],
    ['that strength', { minStrength: 'strong' }, true],
    ['more strength', { minStrength: 'superior' }, false],
    ['its source, among others', { sources: ['counter', 'exit-entry'] }, true],
    ['other sources', { sources: ['counter'] }, false],
    ['no source', { sources: [] }, false],
    ['what it confirms', { confirms: ['document_number', 'name'] }, true],
    ['one thing more', { confirms: ['name', 'photo'] }, false],
    ['from afar', { place: 'remote' }, true],
    ['at a counter', { place: 'in_person' }, false],
  ])('%s', (_what, asked, is) => expect(fits(rule('document', asked), null, strong)).toBe(is));

  it('of one category, but for a contact, which is nobody’s', () => {
    expect(fits(rule('document'), 'macao', strong)).toBe(true);
    expect(fits(rule('document'), 'taiwan', strong)).toBe(false);
    expect(fits(rule('document'), 'macao', { ...strong, category: null })).toBe(false);
    expect(fits(rule('contact'), 'macao', item('c', { kind: 'contact' }))).toBe(true);
  });

  it.each<[string, Partial<EvidenceRule>, Partial<Evidence>, number]>([
    ['never', {}, {}, Number.POSITIVE_INFINITY],
    ['when it expires', {}, { expiresAt: at(50) }, 50],
    ['when it is revoked', {}, { expiresAt: at(50), revokedAt: at(20) }, 20],
    ['when it expired, though revoked later', {}, { expiresAt: at(20), revokedAt: at(50) }, 20],
    ['when it is too old', { maxAge: 100 }, { recordedAt: at(-90), expiresAt: at(50) }, 10],
    ['before it is too old', { maxAge: 100 }, { recordedAt: at(-90), revokedAt: at(5) }, 5],
  ])('it ends %s', (_when, asked, facts, seconds) => {
    const end = endOf(rule('face', asked), item('x', { kind: 'face', ...facts }));
    expect((end - now.getTime()) / 1000).toBe(seconds);
  });
});

describe('the evidence that meets a way the longest', () => {
  const long = item('long', { kind: 'face', expiresAt: at(500), record: 'r' });
  const short = item('short', { kind: 'face', expiresAt: at(100), record: 'r' });
  const over = item('over', { kind: 'face', expiresAt: now, record: 'r' });
  const register = item('register', { kind: 'population', expiresAt: at(300), record: 'r' });
  it('is the longest lived of each kind, in whatever order, and ends with the first of them', () => {
    for (const faces of [
      [long, short],
      [short, long],
    ]) {
      expect(met([way(rule('face'))], [over, ...faces])).toEqual(['long', 500, 'r']);
      expect(met([way(rule('face'), rule('population'))], [register, ...faces])).toEqual(['long register', 300, 'r']);
      expect(met([way(rule('population'), rule('face'))], [register, ...faces])).toEqual(['register long', 300, 'r']);
    }
  });
  it('is none of what is over, and nothing where a rule has none', () => {
    expect(met([way(rule('face'))], [over])).toBeNull();
    expect(met([way(rule('face'), rule('population'))], [long])).toBeNull();
    expect(met([], [long])).toBeNull();
  });
  it('is by the longest lived way, or the first of those that last as long', () => {
    const [face, known] = [way(rule('face')), way(rule('population'))];
    for (const ways of [
      [face, known],
      [known, face],
    ])
      expect(met(ways, [register, long])).toEqual(['long', 500, 'r']);
    const equal = { ...register, expiresAt: at(500) };
    expect(met([face, known], [equal, long])?.[0]).toBe('long');
    expect(met([known, face], [equal, long])?.[0]).toBe('register');
  });
  it('of two as long lived is the first', () => {
    const other = { ...long, id: 'other' };
    expect(met([way(rule('face'))], [long, other])?.[0]).toBe('long');
    expect(met([way(rule('face'))], [other, long])?.[0]).toBe('other');
  });
  it('is of one of the categories that a way is for, each by itself', () => {
    const both = { ...way(rule('face'), rule('document')), categories: ['macao', 'taiwan'] as const };
    const of = (kind: Evidence['kind'], category: Evidence['category'], end = 100) =>
      item(`${kind} ${category}`, { kind, category, record: 'r', expiresAt: at(end) });
    expect(met([both], [of('face', 'macao'), of('document', 'taiwan')])).toBeNull();
    expect(met([both], [of('face', 'taiwan'), of('document', 'taiwan')])?.[1]).toBe(100);
    const four = [
      of('face', 'macao'),
      of('document', 'macao'),
      of('face', 'taiwan', 200),
      of('document', 'taiwan', 200),
    ];
    expect(met([both], four)).toEqual(['face taiwan document taiwan', 200, 'r']);
    expect(met([{ ...both, categories: [] }], four)).toBeNull();
  });
});

describe('the record that evidence is about', () => {
  it('is nobody’s of a contact and of what is only thought of, and its own where none is told', () => {
    expect(recordOf(item('c', { kind: 'contact', record: 'r' }))).toBeNull();
    expect(recordOf(item('t', { kind: 'face' }))).toBeNull();
    expect(recordOf(item('f', { kind: 'face', record: 'r' }))).toBe('r');
    expect(recordOf(item('f', { kind: 'face', record: null }))).toBe('alone:f');
  });
  const pair = way(rule('population'), rule('face'));
  const of = (kind: Evidence['kind'], record: string, end: number) =>
    item(`${kind} ${record}`, { kind, record, expiresAt: at(end) });
  it('decides: of two whole records the longer lived, or the first of those as long lived', () => {
    const [a, b] = [
      [of('population', 'a', 100), of('face', 'a', 100)],
      [of('population', 'b', 200), of('face', 'b', 200)],
    ];
    for (const items of [
      [...a, ...b],
      [...b, ...a],
    ])
      expect(met([pair], items)).toEqual(['population b face b', 200, 'b']);
    const c = [of('population', 'c', 200), of('face', 'c', 200)];
    expect(met([pair], [...b, ...c])?.[2]).toBe('b');
    expect(met([pair], [...c, ...b])?.[2]).toBe('c');
  });
  it('is tried only where evidence of it is alive and asked for', () => {
    expect(met([pair], [of('population', 'a', 100), of('face', 'a', 0), of('face', 'b', 100)])).toBeNull();
    const beside = [of('population', 'a', 100), of('counter', 'b', 100), of('face', 'a', 50)];
    expect(met([pair], beside)).toEqual(['population a face a', 50, 'a']);
  });
  it('of whole and half records is a whole one, whichever comes first', () => {
    const whole = [of('population', 'a', 100), of('face', 'a', 100)];
    expect(met([pair], [...whole, of('face', 'b', 200)])).toEqual(['population a face a', 100, 'a']);
    expect(met([pair], [of('face', 'b', 200), ...whole])).toEqual(['population a face a', 100, 'a']);
  });
  it('a contact goes with every record, and its own is no record', () => {
    const contact = item('c', { kind: 'contact', record: 'z' });
    const items = [contact, of('face', 'a', 100), of('face', 'b', 50)];
    expect(met([way(rule('contact'), rule('face'))], items)).toEqual(['c face a', 100, 'a']);
    expect(met([way(rule('contact'))], [contact])).toEqual(['c', Number.POSITIVE_INFINITY, null]);
  });
});

describe('sources that must know nothing of each other', () => {
  const apart = { ...way(rule('elements'), rule('elements', { confirms: ['phone'] })), independent: true };
  const of = (source: string, end: number, confirmed: string[] = ['phone']) =>
    item(source, { kind: 'elements', source, record: 'r', expiresAt: at(end), confirmed });
  it('are two sources, by the pairing that lasts longest', () => {
    expect(met([apart], [of('bank', 100)])).toBeNull();
    expect(met([apart], [of('bank', 100), { ...of('bank', 200), id: 'again' }])).toBeNull();
    expect(met([apart], [of('bank', 100), of('carrier', 300)])?.[1]).toBe(100);
    expect(met([apart], [of('bank', 100), of('carrier', 300), of('unionpay', 200)])?.[1]).toBe(200);
    // The longest lived is of no use where the second rule takes nothing else.
    expect(met([apart], [of('bank', 500), of('carrier', 300, []), of('unionpay', 200, [])])).toEqual([
      ...['carrier bank', 300, 'r'],
    ]);
  });
  it('matter only where a way asks for it: one proof may meet two rules', () => {
    const together = { ...apart, independent: false };
    expect(met([together], [of('bank', 100)])).toEqual(['bank bank', 100, 'r']);
  });
  it('of pairings as long lived the first counts, and what is over counts for none', () => {
    expect(met([apart], [of('bank', 100), of('carrier', 100)])?.[0]).toBe('bank carrier');
    expect(met([apart], [of('carrier', 100), of('bank', 100)])?.[0]).toBe('carrier bank');
    expect(met([apart], [of('bank', 100), of('carrier', 0)])).toBeNull();
    expect(met([apart], [of('bank', 0), of('carrier', 100)])).toBeNull();
  });
});
