import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { fieldsOf, text } from '../lib/http.ts';
import { apps, type Desk, type ExchangeFault, exchanged, keys, type No } from './exchange.ts';

/** What a carrier's server answers: always HTTP 200 and JSON, as it goes out. */
type Server = (desk: Desk, body: string, fault: ExchangeFault | null) => string;

const isNo = (result: object | No): result is No => typeof result === 'string';
const near = (at: number) => Math.abs(at - Date.now()) < 300_000;

/** True for an id of a request that was seen before. */
function seen({ requests }: Desk, carrier: string, id: string): boolean {
  const name = `${carrier} ${id}`;
  if (requests.has(name)) return true;
  requests.add(name);
  return false;
}

const mobileNos: Readonly<Record<No, string>> = {
  token_gone: '104201',
  no_number: '105002',
  app_unknown: '103119',
  sign_wrong: '103101',
  form: '103412',
  late: '103505',
  busy: '103911',
  code_unknown: '109999',
};

/** China Mobile's `loginTokenValidate`. */
export const mobileServer: Server = (desk, body, fault) => {
  const given = fieldsOf(parsed(body));
  const [appid, token, msgid] = [text(given.appid), text(given.token), text(given.msgid)];
  const [version, systemtime, strictcheck] = [text(given.version), text(given.systemtime), text(given.strictcheck)];
  const refuse = (no: No) =>
    JSON.stringify({ inresponseto: msgid, systemtime: beijing(Date.now()), resultCode: mobileNos[no] });
  if (appid !== apps.CMCC.id) return refuse('app_unknown');
  const signed = appid + version + msgid + systemtime + strictcheck + token + apps.CMCC.key;
  if (createHash('md5').update(signed).digest('hex').toUpperCase() !== given.sign) return refuse('sign_wrong');
  if (version !== '2.0' || strictcheck !== '0' || !/^\d{17}$/.test(systemtime) || !/^\w{1,36}$/.test(msgid))
    return refuse('form');
  if (seen(desk, 'CMCC', msgid)) return refuse('late');
  const told = exchanged(desk, { carrier: 'CMCC', appId: appid, token, request: msgid }, fault);
  if (isNo(told)) return refuse(told);
  const answer = JSON.stringify({
    inresponseto: told.request,
    ...(Number.isNaN(told.at) ? {} : { systemtime: beijing(told.at) }),
    ...(fault === 'code_missing' ? {} : { resultCode: '103000' }),
    msisdn: told.mobile,
    openId: told.openId,
  });
  return fault === 'member_twice' ? answer.replace('{', '{"msisdn":"13900000000",') : answer;
};

const telecomNos: Readonly<Record<No, number>> = {
  token_gone: 51114,
  no_number: -10001,
  app_unknown: -20006,
  sign_wrong: -20005,
  form: -10002,
  late: -10009,
  busy: -65,
  code_unknown: -1,
};

/** China Telecom: sealed parameters, sealed answer. */
export const telecomServer: Server = (desk, body, fault) => {
  const form = new URLSearchParams(body);
  const field = (name: string) => form.get(name) ?? '';
  const refuse = (no: No) => JSON.stringify({ result: telecomNos[no], msg: no });
  if (field('appId') !== apps.CTCC.id) return refuse('app_unknown');
  const names = ['appId', 'clientType', 'format', 'paramKey', 'paramStr', 'version'];
  const hmac = (value: string) => createHmac('sha256', apps.CTCC.secret).update(value).digest('hex');
  if (hmac(names.map(field).join('')) !== field('sign')) return refuse('sign_wrong');
  const key = unwrapped(field('paramKey'));
  const query = key && unsealed(field('paramStr'), key);
  if (key === null || query === null || field('version') !== '1.1' || field('format') !== 'json') return refuse('form');
  const inner = new URLSearchParams(query);
  const msgId = inner.get('msgId') ?? '';
  if (!near(Number(inner.get('timeStamp'))) || seen(desk, 'CTCC', msgId)) return refuse('late');
  const asked = { carrier: 'CTCC' as const, appId: apps.CTCC.id, token: inner.get('accessCode') ?? '', request: msgId };
  const told = exchanged(desk, asked, fault);
  if (isNo(told)) return refuse(told);
  const { mobile, openId, request, at } = told;
  const member = fault === 'member_twice' ? '"mobile":"13900000000",' : '';
  const plain = JSON.stringify({ mobile, openId, msgId: request, ...(Number.isNaN(at) ? {} : { timeStamp: at }) });
  const data = sealed(plain.replace('{', `{${member}`), fault === 'other_key' ? randomBytes(16) : key);
  const honest = hmac(`10000${data}${msgId}`);
  const byFault: Partial<Record<ExchangeFault, string | undefined>> = {
    unsigned: undefined,
    signature: createHmac('sha256', 'another').update(`10000${data}${msgId}`).digest('hex'),
  };
  return JSON.stringify({
    ...(fault === 'code_missing' ? {} : { result: 10000 }),
    msg: 'success',
    // One bit of the initial vector is one bit of the first letters.
    data: fault === 'altered' ? `${data.startsWith('0') ? '1' : '0'}${data.slice(1)}` : data,
    sign: fault !== null && fault in byFault ? byFault[fault] : honest,
  });
};

