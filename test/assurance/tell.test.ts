import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../seeds/policy.ts';
import { type Explanation, explain, type Facts } from '../../src/assurance/explain.ts';
import { type AssurancePolicy, appRuleOf } from '../../src/assurance/policy.ts';
import { levelName, speechOf, type Teller } from '../../src/assurance/speech.ts';
import { tell } from '../../src/assurance/tell.ts';
import { words } from '../../src/assurance/words.ts';
import { offersFor } from '../../src/commands/offers.ts';
import { createI18n, type Locale, locales } from '../../src/i18n/index.ts';
import { dateFormats } from '../../src/web/dates.ts';
import { anyEvent, anyEvidence, anyPolicy } from './generators.ts';
import { evidence, kinds, L, methods, now, S } from './support.ts';

const i18n = createI18n();
const teller = (voice: Teller['voice'] = 'auditor', locale: Locale = 'en'): Teller => ({
  text: (key, params) => i18n.t(locale, key, params),
  has: (key) => i18n.has(locale, key),
  time: dateFormats(locale).time,
  voice,
});
const facts = (more: Partial<Facts> = {}): Facts => ({
  clientId: 'social-insurance',
  request: { acrValues: [], prompt: [] },
  evidence: [kinds.contact],
  events: [methods.synced],
  at: now,
  interaction: null,
  ...more,
});
const told = (
  more: Partial<Facts> = {},
  { policy = defaultPolicy, off = new Set<string>(), as = teller() }: Partial<Telling> = {},
) => {
  const all = facts(more);
  const counting = all.evidence.filter(({ source }) => !off.has(source));
  return tell(
    explain(policy, { ...all, evidence: counting }),
    { policy, off, evidence: all.evidence, events: all.events },
    as,
  );
};
interface Telling {
  policy: AssurancePolicy;
  off: ReadonlySet<string>;
  as: Teller;
}

