import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  sign,
  verify,
} from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../lib/crypto.ts';
import type { BridgePorts, BridgeRefusal } from '../bridge.ts';
import { ask, type Exchange, failing, refusedFor, subscriber } from './exchange.ts';

export interface UnicomSettings {
  readonly cuccUrl: string;
  readonly cuccAppId: string;
  /** PEM of our app's private key: it signs, and opens numbers. */
  readonly cuccPrivateKey: string;
  /** PEM of China Unicom's key. */
  readonly cuccKey: string;
}

const word = z.string().max(2_000);
const answerSchema = z.object({
  resultCode: word,
  resultMsg: word.optional(),
  msgid: word.optional(),
  timestamp: word.optional(),
  mobile: word.optional(),
  openid: word.optional(),
  sign: word.optional(),
});

const reasons: Readonly<Record<string, BridgeRefusal>> = {
  // The code is unknown, used or too old.
  '1203': 'expired',
  // No number could be read.
  '1201': 'denied',
  // Parameters, app, signature: we are set up wrongly.
  '1101': 'denied',
  '1105': 'denied',
  '1106': 'denied',
};

/** Fields by name, joined; RSA with SHA-256 goes over it in both directions. */
export function unicomText(fields: Readonly<Record<string, string | undefined>>): string {
  return Object.keys(fields)
    .filter((name) => name !== 'sign' && fields[name] !== undefined)
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
}

/** China Unicom. Its server exchange is under contract; ours is signed both ways, and the number is sealed for our app. */
export function chinaUnicom(settings: UnicomSettings, ports: BridgePorts): Exchange {
  const { cuccUrl, cuccAppId } = settings;
  const own = createPrivateKey(settings.cuccPrivateKey);
  const theirs = createPublicKey(settings.cuccKey);
  return async (code) => {
    const now = ports.clock();
    const msgid = newId().replaceAll('-', '');
    const request = { appid: cuccAppId, code, msgid, timestamp: String(now.getTime()) };
    const signature = sign('sha256', Buffer.from(unicomText(request)), own).toString('base64');
    const answer = await ask(ports, cuccUrl, { json: { ...request, sign: signature } }, answerSchema);
    const reason = Object.hasOwn(reasons, answer.resultCode) ? reasons[answer.resultCode] : undefined;
    if (reason !== undefined) return refusedFor(reason, `CUCC ${answer.resultCode}`);
    if (answer.resultCode !== '0') throw failing('CUCC', answer.resultCode);
    const good = verify('sha256', Buffer.from(unicomText(answer)), theirs, Buffer.from(answer.sign ?? '', 'base64'));
    if (!good) return refusedFor('answer_invalid', 'not signed by China Unicom');
    const mobile = opened(answer.mobile ?? '', own);
    const at = new Date(/^\d{13}$/.test(answer.timestamp ?? '') ? Number(answer.timestamp) : Number.NaN);
    return subscriber({ mobile, openId: answer.openid, request: answer.msgid, at }, msgid, now);
  };
}

/** Null for what was not sealed for us. */
function opened(text: string, key: KeyObject): string | null {
  try {
    const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    return privateDecrypt(oaep, Buffer.from(text, 'base64')).toString('utf8');
  } catch {
    return null;
  }
}
