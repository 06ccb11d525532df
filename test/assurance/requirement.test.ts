import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { assess } from '../../src/assurance/assess.ts';
import { acrLabels } from '../../src/assurance/mapping.ts';
import { type AcrRequest, requirementFor, satisfies } from '../../src/assurance/requirement.ts';
import { event, kinds, L, methods, now } from './support.ts';

const none: AcrRequest = { acrValues: [], prompt: [] };
const eidas = (level: string) => `http://eidas.europa.eu/LoA/${level}`;

const people = {
  level1: { evidence: [kinds.contact], events: [methods.password] },
  level2: { evidence: [kinds.contact, kinds.population, kinds.tie], events: [methods.password, methods.totp] },
  level3: { evidence: [kinds.contact, kinds.population, kinds.face], events: [methods.synced] },
};

function judge(
  who: keyof typeof people,
  app: string,
  request: Partial<AcrRequest>,
  options: { offered?: boolean; interaction?: string } = {},
) {
  const { evidence, events } = people[who];
  const interaction = options.interaction ?? null;
  const assessment = assess(defaultPolicy, evidence, events, now, { interaction });
  return satisfies(assessment, requirementFor(defaultPolicy, app, { ...none, ...request }), defaultPolicy, {
    interaction,
    offered: options.offered ?? false,
    events,
  });
}

const essential = (...values: string[]): Partial<AcrRequest> => ({ claimsAcr: { essential: true, values } });