describe('an explanation as its reader reads it', () => {
  it('speaks to the person about themselves, to the auditor about a person', () => {
    expect(told().said[0]).toBe('More had to be proved: Level 2: Real name.');
    expect(told({}, { as: teller('you') }).said[0]).toBe('You had to prove more: Level 2: Real name.');
    // What has no words of its own for the person is said to both alike.
    expect(told({}, { as: teller('you') }).said[1]).toBe(told().said[1]);
  });

  it('names the levels it was about before the others, each once', () => {
    const { levels, others, said } = told({ request: { acrValues: [L(2), L(3), 'phr'], prompt: [] } });
    expect(levels.map(({ id }) => id)).toEqual([L(2), L(3)]);
    expect(others.map(({ id }) => id)).toEqual([L(1), L(4), S]);
    expect(said[0]).toBe('More had to be proved: Level 2: Real name, Level 3: Real person.');
    expect(said[2]).toBe('The request preferred Level 2: Real name, Level 3: Real person, phr.');
  });

  it('shows what met a rule with its date and source, or every way and what it lacked', () => {
    const [level] = told().levels;
    expect(level).toMatchObject({ held: false, through: null });
    expect(level?.identity.length).toBe(8);
    expect(level?.identity[0]?.rules[0]).toMatchObject({ met: false, missing: 'Nothing of this kind is on file.' });
    expect(level?.identity[3]?.conditions).toContain('residents of Macao');
    const met = told({ evidence: [kinds.contact, kinds.population, kinds.tie] });
    expect(met.levels[0]?.identity.length).toBe(1);
    expect(met.levels[0]?.identity[0]?.rules[0]?.proofs).toEqual([
      {
        id: kinds.population.id,
        what: 'Name and number agree with the population register',
        from: 'the population register',
        at: kinds.population.recordedAt,
      },
    ]);
    expect(met.levels[0]?.authentication[0]?.proofs[0]).toMatchObject({ what: 'Passkey', from: null });
    expect(met.alternatives).toBeNull();
  });

  it('says that the parts of a way are there, but not together', () => {
    const apart = (level: AssurancePolicy['levels'][number]) => ({
      ...level,
      identity: level.identity.map((way) => ({ ...way, independent: true })),
    });
    const policy = { ...defaultPolicy, levels: defaultPolicy.levels.map(apart) };
    const items = [kinds.population, { ...kinds.face, source: 'population' }];
    const request = { acrValues: [L(3)], prompt: [] };
    const third = told({ evidence: items, request }, { policy }).levels.find(({ id }) => id === L(3));
    expect(third?.identity[0]).toMatchObject({ met: false, conditions: ['each from another source'] });
    expect(third?.identity[0]?.missing).toContain('independent sources');
  });

  it('says what was on file: used, not needed, ended, not counted and why', () => {
    const ended = evidence({ kind: 'face', strength: 'strong', revokedAt: new Date(now.getTime() - 1000) });
    const items = [kinds.contact, kinds.population, kinds.tie, ended, kinds.upstreamStrong, kinds.counter1];
    const policy: AssurancePolicy = {
      ...defaultPolicy,
      apps: { 'social-insurance': { ...appRuleOf(L(2)), sources: { allow: null, deny: ['upstream'] } } },
    };
    const all = told({ evidence: items }, { policy, off: new Set(['counter']) });
    expect(all.evidence.map(({ state, why }) => [state, why])).toEqual([
      ['unused', null],
      ['used', null],
      ['used', null],
      ['ended', null],
      ['ignored', 'The app does not accept upstream.'],
      ['ignored', 'It did not count: the counters (switched off at that time).'],
    ]);
    expect(all.evidence[1]?.confirms).toEqual(['confirms the name', 'confirms the document number']);
    expect(all.evidence[5]?.confirms).toEqual(['confirmed by officials: 1']);
    expect(all.events).toMatchObject([
      { state: 'used', properties: ['with the person verified by the device', 'that resists phishing'] },
    ]);
    const bound = told({ events: [methods.bound, methods.password], evidence: [] });
    expect(bound.events.map(({ properties }) => properties.length)).toEqual([3, 0]);
    expect(bound.events[1]?.state).toBe('unused');
  });

  it('says when evidence ended, what it does not confirm and whence it came, in words', () => {
    const line = (code: string, params: Record<string, string | number>) =>
      speechOf(defaultPolicy, teller())(words(code, params));
    expect(line('explain.revoked', { at: now.toISOString() })).toContain('23 November 2026 16:00 (UTC+8)');
    expect(line('explain.not_confirmed', { word: 'document_number' })).toBe('It does not confirm the document number.');
    expect(line('explain.not_confirmed', { word: 'officials:2' })).toContain('officials: 2');
    expect(line('explain.other_source', { source: 'sms' })).toBe('It comes from text messages.');
    expect(line('rule.sources', { sources: 'population, singpass' })).toBe('from the population register, singpass');
    expect(line('rule.max_age_days', { count: 1 })).toBe('not older than 1 day');
    expect(line('change.external_added', { level: L(2), scheme: 'eidas', to: 'low' })).toBe(
      'Level 2: Real name has the name low in eidas.',
    );
  });

  it('gives the ways there were, those closed, and why there was none', () => {
    const holder = { passkeys: [{ backupEligible: true }], hasPassword: false, hasTotp: false, recoveryCodesLeft: 0 };
    const offers = (population: boolean) => offersFor(holder as never, { population, face: true, silentTie: true });
    expect(told({ offers: offers(true) }).alternatives).toMatchObject({
      ways: [{ steps: ['population'] }],
      because: [],
    });
    expect(told({ offers: offers(false) }).alternatives).toMatchObject({
      ways: [],
      blocked: [{ steps: ['population'] }],
      because: ['register_unavailable'],
    });
    expect(told({ offers: offers(true), clientId: 'library' }).alternatives).toBeNull();
  });

  it('does not name a level that is missing where only unknown ones were demanded', () => {
    const { said } = told({
      request: { acrValues: [], prompt: [], claimsAcr: { essential: true, values: ['urn:x'] } },
    });
    expect(said[0]).toBe('The app demands at least Level 2: Real name.');
    expect(said).toContain('The request demanded a level that does not exist here.');
  });

  it('says of a level held through one above it that it is', () => {
    const [second, ...others] = told({ evidence: [kinds.population], events: [methods.synced] }).levels;
    expect(others).toEqual([]);
    expect(second?.through).toBeNull();
    const explanation: Explanation = explain(defaultPolicy, facts({ evidence: [kinds.population] }));
    const lent = { ...explanation, levels: explanation.levels.map((level) => ({ ...level, through: L(3) })) };
    const on = { policy: defaultPolicy, off: new Set<string>(), evidence: [], events: [] };
    expect(tell(lent, on, teller()).levels[0]?.through).toBe('Level 3: Real person');
  });

  it('names levels that the city added by their own names, and unknown ones by what they are', () => {
    const names = [S, 'urn:x'].map((id) => levelName(defaultPolicy, id, teller()));
    expect(names).toEqual([teller().text('common.level.staff.name'), 'urn:x']);
  });

  it('leaves nothing unsaid, in any language, to anybody, under any policy', () => {
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(anyEvidence, { maxLength: 4 }),
        fc.array(anyEvent, { maxLength: 3 }),
        fc.constantFrom('you' as const, 'auditor' as const),
        fc.constantFrom(...locales),
        (policy, items, events, voice, locale) => {
          const all = told({ evidence: items, events, clientId: 'library' }, { policy, as: teller(voice, locale) });
          expect(JSON.stringify(all)).not.toMatch(/policy\.\w|explain\.\w|decisions\.\w|undefined|\{\w+\}/);
          expect([...all.levels, ...all.others].map(({ id }) => id).toSorted()).toEqual(
            policy.levels.map(({ id }) => id).toSorted(),
          );
          expect(all.evidence.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
          const unmet = [...all.levels, ...all.others]
            .flatMap(({ identity, authentication }) => [...identity.flatMap(({ rules }) => rules), ...authentication])
            .filter(({ met }) => !met);
          for (const rule of unmet) expect(rule.missing).toMatch(/^\S[\s\S]*\S$/);
        },
      ),
      { numRuns: 200 },
    );
  });
});
