/** Faults of the way back of the browser. */
export const returnFaults = [
  'state_missing',
  'state_other',
  'state_twice',
  'code_gone',
  'code_twice',
  'code_short',
  'code_and_error',
  'error_other',
  'authentication_failed',
  'authentication_timeout',
  'authentication_rejected',
] as const;

/** Codes that a call may answer with although nothing is wrong with it, and at which call. */
export const codeFaults = {
  key_kek_expired: ['getKey', 'D30001'],
  key_forbidden: ['getKey', 'D20012'],
  key_unknown: ['getKey', 'D20000'],
  token_unknown: ['getToken', 'D20000'],
  token_key_gone: ['getToken', 'D30002'],
  token_undecipherable: ['getToken', 'D30004'],
  token_duplicated: ['getToken', 'D20004'],
  token_overtaken: ['getToken', 'D20003'],
  token_code_gone: ['getToken', 'D40004'],
  token_forbidden: ['getToken', 'D20012'],
  token_new_code: ['getToken', 'D99999'],
  token_corporate: ['getToken', 'M20012'],
  token_no_code: ['getToken', ''],
  profile_token_gone: ['profile', 'D20009'],
  profile_openid_gone: ['profile', 'D20010'],
  profile_scope: ['profile', 'D20015'],
  profile_rejected: ['profile', 'D50001'],
  profile_failed: ['profile', 'D50002'],
  profile_timeout: ['profile', 'D50003'],
} as const;
export type CodeFault = keyof typeof codeFaults;

/** Faults of the content key. */
export const keyFaults = [
  'key_of_another',
  'key_short',
  'key_missing',
  'key_brief',
  'key_absolute',
  'key_plus_garbage',
] as const;

/** Faults of the encryption of any content. */
export const contentFaults = [
  'content_tag',
  'content_other_key',
  'content_iv',
  'content_short',
  'content_plain',
  'content_missing',
  'content_spaced',
  'content_no_json',
  'content_names_twice',
] as const;

/** Faults of what the token's content says. */
export const tokenFaults = [
  'token_type',
  'token_old',
  'token_future',
  'token_expired',
  'token_short',
  'openid_missing',
  'openid_blank',
  'openid_space',
  'openid_twice_encoded',
  'openid_broken',
  'openid_plain',
  'user_type_other',
  'user_type_missing',
  'user_type_case',
  'scope_without_profile',
  'scope_without_login',
  'msg_for_message',
] as const;

/** Faults of what the profile says. */
export const profileFaults = [
  'profile_of_another',
  'profile_shape',
  'profile_empty',
  'number_without_check',
  'number_starred',
  'number_impossible',
  'birth_impossible',
  'chinese_name_not_verified',
] as const;

const isCodeFault = (name: string): name is CodeFault => Object.hasOwn(codeFaults, name);
export const codeFaultNames: readonly CodeFault[] = Object.keys(codeFaults).filter(isCodeFault);

export const iamSmartFaults = [
  ...returnFaults,
  ...codeFaultNames,
  ...keyFaults,
  ...contentFaults,
  ...tokenFaults,
  ...profileFaults,
] as const;
export type IamSmartFault = (typeof iamSmartFaults)[number];
