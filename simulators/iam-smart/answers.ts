import { randomBytes } from 'node:crypto';
import type { Account } from './accounts.ts';
import type { profileFaults, tokenFaults } from './faults.ts';

export const hex32 = () => randomBytes(16).toString('hex');

/** What a code is exchanged for, made wrong. */
export function tokenContent(
  token: { accessToken: string; openID: string; userType: string; scope: string },
  fault: (typeof tokenFaults)[number] | null,
): object {
  const encoded = encodeURIComponent(token.openID);
  const good = {
    accessToken: token.accessToken,
    tokenType: 'Bearer',
    issueAt: Date.now(),
    expiresIn: 14_400_000,
    openID: encoded,
    lastModifiedDate: Date.now() - 86_400_000,
    userType: token.userType,
    scope: token.scope,
  };
  const changes: Readonly<Record<(typeof tokenFaults)[number], object>> = {
    token_type: { tokenType: 'MAC' },
    token_old: { issueAt: Date.now() - 3_600_000 },
    token_future: { issueAt: Date.now() + 3_600_000 },
    token_expired: { expiresIn: 1.5e12 },
    token_short: { accessToken: 'abc' },
    openid_missing: { openID: undefined },
    openid_blank: { openID: '  ' },
    openid_space: { openID: token.openID.replaceAll('+', ' ') },
    openid_twice_encoded: { openID: encodeURIComponent(encoded) },
    openid_broken: { openID: `${encoded}%` },
    openid_plain: { openID: token.openID },
    user_type_other: { userType: 'corporate' },
    user_type_missing: { userType: undefined },
    user_type_case: { userType: 'SIGN' },
    scope_without_profile: { scope: 'eidapi_auth' },
    scope_without_login: { scope: 'eidapi_profiles' },
    msg_for_message: {},
  };
  return fault === null ? good : { ...good, ...changes[fault] };
}

/** What the records say of a person, made wrong. */
export function profileContent(
  account: Account,
  openID: string,
  fields: readonly string[],
  fault: (typeof profileFaults)[number] | null,
): object {
  const all: Readonly<Record<string, unknown>> = {
    idNo: { Identification: account.identification, CheckDigit: account.checkDigit },
    enName: { UnstructuredName: account.latinName },
    ...(account.name === '' ? {} : { chName: { ChineseName: account.name }, chNameVerified: 'Y' }),
    birthDate: account.birthDate,
    gender: 'X',
  };
  const good = { openID, ...Object.fromEntries(Object.entries(all).filter(([name]) => fields.includes(name))) };
  const changes: Readonly<Record<(typeof profileFaults)[number], object>> = {
    profile_of_another: { openID: encodeURIComponent(`+/${'A'.repeat(40)}=`) },
    profile_shape: { idNo: `${account.identification}(${account.checkDigit})` },
    profile_empty: { idNo: null, enName: null, chName: null, birthDate: null },
    number_without_check: { idNo: { Identification: account.identification } },
    number_starred: { idNo: { Identification: `${account.identification.slice(0, 4)}***`, CheckDigit: '*' } },
    number_impossible: { idNo: { Identification: '123456', CheckDigit: '7' } },
    birth_impossible: { birthDate: '19900231' },
    chinese_name_not_verified: { chNameVerified: 'N' },
  };
  return fault === null ? good : { ...good, ...changes[fault] };
}
