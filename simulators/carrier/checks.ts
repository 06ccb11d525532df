import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { fieldsOf, text } from '../lib/http.ts';
import type { Line, Network } from './subscribers.ts';

export const checkCredentials = {
  secretId: 'AKIDshiminDemoCarrierCheck',
  secretKey: 'demo-carrier-check-secret',
} as const;

/** Answers of the check that arrive in good order and are wrong, or say no. */
export const checkFaults = [
  'match_in_error',
  'result_number',
  'result_missing',
  'result_unknown',
  'isp_unknown',
  'no_request_id',
  'busy',
  'asked_too_often',
  'limit_exceeded',
  'internal_error',
  'status_unknown',
  'status_missing',
  'status_busy',
  'range_missing',
  'range_reversed',
  'range_words',
  'age_busy',
  'age_unknown',
] as const;
export type CheckFault = (typeof checkFaults)[number];

const isps = { CMCC: '移动', CTCC: '电信', CUCC: '联通' } as const;
const hash = (value: string) => createHash('sha256').update(value).digest('hex');
const mac = (key: string | Buffer, value: string) => createHmac('sha256', key).update(value).digest();

export interface CheckCall {
  readonly path: string;
  readonly host: string;
  readonly body: string;
  header(name: string): string;
}

/** What is wrong with the signature of a call (TC3-HMAC-SHA256); null: nothing. */
export function signatureFault({ path, host, body, header }: CheckCall): string | null {
  const seconds = header('x-tc-timestamp');
  if (!/^\d{10}$/.test(seconds) || Math.abs(Date.now() / 1000 - Number(seconds)) > 300)
    return 'AuthFailure.SignatureExpire';
  const [, id, date, signed = '', signature = ''] =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/(\d{4}-\d\d-\d\d)\/faceid\/tc3_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      header('authorization'),
    ) ?? [];
  if (id !== checkCredentials.secretId) return 'AuthFailure.SecretIdNotFound';
  if (date !== new Date(Number(seconds) * 1000).toISOString().slice(0, 10)) return 'AuthFailure.SignatureExpire';
  const names = signed.split(';');
  if (!['content-type', 'host'].every((name) => names.includes(name))) return 'AuthFailure.SignatureFailure';
  const value = (name: string) => (name === 'host' ? host : header(name)).trim();
  const lower = (name: string) => (name === 'x-tc-action' ? value(name).toLowerCase() : value(name));
  const canonical = ['POST', path, '', names.map((name) => `${name}:${lower(name)}\n`).join(''), signed, hash(body)];
  const key = mac(mac(mac(`TC3${checkCredentials.secretKey}`, date ?? ''), 'faceid'), 'tc3_request');
  const toSign = ['TC3-HMAC-SHA256', seconds, `${date}/faceid/tc3_request`, hash(canonical.join('\n'))].join('\n');
  return timingSafeEqual(mac(key, toSign), Buffer.from(signature, 'hex')) ? null : 'AuthFailure.SignatureFailure';
}

type Answer = Readonly<Record<string, unknown>>;
const failed = (Code: string): Answer => ({ Error: { Code, Message: Code } });

/** The three actions by name; each answers about the network as it is now. */
const actions: Readonly<Record<string, (given: Answer, network: Network) => Answer>> = {
  PhoneVerification(given, network) {
    const [name, id, phone] = [text(given.Name), text(given.IdCard), text(given.Phone)];
    if (!/^1[3-9]\d{9}$/.test(phone)) return { Result: '-6', Description: '手机号码不合法', Isp: '' };
    if (!/^\d{17}[\dX]$/.test(id)) return { Result: '-7', Description: '身份证号码有误', Isp: '' };
    if (name === '') return { Result: '-8', Description: '姓名校验不通过', Isp: '' };
    const line = network.byPhone(phone);
    if (!line || line.status === 2 || line.status === 3) return { Result: '-9', Description: '没有记录', Isp: '' };
    const agrees = line.name === name && line.document === id;
    return { Result: agrees ? '0' : '-4', Description: agrees ? '认证通过' : '信息不一致', Isp: isps[line.carrier] };
  },
  MobileStatus(given, network) {
    const line = network.byPhone(text(given.Mobile));
    return line
      ? { Result: '0', Description: '成功', StatusCode: line.status }
      : { Result: '-1', Description: '未查询到结果', StatusCode: 3 };
  },
  MobileNetworkTimeVerification(given, network) {
    const line = network.byPhone(text(given.Mobile));
    return line
      ? { Result: '0', Description: '成功', Range: rangeOf(line) }
      : { Result: '-2', Description: '手机号不存在', Range: '' };
  },
};

const ends = [0, 3, 6, 12, 24];
function rangeOf({ months }: Line): string {
  const from = ends.findLast((end) => end <= months) ?? 0;
  const to = ends[ends.indexOf(from) + 1];
  return `[${from},${to ?? '+'})`;
}

/** `{Response}`, always with HTTP 200. */
export function checkAnswer(call: CheckCall, network: Network, fault: CheckFault | null): { Response: Answer } {
  const RequestId = randomUUID();
  const wrong = signatureFault(call);
  const action = call.header('x-tc-action');
  const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
  const answer =
    wrong !== null
      ? failed(wrong)
      : known === undefined || call.header('x-tc-version') !== '2018-03-01'
        ? failed('InvalidAction')
        : known(parsed(call.body), network);
  if (fault === null || wrong !== null) return { Response: { ...answer, RequestId } };
  const { RequestId: id = RequestId, ...rest } = spoilt(fault, action, answer);
  return { Response: fault === 'no_request_id' ? rest : { ...rest, RequestId: id } };
}

function parsed(body: string): Answer {
  try {
    return fieldsOf(JSON.parse(body));
  } catch {
    return {};
  }
}

/** A yes made out of what was answered, and spoilt; faults of one action leave the others alone. */
function spoilt(fault: CheckFault, action: string, honest: Answer): Answer {
  const match = { ...honest, Result: '0', Isp: '移动' };
  const byAction: Readonly<Record<string, Partial<Record<CheckFault, Answer>>>> = {
    PhoneVerification: {
      match_in_error: { ...match, ...failed('FailedOperation') },
      result_number: { ...match, Result: 0 },
      result_missing: { Isp: '移动', Description: '认证通过' },
      result_unknown: { ...match, Result: '1' },
      isp_unknown: { ...match, Isp: '鬼网' },
      no_request_id: match,
      busy: { ...match, Result: '-11' },
      asked_too_often: { ...match, Result: '-12' },
      limit_exceeded: failed('RequestLimitExceeded'),
      internal_error: failed('InternalError'),
    },
    MobileStatus: {
      status_unknown: { Result: '0', StatusCode: 99 },
      status_missing: { Result: '0' },
      status_busy: { Result: '-3', StatusCode: 0 },
    },
    MobileNetworkTimeVerification: {
      range_missing: { Result: '0' },
      range_reversed: { Result: '0', Range: '[24,3)' },
      range_words: { Result: '0', Range: '很久' },
      age_busy: { Result: '-4', Range: '[24,+)' },
      age_unknown: { Result: '-3', Range: '' },
    },
  };
  return byAction[action]?.[fault] ?? honest;
}
