import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type Agreement,
  agreementNow,
  askedFor,
  isBare,
  isDepartment,
  isPassedOn,
  itemsOf,
  narrowVerified,
  personalClaims,
  releaseOf,
  toAsk,
  together,
  within,
} from '../../src/assurance/release.ts';

const of = (claims: readonly string[], scopes: readonly string[] = ['openid']) => ({ scopes, claims });
const on = (claims: readonly string[], more: Partial<Agreement> = {}): Agreement => ({
  ...of(claims),
  basis: 'agreed',
  withdrawn: false,
  ...more,
});
const [name, birthdate, evidence] = ['verified_claims.name', 'verified_claims.birthdate', 'verified_claims.evidence'];

describe('what a request asks to be told', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['openid', undefined, []],
    ['openid profile', undefined, ['name', 'locale']],
    ['openid phone', undefined, ['phone_number', 'phone_number_verified']],
    ['phone profile', undefined, ['name', 'locale', 'phone_number', 'phone_number_verified']],
    ['openid', { userinfo: { locale: null }, id_token: { name: { essential: true } } }, ['name', 'locale']],
    ['openid', { userinfo: { locale: 'yes', name: [], phone_number: true } }, []],
    ['openid', { elsewhere: { name: null }, name: null }, []],
    ['openid', { userinfo: { sub: null, acr: null, shoe_size: null, [birthdate]: null, profile: null } }, []],
    ['openid', { userinfo: { verified_claims: null } }, []],
    ['openid', { userinfo: { verified_claims: { claims: { name: null, shoe_size: null } } } }, [name]],
    ['openid', { userinfo: { verified_claims: { claims: null, verification: { evidence: [] } } } }, [evidence]],
    ['openid', { userinfo: { verified_claims: { claims: {}, verification: { time: null } } } }, []],
    [
      'openid',
      { id_token: { verified_claims: [{ claims: { birthdate: null } }, 7, { claims: { name: null } }] } },
      [name, birthdate],
    ],
    ['openid', 7, []],
    ['openid', [{ userinfo: { name: null } }], []],
  ])('%s and %j: %j', (scope, claims, asked) => {
    expect(askedFor(scope, claims)).toEqual({ scopes: scope.split(' '), claims: asked });
  });

  it('no scope is none, and one that is named twice is one', () => {
    expect(askedFor(undefined, undefined)).toEqual(of([], []));
    expect(askedFor(' openid  openid ', undefined)).toEqual(of([]));
  });
});

describe('what is to be asked about', () => {
  it.each<[string, readonly string[], Agreement | null, boolean, readonly string[] | null]>([
    ['everything, where nothing is on file', ['name'], null, false, ['name']],
    ['the sign-in itself, where nothing is on file', [], null, false, []],
    ['nothing, where all was agreed to', ['name'], on(['name', 'locale']), false, null],
    ['the difference', ['name', birthdate], on(['name']), false, [birthdate]],
    ['everything, where it was taken back', ['name'], on(['name'], { withdrawn: true }), false, ['name']],
    ['nothing, at a department that is new', ['name'], null, true, null],
    ['nothing, at a department that gets more', ['name'], on([], { basis: 'city_rules' }), true, null],
    ['everything, once it is no department', ['name'], on(['name'], { basis: 'city_rules' }), false, ['name']],
    [
      'everything, at a department it was taken back from',
      ['name'],
      on(['name'], { basis: 'city_rules', withdrawn: true }),
      true,
      ['name'],
    ],
    ['the difference, at a department that was agreed with', ['name', 'locale'], on(['name']), true, ['locale']],
    ['nothing, at a department that gets the sign-in alone', [], on([], { withdrawn: true }), true, null],
  ])('%s', (_what, asked, agreement, department, claims) => {
    expect(toAsk(of(asked), agreement, department)?.claims ?? null).toEqual(claims);
    expect(isPassedOn(of(asked), agreement, department)).toBe(department && claims === null);
  });

  it('a scope is asked about by its claims, and by itself where it stands for none', () => {
    const scopes = ['openid', 'profile', 'offline_access'];
    expect(toAsk(of(['name', 'locale'], scopes), on(['name', 'locale']), false)).toEqual(of([], ['offline_access']));
    expect(toAsk(of(['name', 'locale'], scopes), on(['name', 'locale'], { scopes }), false)).toBeNull();
    expect(isBare(of([]))).toBe(true);
    expect(isBare(of([], ['openid', 'offline_access']))).toBe(false);
    expect(isBare(of(['name']))).toBe(false);
  });

  it('a department is one that its registration calls so, and nothing like it', () => {
    expect(isDepartment({ shimin_first_party: true })).toBe(true);
    for (const other of [undefined, {}, { shimin_first_party: 'true' }, { shimin_first_party: 1 }])
      expect(isDepartment(other)).toBe(false);
    expect(agreementNow(null, true)).toBeNull();
  });
});

describe('every claim about a person is said in words', () => {
  it.each(['zh-Hans', 'zh-Hant', 'en', 'pt'])('%s', async (locale) => {
    const file = new URL(`../../src/i18n/${locale}/apps.json`, import.meta.url);
    const texts: Record<string, string> = JSON.parse(await readFile(file, 'utf8'));
    const said = personalClaims.map((claim) => texts[`item.${claim}`]);
    expect(said.filter((text) => text === undefined || /claim|scope|_/.test(text))).toEqual([]);
    expect(new Set(said).size).toBe(personalClaims.length);
  });
});

describe('what is within it', () => {
  const asked = of(['name', 'locale', name], ['openid', 'profile', 'offline_access']);
  it('are the claims of both, and a scope where all of its claims are', () => {
    expect(within(asked, null)).toEqual(of([]));
    expect(within(asked, of(['name']))).toEqual(of(['name']));
    expect(within(asked, of(['name', 'locale'], ['profile']))).toEqual(of(['name', 'locale'], ['openid', 'profile']));
    expect(within(asked, of([], ['offline_access', 'phone']))).toEqual(of([], ['openid', 'offline_access']));
  });

  it('a list for people goes there and back, and holds no more than was asked', () => {
    expect(itemsOf(asked)).toEqual(['name', 'locale', name, 'offline_access']);
    expect(releaseOf(itemsOf(asked), asked)).toEqual(asked);
    expect(releaseOf(['name', 'phone_number', birthdate], asked)).toEqual(of(['name']));
    expect(releaseOf([], asked)).toEqual(of([]));
  });

  it('two are together what either is, each claim once', () => {
    expect(together(null, asked)).toEqual(asked);
    expect(together(of([birthdate, 'name'], ['phone']), asked)).toEqual(
      of(['name', 'locale', name, birthdate], ['phone', 'openid', 'profile', 'offline_access']),
    );
  });

  it('a request for verified claims keeps what may be told, in a list too', () => {
    const wish = {
      verification: { time: null, evidence: [] },
      claims: { name: null, birthdate: { value: 'x' } },
      x: 1,
    };
    const kept = { verification: { time: null }, claims: { name: null }, x: 1 };
    expect(narrowVerified(wish, new Set([name]))).toEqual(kept);
    expect(narrowVerified([wish, 7], new Set([name]))).toEqual([kept, 7]);
    expect(narrowVerified(wish, new Set(personalClaims))).toEqual(wish);
    expect(narrowVerified({}, new Set())).toEqual({ verification: {}, claims: {} });
    expect(narrowVerified(null, new Set([name]))).toBeNull();
  });
});
