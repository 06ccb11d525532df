import { type KeyObject, sign } from 'node:crypto';

/** Answers that are well formed and not to be trusted; each is an attack, or an accident of gateways in between. */
export const forgeries = [
  'signature',
  'signature_missing',
  'sha1',
  /** Signed, then written anew with its members in another order: same JSON, other bytes. */
  'reordered',
  /** Signed, then written anew with spaces and without escapes. */
  'respaced',
  'tampered',
  'other_method',
  'both_keys',
  'key_twice',
  'inner_key_twice',
  'cert_sn_other',
  'cert_sn_missing',
  'no_inner',
] as const;
export type Forgery = (typeof forgeries)[number];

/** Errors as the gateway words them; `sub_code` tells them apart. */
export const errors = {
  code_invalid: ['40002', 'Invalid Arguments', 'isv.code-invalid', '授权码code无效'],
  decryption: ['40003', 'Insufficient Conditions', 'isv.decryption-error-unknown', '解密出错, 未知错误'],
  auth_token: ['20001', 'Invalid auth token', 'aop.invalid-auth-token', '无效的访问令牌'],
  parameter: ['40002', 'Invalid parameter', 'isv.invalid-parameter', '参数无效'],
  grant_type: ['40002', 'Invalid Arguments', 'isv.grant-type-invalid', 'grant_type参数不正确'],
  app_id: ['40002', 'Invalid Arguments', 'isv.invalid-app-id', '无效的AppID参数'],
  method: ['40002', 'Invalid Arguments', 'isv.invalid-method', '不存在的方法名'],
  format: ['40002', 'Invalid Arguments', 'isv.invalid-format', '无效的数据格式'],
  charset: ['40002', 'Invalid Arguments', 'isv.invalid-charset', '字符集错误'],
  sign_type: ['40002', 'Invalid Arguments', 'isv.invalid-signature-type', '无效的签名类型'],
  timestamp: ['40002', 'Invalid Arguments', 'isv.invalid-timestamp', '非法的时间戳参数'],
  app_cert: ['40002', 'Invalid Arguments', 'isv.invalid-app-cert-sn', '应用公钥证书SN无效'],
  root_cert: ['40002', 'Invalid Arguments', 'isv.invalid-alipay-root-cert-sn', '支付宝根证书SN无效'],
  missing: ['40001', 'Missing Required Arguments', 'isv.missing-parameter', '缺少必选参数'],
  closed: ['40004', 'Business Failed', 'ACCOUNT_CLOSED', '账户已注销'],
  business: ['40004', 'Business Failed', 'SYSTEM_BUSINESS_ERROR', '业务处理失败'],
  permission: ['40006', 'Insufficient Permissions', 'isv.insufficient-isv-permissions', 'ISV权限不足'],
  frequency: ['40005', 'Call Limited', 'isv.app-call-limited', '应用调用次数超限'],
  service: ['20000', 'Service Currently Unavailable', 'isp.unknow-error', '系统繁忙'],
  certify_unknown: ['40004', 'Business Failed', 'OPEN_CERTIFY_BILL_NOT_EXIST', '无效的certify_id'],
  certify_repeated: ['40004', 'Business Failed', 'OUTER_ORDER_NO_REPEATED', '商户请求的唯一标识重复'],
} as const satisfies Record<string, readonly [code: string, msg: string, subCode: string, subMsg: string]>;
export type ErrorName = keyof typeof errors;

export function errorOf(name: ErrorName): Record<string, unknown> {
  const [code, msg, subCode, subMsg] = errors[name];
  return { code, msg, sub_code: subCode, sub_msg: subMsg };
}

export interface Writing {
  /** `alipay.user.info.share`; null: before the method is known, under `error_response`. */
  readonly method: string | null;
  readonly inner: Readonly<Record<string, unknown>>;
  /** Null: as before the app is known. */
  readonly key: KeyObject | null;
  readonly certificate: string | null;
  readonly forgery: Forgery | null;
}

/** As the gateway writes: no spaces, slashes escaped. */
const written = (value: unknown) => JSON.stringify(value).replaceAll('/', '\\/');

const keyOf = (method: string | null) =>
  method === null ? 'error_response' : `${method.replaceAll('.', '_')}_response`;

/** The body of an answer, signed over exactly what stands in it, unless it shall be forged. */
export function bodyOf({ method, inner, key, certificate, forgery }: Writing): string {
  const text = written(inner);
  const signature = (over: string, algorithm = 'RSA-SHA256') =>
    key === null ? null : sign(algorithm, Buffer.from(over), key).toString('base64');
  const whole = (members: readonly (readonly [string, string])[], signed = signature(text), sn = certificate) =>
    `{${[
      ...members.map(([name, value]) => `"${name}":${value}`),
      ...(sn === null ? [] : [`"alipay_cert_sn":"${sn}"`]),
      ...(signed === null ? [] : [`"sign":"${signed}"`]),
    ].join(',')}}`;
  const own = keyOf(method);
  switch (forgery) {
    case 'signature':
      return whole([[own, text]], signature(`${text} `));
    case 'signature_missing':
      return whole([[own, text]], null);
    case 'sha1':
      return whole([[own, text]], signature(text, 'RSA-SHA1'));
    case 'reordered':
      return whole([[own, written(Object.fromEntries(Object.entries(inner).reverse()))]]);
    case 'respaced':
      return whole([[own, JSON.stringify(inner, null, 1)]]);
    case 'tampered':
      return whole([
        [
          own,
          written({ ...inner, is_certified: 'T', cert_type: '0', cert_no: '440305199502282425', user_name: '陈嘉怡' }),
        ],
      ]);
    case 'other_method':
      return whole([['alipay_open_auth_token_app_response', text]]);
    case 'both_keys':
      return whole([
        [own, text],
        ['error_response', text],
      ]);
    case 'key_twice':
      return whole([
        [own, text],
        [own, written({ ...inner, user_id: '2088000000000000' })],
      ]);
    case 'inner_key_twice': {
      const twice = text.replace('{', '{"user_id":"2088000000000000","user_id":"2088000000000001",');
      return whole([[own, twice]], signature(twice));
    }
    case 'cert_sn_other':
      return whole([[own, text]], signature(text), '0'.repeat(32));
    case 'cert_sn_missing':
      return whole([[own, text]], signature(text), null);
    case 'no_inner':
      return whole([]);
    default:
      return whole([[own, text]]);
  }
}
