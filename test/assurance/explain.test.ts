import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { acceptedEvidence, anything, notAccepted, personCategory } from '../../src/assurance/accepted.ts';
import { assess } from '../../src/assurance/assess.ts';
import type { AuthenticationEvent, Evidence } from '../../src/assurance/evidence.ts';
import { explain, type Facts } from '../../src/assurance/explain.ts';
import { missingEvent, missingEvidence } from '../../src/assurance/missing.ts';
import {
  type AssurancePolicy,
  type AuthenticationRule,
  appRuleOf,
  type EvidenceRule,
} from '../../src/assurance/policy.ts';
import { linesOf, type Words } from '../../src/assurance/words.ts';
import { offersFor } from '../../src/commands/offers.ts';
import { createI18n, locales } from '../../src/i18n/index.ts';
import { anyEvent, anyEvidence, anyPolicy } from './generators.ts';
import { event, evidence, kinds, L, methods, now, way } from './support.ts';

const facts = (more: Partial<Facts>): Facts => ({
  clientId: 'library',
  request: { acrValues: [], prompt: [] },
  evidence: [kinds.contact],
  events: [methods.synced],
  at: now,
  interaction: 'here',
  ...more,
});
const codesOf = (said: readonly Words[]) => said.map(({ code }) => code.replace(/^explain\./, ''));
const day = 86_400_000;

