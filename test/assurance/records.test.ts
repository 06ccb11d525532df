import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import type { Evidence } from '../../src/assurance/evidence.ts';
import type { AssurancePolicy } from '../../src/assurance/policy.ts';
import { verifiedClaims } from '../../src/assurance/verified-claims.ts';

const now = new Date('2026-12-01T00:00:00Z');
const day = 24 * 3_600_000;
let ids = 0;
const item = (kind: Evidence['kind'], record: string | null, more: Partial<Evidence> = {}): Evidence => {
  ids += 1;
  return {
    ...{ id: `e${ids}`, kind, source: kind, strength: 'strong', category: 'mainland', record },
    confirmed: kind === 'face' ? ['liveness', 'photo'] : ['name', 'document_number'],
    ...{ recordedAt: new Date(now.getTime() - ids * day), expiresAt: null, revokedAt: null },
    ...more,
  };
};
const rule = (kind: Evidence['kind'], confirms: string[]) =>
  ({ kind, minStrength: 'weak', maxAge: null, confirms, sources: null, place: null }) as const;

/** One level that takes a register and a face, or two sources that know nothing of each other. */
const policy: AssurancePolicy = {
  ...defaultPolicy,
  levels: [
    {
      ...{
        id: 'urn:test:two',
        name: 'two',
        ial: 2,
        aal: 1,
        rideOnSso: true,
        dominates: [],
        labels: [],
        equivalents: {},
      },
      identity: [
        { categories: null, independent: false, rules: [rule('population', []), rule('face', ['photo'])] },
        { categories: null, independent: true, rules: [rule('elements', []), rule('elements', ['phone'])] },
      ],
      authentication: [],
    },
  ],
};
const held = (...evidence: Evidence[]) => assess(policy, evidence, [], now);

describe('a level is met by evidence about one record of a person', () => {
  it('a register and a face of one record are one proof', () => {
    expect(held(item('population', 'a'), item('face', 'a'))).toMatchObject({ ial: 2, record: 'a' });
  });
  it('the record of one and the face of another are none', () => {
    expect(held(item('population', 'a'), item('face', 'b'))).toMatchObject({ ial: 0, record: null, identities: [] });
  });
  it('evidence that names no document is not added to any, nor to other such evidence', () => {
    expect(held(item('population', 'a'), item('face', null)).ial).toBe(0);
    expect(held(item('population', null), item('face', 'a')).ial).toBe(0);
    expect(held(item('population', null), item('face', null)).ial).toBe(0);
  });
  it('sources that must know nothing of each other speak of one record, too', () => {
    const phone = { confirmed: ['name', 'phone'], source: 'carrier' };
    expect(held(item('elements', 'a'), item('elements', 'a', phone)).ial).toBe(2);
    expect(held(item('elements', 'a'), item('elements', 'b', phone)).ial).toBe(0);
  });
  it('of two whole records the longest lived counts, and its name is told', () => {
    const short = { expiresAt: new Date(now.getTime() + day) };
    const both = [
      item('population', 'a', short),
      item('face', 'a'),
      item('population', 'b'),
      item('face', 'b'),
      item('upstream', 'c'),
    ];
    const assessment = held(...both);
    expect(assessment.record).toBe('b');
    const asked = { verification: { trust_framework: null, evidence: [] }, claims: { name: null } };
    const told = verifiedClaims(asked, { assessment, evidence: both, claims: { name: 'B' }, now });
    expect(told).toMatchObject({ verification: { evidence: [{}, {}] }, claims: { name: 'B' } });
  });
});
