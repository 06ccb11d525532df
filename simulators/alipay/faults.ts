import { type ErrorName, forgeries } from './answers.ts';

/** Other ways in which honest answers are written; a client must take them all. */
export const variations = [
  'open_id_only',
  'both_names',
  'bare_profile',
  'numbers_as_strings',
  'code_as_number',
  'no_permission',
  /** `is_certified=F` with `cert_*` there: what the person typed, and nobody checked. */
  'uncertified_with_number',
  'masked_number',
  'masked_name',
  'empty_open_id',
] as const;

/** Answers signed as they must be that say what can't be. */
export const contradictions = [
  'other_person',
  'other_open_id',
  'names_missing',
  'name_blank',
  'name_of_other_shape',
  'access_token_missing',
  'code_missing',
  /** The profile answer of the sign-in before: signed by the gateway, and of somebody else. */
  'replay',
] as const;

/** Errors, each under the key that the gateway uses for it. */
export const errorFaults = [
  'code_expired',
  'decryption',
  'auth_token',
  'parameter',
  'business',
  'permission',
  'frequency',
  'service',
  'error_unsigned',
  'error_other_key',
  'error_forged',
] as const;
export const errorOfFault: Readonly<Partial<Record<string, ErrorName>>> = {
  code_expired: 'code_invalid',
  decryption: 'decryption',
  auth_token: 'auth_token',
  parameter: 'parameter',
  business: 'business',
  permission: 'permission',
  frequency: 'frequency',
  service: 'service',
};

/** The name in GBK bytes, as the gateway writes for who asks for no charset. */
export const charsetFault = 'gbk';

export const callbackFaults = ['state', 'app_id_other'] as const;

export const alipayFaults = [
  ...forgeries,
  ...variations,
  ...contradictions,
  ...errorFaults,
  charsetFault,
  ...callbackFaults,
] as const;
export type AlipayFault = (typeof alipayFaults)[number];