describe('explanations', () => {
  it('say of each level what assess says, and why', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(anyEvidence, { maxLength: 5 }),
        fc.array(anyEvent, { maxLength: 3 }),
        (policy, items, events) => {
          const told = explain(policy, facts({ evidence: items, events, clientId: 'library' }));
          const accepted = acceptedEvidence(told.requirement, items);
          const held = assess(policy, accepted, events, now, { interaction: 'here' }).held;
          expect(told.levels.map(({ level }) => level)).toEqual(policy.levels.map(({ id }) => id));
          for (const level of told.levels) {
            const fact = held.find((item) => item.level === level.level);
            expect(level).toMatchObject({
              held: fact !== undefined,
              since: fact?.since ?? null,
              until: fact?.until ?? null,
              authTime: fact?.authTime ?? null,
            });
            const own = level.identity.some(({ met }) => met) && level.authentication.some(({ met }) => met);
            // Held by its own rules, or through one above it; never neither, never for nothing.
            expect(level.held).toBe(own || level.through !== null);
            for (const each of [...level.identity.flatMap(({ rules }) => rules), ...level.authentication]) {
              expect(each.met).toBe(each.missing === null);
              expect(each.ids.length > 0).toBe(each.met);
            }
            for (const each of level.identity)
              expect(each.met).toBe(each.rules.every(({ met }) => met) && each.missing === null);
          }
        },
      ),
      { numRuns: 600 },
    );
  });

  it('name the decision, its floor, what was asked and the policy version', () => {
    expect(codesOf(explain(defaultPolicy, facts({})).said)).toEqual(['met', 'floor', 'policy']);
    const asked = (request: Partial<Facts['request']>, more: Partial<Facts> = {}) =>
      codesOf(explain(defaultPolicy, facts({ request: { acrValues: [], prompt: [], ...request }, ...more })).said);
    expect(asked({ acrValues: [L(1)] })).toEqual(['met', 'floor', 'voluntary', 'policy']);
    expect(asked({ claimsAcr: { essential: true, values: [L(3)] } })).toEqual([
      'short',
      'floor',
      'essential',
      'policy',
    ]);
    expect(asked({ claimsAcr: { essential: true, values: ['urn:nobody'] } })).toContain('unknown');
    expect(asked({ maxAge: 10, prompt: ['login'] })).toEqual(['reauthenticate', 'floor', 'max_age', 'fresh', 'policy']);
  });

  it('give the planner’s alternatives when they are asked for', () => {
    const holder = { passkeys: [{ backupEligible: true }], hasPassword: false, hasTotp: false, recoveryCodesLeft: 0 };
    const offers = offersFor(holder as never, { population: true, face: true });
    const request = { acrValues: [], prompt: [], claimsAcr: { essential: true, values: [L(3)] } };
    expect(explain(defaultPolicy, facts({ request })).alternatives).toBeNull();
    expect(explain(defaultPolicy, facts({ request, offers })).alternatives).toMatchObject({
      kind: 'ways',
      ways: [{ steps: ['population', 'face'] }],
    });
  });

  it('say which evidence did not count for the app, and why', () => {
    const policy: AssurancePolicy = {
      ...defaultPolicy,
      apps: {
        ...defaultPolicy.apps,
        counter: { ...appRuleOf(L(2)), categories: ['hong_kong'], sources: { allow: null, deny: ['population'] } },
      },
    };
    const permitTie = { ...kinds.tie, id: 'permit tie', category: 'hong_kong' as const };
    const items = [kinds.contact, kinds.population, kinds.permit, permitTie, kinds.counter1];
    const told = explain(policy, facts({ clientId: 'counter', evidence: items }));
    expect(told.ignored.map(({ id, why }) => [id, why.code])).toEqual([
      [kinds.population.id, 'explain.source_denied'],
      [kinds.counter1.id, 'explain.category_refused'],
    ]);
    expect(told.verdict).toMatchObject({ kind: 'met', level: L(2) });
  });

  it('say of rules that are met apart but not together that they are', () => {
    const policy: AssurancePolicy = {
      ...defaultPolicy,
      levels: defaultPolicy.levels.map((level) =>
        level.id === L(3)
          ? { ...level, identity: level.identity.map((each) => ({ ...each, independent: true })) }
          : level,
      ),
    };
    const face = { ...kinds.face, source: 'population' };
    const told = explain(policy, facts({ evidence: [kinds.population, face] }));
    const three = told.levels.find(({ level }) => level === L(3));
    expect(three?.identity[0]).toMatchObject({ met: false, missing: { code: 'explain.not_together' } });
    expect(three?.identity[0]?.rules.map(({ met }) => met)).toEqual([true, true]);
    expect(three?.through).toBeNull();
  });

  it('can be said in every language', () => {
    const i18n = createI18n();
    const every: Words[] = [];
    fc.assert(
      fc.property(fc.array(anyEvidence, { maxLength: 4 }), fc.array(anyEvent, { maxLength: 2 }), (items, events) => {
        const told = explain(defaultPolicy, facts({ evidence: items, events }));
        every.push(...told.said, ...told.ignored.map(({ why }) => why));
        for (const level of told.levels)
          for (const each of [...level.identity.flatMap(({ rules }) => rules), ...level.authentication])
            every.push(each.rule, ...(each.missing ? [each.missing] : []));
      }),
      { numRuns: 100 },
    );
    for (const locale of locales)
      for (const line of every.flatMap((words) => linesOf(words, (key, params) => i18n.t(locale, key, params))))
        expect(line).not.toMatch(/policy\.\w/);
  });
});