const unicomNos: Readonly<Record<No, string>> = {
  token_gone: '1203',
  no_number: '1201',
  app_unknown: '1105',
  sign_wrong: '1106',
  form: '1101',
  late: '1101',
  busy: '1500',
  code_unknown: '9999',
};

const joined = (fields: Readonly<Record<string, unknown>>) =>
  Object.entries(fields)
    .filter(([name, value]) => name !== 'sign' && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** China Unicom: signed both ways. */
export const unicomServer: Server = (desk, body, fault) => {
  const given = fieldsOf(parsed(body));
  const [appid, code, msgid] = [text(given.appid), text(given.code), text(given.msgid)];
  const refuse = (no: No) => JSON.stringify({ resultCode: unicomNos[no], resultMsg: no });
  if (appid !== apps.CUCC.id) return refuse('app_unknown');
  const signature = Buffer.from(text(given.sign), 'base64');
  if (!verify('sha256', Buffer.from(joined(given)), keys.app.public, signature)) return refuse('sign_wrong');
  if (!near(Number(given.timestamp)) || seen(desk, 'CUCC', msgid)) return refuse('late');
  const told = exchanged(desk, { carrier: 'CUCC', appId: appid, token: code, request: msgid }, fault);
  if (isNo(told)) return refuse(told);
  const { mobile, openId, request, at } = told;
  const key = fault === 'other_key' ? keys.stranger.public : keys.app.public;
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const answer = {
    ...(fault === 'code_missing' ? {} : { resultCode: '0' }),
    resultMsg: 'success',
    msgid: request,
    ...(Number.isNaN(at) ? {} : { timestamp: String(at) }),
    mobile: mobile === undefined ? undefined : publicEncrypt(oaep, Buffer.from(mobile)).toString('base64'),
    openid: openId,
  };
  const signer = fault === 'signature' ? keys.stranger : keys.unicom;
  const signed = { ...answer, sign: sign('sha256', Buffer.from(joined(answer)), signer.private).toString('base64') };
  const spoilt: Partial<Record<ExchangeFault, object>> = {
    unsigned: answer,
    altered: { ...signed, openid: 'somebody-else' },
  };
  const sent = JSON.stringify((fault && spoilt[fault]) ?? signed);
  return fault === 'member_twice' ? sent.replace('{', '{"openid":"somebody-else",') : sent;
};

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** yyyyMMddHHmmssSSS. */
const beijing = (at: number) => new Date(at + 8 * 3_600_000).toISOString().replaceAll(/[-:TZ.]/g, '');

function unwrapped(hex: string): Buffer | null {
  try {
    const key = { key: keys.telecom.private, padding: constants.RSA_PKCS1_PADDING };
    const plain = privateDecrypt(key, Buffer.from(hex, 'hex'));
    return plain.length === 16 ? plain : null;
  } catch {
    return null;
  }
}

function sealed(plain: string, key: Buffer): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final()]).toString('hex');
}

function unsealed(hex: string, key: Buffer): string | null {
  try {
    const bytes = Buffer.from(hex, 'hex');
    const decipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(0, 16));
    return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
