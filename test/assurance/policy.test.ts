import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { dominates } from '../../src/assurance/level.ts';
import { meaningOf } from '../../src/assurance/mapping.ts';
import { parsePolicy } from '../../src/assurance/policy.ts';
import { trustFramework, verifiedClaims } from '../../src/assurance/verified-claims.ts';
import { kinds, L, methods, now } from './support.ts';

const json = () =>
  structuredClone(defaultPolicy) as unknown as {
    levels: Record<string, unknown>[];
    apps: Record<string, unknown>;
    defaultFloor: string;
  };
const faults = (change: (policy: ReturnType<typeof json>) => void) => {
  const policy = json();
  change(policy);
  const parsed = parsePolicy(policy);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => ({ path, message }));
};

describe('a policy', () => {
  it('is read whole', () => {
    const parsed = parsePolicy(json());
    expect(parsed).toEqual({ ok: true, policy: defaultPolicy });
  });

  it('is refused with every fault and its place', () => {
    expect(faults((p) => Object.assign(p.levels[0] ?? {}, { dominates: [L(4)] }))).toContainEqual({
      path: 'levels.0.dominates',
      message: `${L(1)} and ${L(4)} dominate each other`,
    });
    expect(faults((p) => Object.assign(p.levels[0] ?? {}, { dominates: ['x'] }))).toEqual([
      { path: 'levels.0.dominates', message: 'unknown level x' },
    ]);
    expect(faults((p) => Object.assign(p.levels[1] ?? {}, { aal: 0 }))).toContainEqual({
      path: 'levels.1.dominates',
      message: `${L(1)} is higher than ${L(2)} on one axis`,
    });
    expect(faults((p) => Object.assign(p.levels[1] ?? {}, { labels: ['phr'] }))).toEqual([
      { path: 'authenticationLabels.0', message: 'phr is used twice' },
    ]);
    expect(faults((p) => Object.assign(p, { defaultFloor: 'x', apps: { library: { floor: 'y' } } }))).toEqual([
      { path: 'apps.library.floor', message: 'unknown level y' },
      { path: 'defaultFloor', message: 'unknown level x' },
    ]);
    expect(faults((p) => Object.assign(p.levels[0] ?? {}, { aal: 7 }))[0]?.path).toBe('levels.0.aal');
  });

  it('orders levels, and knows its labels', () => {
    expect(dominates(defaultPolicy.levels, L(4), L(1))).toBe(true);
    expect(dominates(defaultPolicy.levels, L(1), L(2))).toBe(false);
    expect(dominates(defaultPolicy.levels, 'x', L(1))).toBe(false);
    expect(dominates([{ id: 'a', dominates: ['gone'] }], 'a', 'gone')).toBe(true);
    expect(meaningOf(defaultPolicy, 'http://eidas.europa.eu/LoA/high')).toMatchObject({ kind: 'level', level: L(4) });
    expect(meaningOf(defaultPolicy, 'phr')).toMatchObject({ kind: 'authentication' });
    expect(meaningOf(defaultPolicy, 'x')).toBeNull();
  });
});

describe('verified_claims (OIDC IDA 1.0)', () => {
  const evidence = [kinds.contact, kinds.population, kinds.face];
  const source = {
    assessment: assess(defaultPolicy, evidence, [methods.synced], now),
    evidence,
    claims: { name: '李晓明', birthdate: '1988-06-15' },
    now,
  };
  const ask = (request: unknown) => verifiedClaims(request, source);
  const verification = { trust_framework: null };
  const answered = { verification: { trust_framework: trustFramework }, claims: { name: '李晓明' } };

  it.each([
    ['happy path', { verification, claims: { name: null } }, answered],
    ['empty object', {}, null],
    ['not an object', 'x', null],
    ['essential false', { verification, claims: { name: { essential: false } } }, answered],
    ['unknown claim omitted', { verification, claims: { name: null, shoe_size: null } }, answered],
    [
      'unknown essential claim omitted',
      { verification, claims: { name: null, shoe_size: { essential: true } } },
      answered,
    ],
    ['special characters', { verification, claims: { name: null, '"><é\u0000': null } }, answered],
    ['only unknown claims', { verification, claims: { shoe_size: null } }, null],
    ['value that can’t be met', { verification, claims: { name: { value: '别人' } } }, null],
    ['value that is met', { verification, claims: { name: { value: '李晓明' } } }, answered],
    ['values', { verification, claims: { name: { values: ['别人', '李晓明'] } } }, answered],
    [
      'another trust framework',
      { verification: { trust_framework: { value: 'de_aml' } }, claims: { name: null } },
      null,
    ],
    ['too old', { verification: { trust_framework: null, time: { max_age: 60 } }, claims: { name: null } }, null],
    ['a list', [{ verification, claims: { name: null } }, {}], [answered]],
    ['a list of nothing', [{}], null],
  ])('%s', (_name, request, expected) => expect(ask(request)).toEqual(expected));

  it('names level, time and evidence where asked', () => {
    expect(
      ask({
        verification: { trust_framework: null, time: { max_age: 86_400 }, assurance_level: null, evidence: [] },
        claims: { birthdate: null },
      }),
    ).toEqual({
      verification: {
        trust_framework: trustFramework,
        assurance_level: 'ial2',
        time: '2026-11-23T07:00:00.000Z',
        evidence: [
          {
            type: 'electronic_record',
            check_details: [{ check_method: 'data' }],
            record: { type: 'population_register', source: { name: 'population' } },
            time: '2026-11-23T07:00:00.000Z',
          },
          {
            type: 'electronic_record',
            check_details: [{ check_method: 'bvr' }],
            record: { type: 'face', source: { name: 'face' } },
            time: '2026-11-23T07:00:00.000Z',
          },
        ],
      },
      claims: { birthdate: '1988-06-15' },
    });
  });

  it('says nothing of who was not proofed', () => {
    const bare = {
      ...source,
      evidence: [kinds.contact],
      assessment: assess(defaultPolicy, [kinds.contact], [methods.synced], now),
    };
    expect(verifiedClaims({ verification, claims: { name: null } }, bare)).toBeNull();
    expect(verifiedClaims({ verification, claims: { name: null } }, { ...bare, evidence })).toBeNull();
    expect(
      verifiedClaims(
        { verification, claims: { name: null } },
        { ...source, assessment: { ...source.assessment, ialTime: null } },
      ),
    ).toBeNull();
  });
});