describe('what is missing', () => {
  const rule: EvidenceRule = {
    kind: 'document',
    minStrength: 'strong',
    maxAge: 86_400,
    confirms: ['name'],
    sources: ['exit-entry'],
    place: 'remote',
  };
  const near: Evidence = { ...kinds.permit, confirmed: ['name'], category: 'macao' };
  const [old, soon] = [new Date(now.getTime() - 2 * day), new Date(now.getTime() - 1000)];
  const table: [code: string, item: Evidence][] = [
    ['too_weak', { ...near, strength: 'weak' }],
    ['not_confirmed', { ...near, confirmed: [] }],
    ['other_source', { ...near, source: 'guangdong' }],
    ['other_category', { ...near, category: 'taiwan' }],
    ['other_category', { ...near, category: null }],
    ['revoked', { ...near, revokedAt: soon }],
    ['expired', { ...near, expiresAt: soon }],
    ['too_old', { ...near, recordedAt: old }],
  ];
  const own = { ...way(rule), categories: ['macao' as const] };
  it.each(table)('%s', (code, item) => {
    expect(missingEvidence(own, rule, [item], now).code).toBe(`explain.${code}`);
    // Something else of that kind that is further away does not hide it.
    expect(missingEvidence(own, rule, [{ ...near, strength: 'weak' }, item], now).code).toBe(`explain.${code}`);
  });
  it('nothing of the kind; the wrong place', () => {
    expect(missingEvidence(own, rule, [kinds.face], now).code).toBe('explain.none_of_kind');
    const counter: EvidenceRule = { ...rule, kind: 'counter', sources: null };
    expect(missingEvidence(own, counter, [{ ...kinds.counter1, confirmed: ['name'] }], now).code).toBe(
      'explain.other_place',
    );
  });

  const ask = (more: Partial<AuthenticationRule>): AuthenticationRule => ({
    factors: 2,
    userVerified: false,
    phishingResistant: false,
    deviceBound: false,
    maxAge: 3600,
    ...more,
  });
  const late = event({ ...methods.synced, at: old });
  const cases: [
    code: string,
    rule: AuthenticationRule,
    events: AuthenticationEvent[],
    usable?: AuthenticationEvent[],
  ][] = [
    ['no_event', ask({}), []],
    ['not_in_interaction', ask({}), [methods.synced], []],
    ['authentication_too_old', ask({}), [late]],
    ['no_such_property', ask({ deviceBound: true }), [methods.synced]],
    [
      'no_such_property',
      ask({ userVerified: true, phishingResistant: true }),
      [
        { ...methods.password, userVerified: true },
        { ...methods.unverified, userVerified: false },
      ],
    ],
    ['factor_missing', ask({ kinds: ['knowledge', 'possession'] }), [methods.password]],
    ['one_factor', ask({}), [methods.password]],
  ];
  it.each(cases)('%s', (code, asked, events, usable = events) => {
    expect(missingEvent(asked, usable, events, now).code).toBe(`explain.${code}`);
  });
  it('names the properties that nothing has, or else all that one event must have', () => {
    const parts = (asked: AuthenticationRule, events: AuthenticationEvent[]) =>
      missingEvent(asked, events, events, now).parts.map(({ code }) => code);
    expect(parts(ask({ deviceBound: true, userVerified: true }), [methods.synced])).toEqual(['rule.device_bound']);
    const apart = [
      { ...methods.password, userVerified: true },
      { ...methods.unverified, userVerified: false },
    ];
    expect(parts(ask({ userVerified: true, phishingResistant: true }), apart)).toEqual([
      'rule.user_verified',
      'rule.phishing_resistant',
    ]);
  });
});

describe('what an app accepts', () => {
  it('everything, unless it says otherwise', () => {
    const items = [kinds.contact, kinds.population];
    expect(acceptedEvidence(anything, items)).toBe(items);
  });
  it('sources allowed and denied, categories, and contacts of nobody’s category', () => {
    const acceptance = (allow: string[] | null, deny: string[], categories: 'macao'[] | null) => ({
      categories,
      sources: { allow, deny },
    });
    expect(notAccepted(acceptance(null, ['population'], null), kinds.population)).toBe('source_denied');
    expect(notAccepted(acceptance(['face'], [], null), kinds.population)).toBe('source_denied');
    expect(notAccepted(acceptance(['population'], [], null), kinds.population)).toBeNull();
    expect(notAccepted(acceptance(null, [], ['macao']), kinds.population)).toBe('category_refused');
    expect(notAccepted(acceptance(null, [], ['macao']), { ...kinds.permit, category: 'macao' })).toBeNull();
    expect(notAccepted(acceptance(null, [], ['macao']), kinds.contact)).toBeNull();
    expect(acceptedEvidence(acceptance(null, ['population'], null), [kinds.contact, kinds.population])).toEqual([
      kinds.contact,
    ]);
  });
  it('a person is of the category that the newest evidence says', () => {
    expect(personCategory([])).toBeNull();
    expect(personCategory([kinds.contact])).toBeNull();
    const older = evidence({ kind: 'document', category: 'macao', recordedAt: new Date(now.getTime() - day) });
    expect(personCategory([kinds.permit, older, kinds.contact])).toBe('hong_kong');
    expect(personCategory([older, kinds.permit])).toBe('hong_kong');
  });
});
