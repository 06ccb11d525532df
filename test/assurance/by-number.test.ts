import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { reachedByNumberAlone } from '../../src/assurance/by-number.ts';
import type { EvidenceRule, IdentityWay, LevelRule } from '../../src/assurance/policy.ts';
import { now, way } from './support.ts';

const rule = (kind: EvidenceRule['kind'], more: Partial<EvidenceRule> = {}): EvidenceRule => ({
  ...{ kind, minStrength: 'weak', maxAge: null, confirms: [], sources: null, place: null },
  ...more,
});
const reached = (ial: LevelRule['ial'], ...identity: IdentityWay[]) =>
  reachedByNumberAlone({ levels: [{ ...(defaultPolicy.levels[0] as LevelRule), id: 'it', ial, identity }] }, now);

describe('a level that a name and a number alone reach', () => {
  it.each<[string, IdentityWay, boolean]>([
    ['a register', way(rule('population')), true],
    ['an exit-entry record', way(rule('document')), true],
    ['a register of mainland people', { ...way(rule('population')), categories: ['mainland'] }, true],
    ['a register of others', { ...way(rule('population')), categories: ['hong_kong'] }, false],
    ['a permit of Hong Kong people', { ...way(rule('document')), categories: ['hong_kong'] }, true],
    ['a permit of mainland people', { ...way(rule('document')), categories: ['mainland'] }, false],
    ['a register, as new as can be', way(rule('population', { maxAge: 1 })), true],
    ['a register and a face', way(rule('population'), rule('face')), false],
    ['a register and a permit: nobody is in both', way(rule('population'), rule('document')), false],
    ['a photo', way(rule('population', { confirms: ['photo'] })), false],
  ])('%s', (_what, identity, is) => {
    expect(reached(1, identity)).toEqual(is ? ['it'] : []);
    // A level that names nobody gives nothing away.
    expect(reached(0, identity)).toEqual([]);
  });
  it('by one of several ways is enough; no way is none', () => {
    expect(reached(2, way(rule('face')), way(rule('population')))).toEqual(['it']);
    expect(reached(2)).toEqual([]);
  });
});
