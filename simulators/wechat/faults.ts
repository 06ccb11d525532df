/** WeChat's numbers and words for what is wrong. */
export const errcodes = {
  '-1': 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40125: 'invalid appsecret',
  40163: 'code been used',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  42003: 'code expired',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit',
  48001: 'api unauthorized',
  50002: 'user limited',
} as const;
export type Errcode = keyof typeof errcodes;

/** Each of them on demand, whatever was asked. */
export const errorFaults = Object.keys(errcodes).map((errcode) => `errcode_${errcode}` as const);

/** Other ways in which honest answers are written; a client must take them all. */
export const variations = [
  /** The app is not bound to an Open Platform account. */
  'unionid_absent',
  'unionid_empty',
  'unionid_late',
  'errcode_zero',
  'json_content_type',
  'not_a_snapshot',
] as const;

/** Virtual users of the page's preview. */
export const snapshots = ['snapshot', 'snapshot_as_text', 'snapshot_late', 'snapshot_unmarked'] as const;

/** Answers in good order that say what can't be. */
export const contradictions = [
  'openid_other',
  'unionid_other',
  'openid_missing',
  'openid_blank',
  'openid_number',
  'unionid_blank',
  'access_token_missing',
  'key_twice',
  'errcode_unreadable',
] as const;

export const callbackFaults = ['state', 'cancel_stays', 'code_twice'] as const;

export const weChatFaults: readonly string[] = [
  ...errorFaults,
  ...variations,
  ...snapshots,
  ...contradictions,
  'errcode_as_text',
  ...callbackFaults,
];
