import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { assuranceClaim } from '../../src/assurance/claims.ts';
import {
  type AuthenticationEvent,
  authenticationMethods,
  type Evidence,
  evidenceKinds,
  isAlive,
  strengths,
} from '../../src/assurance/evidence.ts';
import { bestLevel } from '../../src/assurance/held.ts';
import { dominates } from '../../src/assurance/level.ts';
import { event, evidence, kinds, L, methods, now, way } from './support.ts';

const here = { interaction: 'here' };

const day = 86_400;
const times = fc.integer({ min: -2000 * day, max: 0 }).map((s) => new Date(now.getTime() + s * 1000));
const later = fc.option(
  fc.integer({ min: -400 * day, max: 400 * day }).map((s) => new Date(now.getTime() + s * 1000)),
  { nil: null },
);
const anyEvidence: fc.Arbitrary<Evidence> = fc
  .record({
    kind: fc.constantFrom(...evidenceKinds),
    strength: fc.constantFrom(...strengths),
    confirmed: fc.subarray(['name', 'document_number', 'liveness', 'photo', 'officials:1', 'officials:2']),
    recordedAt: times,
    expiresAt: later,
    revokedAt: later,
  })
  .map((facts) => evidence(facts));
const anyEvent: fc.Arbitrary<AuthenticationEvent> = fc
  .record({
    method: fc.constantFrom(...authenticationMethods),
    at: fc.integer({ min: -40 * day, max: 0 }).map((s) => new Date(now.getTime() + s * 1000)),
    factors: fc.subarray(['knowledge', 'possession', 'inherence'] as const, { minLength: 1 }),
    userVerified: fc.boolean(),
    phishingResistant: fc.boolean(),
    deviceBound: fc.boolean(),
    interaction: fc.constantFrom(null, 'here', 'elsewhere'),
  })
  .map((facts) => event(facts));

describe('any evidence and events', () => {
  it('more never lowers, dominated levels are held, and each level ends exactly when it says', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvidence, { maxLength: 6 }),
        fc.array(anyEvent, { maxLength: 5 }),
        anyEvidence,
        anyEvent,
        (ev, au, moreEv, moreAu) => {
          const { held } = assess(defaultPolicy, ev, au, now, here);
          const levels = new Set(held.map(({ level }) => level));
          const more = new Set(
            assess(defaultPolicy, [...ev, moreEv], [...au, moreAu], now, here).held.map(({ level }) => level),
          );
          for (const level of levels) expect(more).toContain(level);
          for (const level of levels)
            for (const lower of defaultPolicy.levels)
              if (dominates(defaultPolicy.levels, level, lower.id)) expect(levels).toContain(lower.id);
          for (const { level, until, authTime } of held) {
            expect(until > now && authTime <= now).toBe(true);
            const at = (ms: number) =>
              assess(defaultPolicy, ev, au, new Date(until.getTime() + ms), here).held.some(
                (other) => other.level === level,
              );
            expect(at(-1)).toBe(true);
            expect(at(0)).toBe(false);
            expect(at(1)).toBe(false);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('what is revoked or expired is worth nothing', () => {
    fc.assert(
      fc.property(fc.array(anyEvidence), fc.array(anyEvent), (ev, au) => {
        const dead = ev.map((item) => ({ ...item, revokedAt: now }));
        expect(assess(defaultPolicy, dead, au, now, here).held).toEqual([]);
        expect(dead.some((item) => isAlive(item, now))).toBe(false);
        expect(isAlive({ ...evidence({ kind: 'contact' }), expiresAt: now }, now)).toBe(false);
        expect(isAlive({ ...evidence({ kind: 'contact' }), revokedAt: new Date(now.getTime() + 1) }, now)).toBe(true);
      }),
    );
  });

  it('two of one kind are one factor', () => {
    const possession = [methods.totp, methods.sms, methods.recovery, methods.unverified];
    expect(
      assess(defaultPolicy, [kinds.contact, kinds.population, kinds.tie], possession, now).held.map(
        ({ level }) => level,
      ),
    ).toEqual([L(1)]);
  });

  it('a level that does not ride on SSO needs this interaction', () => {
    const at = (interaction: string | null) =>
      assess(defaultPolicy, [kinds.counter2], [methods.boundHere], now, { interaction })
        .held.map(({ level }) => level)
        .includes(L(4));
    expect([at('here'), at('elsewhere'), at(null)]).toEqual([true, false, false]);
  });
});

describe('what tokens say', () => {
  it('both axes, times, amr', () => {
    const items = [kinds.contact, kinds.population, kinds.tie];
    const assessment = assess(defaultPolicy, items, [methods.password, methods.totp], now);
    expect(assessment.amr).toEqual(['mfa', 'otp', 'pwd']);
    expect(assuranceClaim(assessment, L(2))).toEqual({
      ial: 1,
      ial_time: now.getTime() / 1000 - 3600,
      aal: 2,
      aal_time: now.getTime() / 1000 - 60,
      level: L(2),
      policy: 1,
    });
    expect(bestLevel(defaultPolicy, assessment)?.level).toBe(L(2));
  });

  it('nothing where nothing was proved', () => {
    const assessment = assess(defaultPolicy, [], [], now);
    expect(assuranceClaim(assessment, null)).toEqual({
      ial: 0,
      ial_time: null,
      aal: 0,
      aal_time: null,
      level: null,
      policy: 1,
    });
    expect(assessment.amr).toEqual([]);
    expect(bestLevel(defaultPolicy, assessment)).toBeNull();
  });

  it.each([
    [methods.synced, ['mfa', 'pop', 'swk', 'user']],
    [methods.bound, ['hwk', 'mfa', 'pop', 'user']],
    [methods.sms, ['sms']],
    [methods.recovery, ['otp']],
    [event({ method: 'bridge' }), []],
  ])('RFC 8176 values %#', (used, amr) => {
    expect(assess(defaultPolicy, [kinds.contact], [used], now).amr).toEqual(amr);
  });

  it('rules may ask for sources and factor kinds', () => {
    const [first, ...rest] = defaultPolicy.levels;
    if (!first) throw new Error('no levels');
    const strict = {
      ...defaultPolicy,
      levels: [
        {
          ...first,
          identity: [
            way({ kind: 'contact', minStrength: 'weak', maxAge: null, confirms: [], sources: ['sms'], place: null }),
          ],
          authentication: [
            {
              factors: 1,
              userVerified: false,
              phishingResistant: false,
              deviceBound: false,
              maxAge: 600,
              kinds: ['knowledge'],
            } as const,
          ],
        },
        ...rest,
      ],
    };
    expect(assess(strict, [kinds.contact], [methods.password], now).held).toEqual([]);
    const sms = evidence({ kind: 'contact', source: 'sms' });
    expect(assess(strict, [sms], [methods.totp], now).held).toEqual([]);
    expect(assess(strict, [sms], [methods.password], now).held.map(({ level }) => level)).toEqual([L(1)]);
    expect(
      assess({ ...strict, levels: [{ ...first, identity: [way()] }] }, [], [methods.password], now).held[0]?.since,
    ).toBeNull();
  });
});