describe('requested by held', () => {
  it.each([
    // [who, app, request, label or "short"]
    ['level1', 'library', {}, L(1)],
    ['level1', 'social-insurance', {}, 'short'],
    ['level1', 'an-unknown-app', {}, 'short'],
    ['level2', 'social-insurance', {}, L(2)],
    ['level2', 'library', { acrValues: [L(1)] }, L(1)],
    ['level2', 'library', { acrValues: [eidas('low')] }, eidas('low')],
    ['level2', 'library', { acrValues: [L(3), L(2)] }, L(2)],
    ['level2', 'library', { acrValues: [L(2), L(1)] }, L(2)],
    ['level3', 'library', { acrValues: [L(3), L(1)] }, L(3)],
    ['level3', 'library', {}, L(3)],
    ['level2', 'library', { acrValues: [L(3)] }, 'short'],
    ['level2', 'library', essential(L(3)), 'short'],
    ['level2', 'library', essential(L(3), L(2)), L(2)],
    ['level3', 'library', essential(eidas('substantial')), eidas('substantial')],
    ['level3', 'library', { acrValues: ['phr'] }, 'phr'],
    ['level3', 'library', essential('phrh'), 'short'],
    ['level2', 'library', essential('phr'), 'short'],
    ['level1', 'social-insurance', { acrValues: [L(1)] }, 'short'],
    ['level2', 'library', { acrValues: ['urn:nobody:knows'] }, L(2)],
    ['level2', 'library', essential('urn:nobody:knows'), 'short'],
    ['level2', 'library', { claimsAcr: { essential: false, values: [L(2)] } }, L(2)],
    ['level2', 'library', { claimsAcr: { essential: true, values: [] } }, L(2)],
    ['level2', 'library', { maxAge: 3600 }, L(2)],
    ['level2', 'library', { maxAge: 10 }, 'short'],
    ['level2', 'library', { maxAge: 0 }, 'short'],
    ['level2', 'library', { prompt: ['login'] }, 'short'],
    ['level3', 'library', { acrValues: ['phr'], maxAge: 10 }, 'short'],
  ] as const)('%s at %s asking %j gets %s', (who, app, request, answer) => {
    const verdict = judge(who, app, request as Partial<AcrRequest>);
    expect(verdict.kind === 'met' ? verdict.label : 'short').toBe(answer);
  });

  it('says why, and whether signing in again is all that is missing', () => {
    expect(judge('level1', 'social-insurance', {})).toMatchObject({
      target: [L(2)],
      reasons: ['app_minimum'],
      voluntary: false,
      reauthenticate: false,
    });
    expect(judge('level2', 'library', { maxAge: 1 })).toMatchObject({
      reasons: ['sign_in_again', 'app_minimum'],
      reauthenticate: true,
    });
    // The floor is held; what is missing of the wish is identity, and signing in again would not bring it.
    expect(judge('level2', 'library', { acrValues: [L(3)] })).toMatchObject({
      target: [L(3), L(1)],
      reasons: ['app_asked'],
      voluntary: true,
      reauthenticate: false,
    });
    expect(judge('level2', 'library', essential('urn:nobody:knows'))).toMatchObject({
      target: [],
      reasons: ['unknown_level'],
      voluntary: false,
    });
    expect(judge('level2', 'library', essential('phr'))).toMatchObject({ target: [L(1)] });
  });

  it('answers a voluntary wish that was offered and left with what was reached, an essential one never', () => {
    expect(judge('level2', 'library', { acrValues: [L(4)] }, { offered: true })).toMatchObject({
      kind: 'met',
      label: L(2),
    });
    expect(judge('level2', 'library', essential(L(4)), { offered: true }).kind).toBe('short');
    expect(judge('level1', 'social-insurance', { acrValues: [L(3)] }, { offered: true }).kind).toBe('short');
  });

  it('a label of the authentication is dated by the events that carry it', () => {
    const stale = { ...methods.synced, at: new Date(now.getTime() - 3_600_000) };
    const events = [stale, methods.password];
    const assessment = assess(defaultPolicy, [kinds.contact], events, now);
    const ask = (request: Partial<AcrRequest>) =>
      satisfies(assessment, requirementFor(defaultPolicy, 'library', { ...none, ...request }), defaultPolicy, {
        interaction: null,
        offered: false,
        events,
      });
    expect(ask({ ...essential('phr') })).toMatchObject({ kind: 'met', authTime: stale.at });
    expect(ask({ ...essential('phr'), maxAge: 600 }).kind).toBe('short');
    expect(ask({ maxAge: 600 }).kind).toBe('met');
  });

  it('what was just done in this interaction is fresh, whatever max_age says', () => {
    const events = [
      event({
        method: 'passkey',
        factors: ['possession', 'inherence'],
        userVerified: true,
        phishingResistant: true,
        interaction: 'here',
      }),
    ];
    const assessment = assess(defaultPolicy, [kinds.contact], events, now, { interaction: 'here' });
    for (const request of [{ maxAge: 0 }, { prompt: ['login'] }, { acrValues: ['phr'], maxAge: 0 }]) {
      const requirement = requirementFor(defaultPolicy, 'library', { ...none, ...request });
      expect(
        satisfies(assessment, requirement, defaultPolicy, { interaction: 'here', offered: false, events }).kind,
      ).toBe('met');
      expect(
        satisfies(assessment, requirement, defaultPolicy, { interaction: 'other', offered: false, events }).kind,
      ).toBe('short');
    }
  });
});

describe('any request', () => {
  it('is never answered with a level that is not held, nor with less than an essential one', () => {
    const labels = [...acrLabels(defaultPolicy), 'urn:nobody:knows'];
    fc.assert(
      fc.property(
        fc.constantFrom<keyof typeof people>('level1', 'level2', 'level3'),
        fc.constantFrom('library', 'social-insurance', 'housing-fund', 'unknown'),
        fc.array(fc.constantFrom(...labels), { maxLength: 3 }),
        fc.boolean(),
        fc.boolean(),
        (who, app, values, isEssential, offered) => {
          const request = isEssential ? { claimsAcr: { essential: true, values } } : { acrValues: values };
          const verdict = judge(who, app, request, { offered });
          if (verdict.kind !== 'met') return;
          const { evidence, events } = people[who];
          const held = assess(defaultPolicy, evidence, events, now).held.map(({ level }) => level);
          expect(held).toContain(verdict.level);
          expect(held).toContain(requirementFor(defaultPolicy, app, none).floor);
          if (isEssential && values.length > 0) expect(values).toContain(verdict.label);
        },
      ),
    );
  });
});
