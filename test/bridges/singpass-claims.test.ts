import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { worthOf } from '../../src/assurance/bridge-worth.ts';
import {
  claimsOfLogin,
  claimsOfMyinfo,
  idTokenClaims,
  levelOf,
  methodsOf,
  userinfoClaims,
} from '../../src/bridges/singpass/claims.ts';
import { singpass } from '../../src/bridges/singpass/index.ts';

/** The sample of the documentation (reference 3.1), with its number made whole. */
const sample = {
  sub: '7c9c72ec-5be2-495a-a78e-61e809a2a236',
  aud: 'RsrOy2iB0edR53TJSuD5ULad1pGmrVZL',
  acr: 'urn:singpass:authentication:loa:2',
  sub_type: 'user',
  sub_attributes: { account_type: 'standard', identity_number: 'S4000001A', identity_coi: 'SG', name: 'TAN XIAO HUI' },
  amr: ['pwd', 'otp-sms'],
  iss: 'https://stg-id.singpass.gov.sg/fapi',
  exp: 1769740423,
  iat: 1769739823,
  nonce: 'n'.repeat(30),
};
const token = (more: object = {}) => idTokenClaims.parse({ ...sample, ...more });
const attributes = (more: object) => token({ sub_attributes: { ...sample.sub_attributes, ...more } });

describe('the ID token of a Login app', () => {
  it('the documentation’s sample', () => {
    const claims = claimsOfLogin(token());
    expect(claims).toEqual({
      name: 'TAN XIAO HUI',
      latinName: 'TAN XIAO HUI',
      documentType: 'sg_nric',
      documentNumber: 'S4000001A',
      category: 'foreign',
    });
    expect(levelOf(token(), claims)).toBe('urn:singpass:authentication:loa:2');
    expect(methodsOf(token())).toEqual(['pwd', 'sms']);
  });
  it('numbers are Singpass’ to check: mockpass’ own FIN with a wrong letter is taken, an account number is none', () => {
    expect(claimsOfLogin(attributes({ identity_number: 'F9477325W' }))).toMatchObject({ documentType: 'sg_fin' });
    expect(claimsOfLogin(attributes({ identity_number: 'M1234567K' }))).toMatchObject({ documentType: 'sg_fin' });
    const y = attributes({ identity_number: 'Y4581892I' });
    expect(claimsOfLogin(y)).toEqual({ name: 'TAN XIAO HUI', latinName: 'TAN XIAO HUI' });
    expect(levelOf(y, claimsOfLogin(y))).toBeNull();
  });
  it('every number that the vectors call valid is known for what it is', () => {
    const vectors: { type: string; value: string; valid: boolean }[] = JSON.parse(
      readFileSync(new URL('../vectors/document-vectors.json', import.meta.url), 'utf8'),
    );
    const numbers = vectors.filter(({ type, valid }) => valid && (type === 'sg_nric' || type === 'sg_fin'));
    expect(numbers.length).toBeGreaterThan(4);
    for (const { type, value } of numbers)
      expect(claimsOfLogin(attributes({ identity_number: value }))).toMatchObject({
        documentType: type,
        documentNumber: value,
      });
  });
  it('foreign accounts are named and no more; without a word of what it is, an account proves nothing', () => {
    const foreign = attributes({ account_type: 'foreign', identity_number: 'S4000001A', identity_coi: 'MY' });
    expect(claimsOfLogin(foreign).documentNumber).toBeUndefined();
    expect(levelOf(foreign, claimsOfLogin(foreign))).toBe('foreign');
    const nameless = attributes({ account_type: 'foreign', name: undefined });
    expect(levelOf(nameless, claimsOfLogin(nameless))).toBeNull();
    const untold = attributes({ account_type: undefined });
    expect(levelOf(untold, claimsOfLogin(untold))).toBeNull();
  });
  it.each([
    ['the number in the subject, as before FAPI', { sub: `s=S4000001A,u=${sample.sub}` }],
    ['a subject that is the number', { sub: 'S4000001A' }],
    ['a company', { sub_type: 'entity' }],
    ['somebody who acts for somebody', { act: { sub: 'x' } }],
    ['a time in words', { iat: 'today' }],
    ['an account of another kind', { sub_attributes: { account_type: 'shared' } }],
  ])('is not taken with %s', (_name, more) => {
    expect(idTokenClaims.safeParse({ ...sample, ...more }).success).toBe(false);
  });
  it('phone numbers are local, and of Singapore', () => {
    expect(claimsOfLogin(attributes({ mobileno: '91234567' })).phone).toBe('+6591234567');
    expect(claimsOfLogin(attributes({ mobileno: '13800138000' })).phone).toBeUndefined();
  });
});

describe('userinfo of a Myinfo app', () => {
  const info = (person_info: object) =>
    claimsOfMyinfo(userinfoClaims.parse({ sub: sample.sub, iss: 'x', aud: 'y', person_info }).person_info);
  it('the registers’ word is taken, the person’s own is not', () => {
    const told = (source: string) => ({
      uinfin: { value: 'S4000001A', source },
      name: { value: 'TAN XIAO HUI', source },
      dob: { value: '1998-06-06', source },
      mobileno: { nbr: { value: '97399245' }, areacode: { value: '65' }, source },
    });
    expect(info(told('1'))).toMatchObject({
      documentNumber: 'S4000001A',
      birthDate: '1998-06-06',
      phone: '+6597399245',
    });
    expect(info(told('2'))).toEqual({});
  });
  it('a year is no birth date, and another country no local number', () => {
    expect(info({ dob: { value: '1998' } })).toEqual({});
    expect(info({ mobileno: { nbr: { value: '97399245' }, areacode: { value: '60' } } })).toEqual({});
  });
});

describe('what it is worth', () => {
  const worth = (level: string | null) => worthOf(singpass.traits.levels, null, level);
  it('the table of the reference (12.1), and nothing for a level that is not in it', () => {
    const strengths = [
      null,
      'urn:singpass:authentication:loa:1',
      'foreign',
      ...[2, 3].map((n) => `urn:singpass:authentication:loa:${n}`),
    ];
    expect(strengths.map((level) => worth(level).identity?.strength ?? null)).toEqual([
      null,
      null,
      'fair',
      'strong',
      'superior',
    ]);
    expect(worth('urn:singpass:authentication:loa:1').authentication).toBeNull();
    expect(worth('urn:singpass:authentication:loa:3').authentication).toMatchObject({
      factors: ['possession', 'inherence'],
      phishingResistant: false,
    });
  });
});
