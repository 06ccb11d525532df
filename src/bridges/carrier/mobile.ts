import { createHash } from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../lib/crypto.ts';
import type { BridgePorts, BridgeRefusal } from '../bridge.ts';
import { ask, type Exchange, failing, refusedFor, subscriber } from './exchange.ts';

export interface MobileSettings {
  /** `https://www.cmpassport.com/unisdk/rsapi/loginTokenValidate`. */
  readonly cmccUrl: string;
  readonly cmccAppId: string;
  readonly cmccAppKey: string;
}

const word = z.string().max(200);
/** Both spellings of the code are in use. */
const answerSchema = z.object({
  inresponseto: word.optional(),
  systemtime: word.optional(),
  resultCode: word.optional(),
  resultcode: word.optional(),
  msisdn: word.optional(),
  openId: word.optional(),
});

/** Codes that are about the token or the person; all else of `103…` is about us. */
const reasons: Readonly<Record<string, BridgeRefusal>> = {
  '103113': 'expired',
  '104201': 'expired',
  '105001': 'denied',
  '105002': 'denied',
  '105003': 'denied',
  '105012': 'denied',
  '105013': 'denied',
  '105018': 'denied',
  '105019': 'denied',
  // Signature, app, address, form: we are set up wrongly.
  '103101': 'denied',
  '103119': 'denied',
  '103412': 'denied',
  '103505': 'denied',
  '103511': 'denied',
};

/** MD5 with a key at the end is what China Mobile checks; it protects the request alone, and goes over TLS. */
export function mobileSign(
  request: { appid: string; version: string; msgid: string; systemtime: string; strictcheck: string; token: string },
  appKey: string,
): string {
  const { appid, version, msgid, systemtime, strictcheck, token } = request;
  const text = appid + version + msgid + systemtime + strictcheck + token + appKey;
  return createHash('md5').update(text).digest('hex').toUpperCase();
}

/** China Mobile: the token of its SDK for a number (`loginTokenValidate` 2.0). */
export function chinaMobile({ cmccUrl, cmccAppId, cmccAppKey }: MobileSettings, ports: BridgePorts): Exchange {
  return async (token) => {
    const now = ports.clock();
    const request = {
      version: '2.0',
      msgid: newId().replaceAll('-', ''),
      systemtime: stamp(now),
      strictcheck: '0',
      appid: cmccAppId,
      token,
    };
    const json = { ...request, sign: mobileSign(request, cmccAppKey) };
    const answer = await ask(ports, cmccUrl, { json }, answerSchema);
    const code = answer.resultCode ?? answer.resultcode ?? '';
    const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
    if (reason !== undefined) return refusedFor(reason, `CMCC ${code}`);
    if (code !== '103000') throw failing('CMCC', code === '' ? 'no code' : code);
    const told = { mobile: answer.msisdn, openId: answer.openId, request: answer.inresponseto };
    return subscriber({ ...told, at: timeOf(answer.systemtime ?? '') }, request.msgid, now);
  };
}

/** yyyyMMddHHmmssSSS in Beijing. */
function stamp(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().replaceAll(/[-:TZ.]/g, '');
}

/** An invalid date for what is no such stamp. */
function timeOf(text: string): Date {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/, '$1-$2-$3T$4:$5:$6.$7+08:00');
  return new Date(iso === text ? Number.NaN : iso);
}
