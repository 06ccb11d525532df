import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { z } from 'zod';
import { newId, timingSafeEqualStrings } from '../../lib/crypto.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
import type { BridgePorts, BridgeRefusal } from '../bridge.ts';
import { ask, type Exchange, failing, refusedFor, subscriber } from './exchange.ts';

export interface TelecomSettings {
  readonly ctccUrl: string;
  readonly ctccAppId: string;
  readonly ctccAppSecret: string;
  /** PEM of China Telecom's RSA key. */
  readonly ctccKey: string;
}

const answerSchema = z.object({
  result: z.number().int(),
  msg: z.string().max(500).optional(),
  data: z
    .string()
    .regex(/^(?:[0-9a-f]{32}){2,64}$/)
    .optional(),
  sign: z.string().max(200).optional(),
});

const dataSchema = z.object({
  mobile: z.string().optional(),
  openId: z.string().optional(),
  msgId: z.string(),
  timeStamp: z.number().int(),
});

const reasons: Readonly<Record<number, BridgeRefusal>> = {
  // The access code is unknown, used or too old.
  51114: 'expired',
  // No number could be read.
  [-10001]: 'denied',
  [-10006]: 'denied',
  // Parameters, decryption, address, signature, app, key: we are set up wrongly.
  [-10002]: 'denied',
  [-10003]: 'denied',
  [-10004]: 'denied',
  [-10009]: 'denied',
  [-20005]: 'denied',
  [-20006]: 'denied',
  [-20007]: 'denied',
};

/**
 * China Telecom. Its server exchange is under contract; this is the envelope of its public client side: parameters under
 * an AES key that goes along under its RSA key, and an answer under the same AES key.
 */
export function chinaTelecom(settings: TelecomSettings, ports: BridgePorts): Exchange {
  const { ctccUrl, ctccAppId, ctccAppSecret } = settings;
  const theirs = createPublicKey(settings.ctccKey);
  return async (accessCode) => {
    const now = ports.clock();
    const msgId = newId().replaceAll('-', '');
    const key = randomBytes(16);
    const query = new URLSearchParams({ accessCode, msgId, timeStamp: String(now.getTime()) }).toString();
    const parameters = {
      appId: ctccAppId,
      clientType: '30200',
      format: 'json',
      paramKey: publicEncrypt({ key: theirs, padding: constants.RSA_PKCS1_PADDING }, key).toString('hex'),
      paramStr: sealed(query, key),
      version: '1.1',
    };
    const sign = mac(ctccAppSecret, Object.values(parameters).join(''));
    const answer = await ask(ports, ctccUrl, { form: { ...parameters, sign } }, answerSchema);
    const reason = reasons[answer.result];
    if (reason !== undefined) return refusedFor(reason, `CTCC ${answer.result}`);
    if (answer.result !== 10000) throw failing('CTCC', String(answer.result));
    const { data = '' } = answer;
    // CBC can be altered without the key; the signature can't.
    if (!timingSafeEqualStrings(answer.sign ?? '', mac(ctccAppSecret, `${answer.result}${data}${msgId}`)))
      return refusedFor('answer_invalid', 'not signed by China Telecom');
    const told = opened(data, key);
    if (told === null) return refusedFor('answer_invalid', 'not sealed for this request');
    const { mobile, openId, msgId: request, timeStamp } = told;
    return subscriber({ mobile, openId, request, at: new Date(timeStamp) }, msgId, now);
  };
}

const mac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');

/** Hexadecimal: initial vector, then AES-128-CBC. */
function sealed(text: string, key: Buffer): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]).toString('hex');
}

function opened(data: string, key: Buffer): z.infer<typeof dataSchema> | null {
  const bytes = Buffer.from(data, 'hex');
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(0, 16));
    const text = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()]).toString('utf8');
    const json = parseStrictJson(text);
    return json.ok ? (dataSchema.safeParse(json.value).data ?? null) : null;
  } catch {
    // Under another key: not an answer to us.
    return null;
  }
}
