import { z } from 'zod';
import { canonicalDocument } from '../identity/documents/canonical.ts';
import { normaliseName } from '../identity/names.ts';
import { categoryOfDocument } from '../identity/person.ts';
import { mainlandMobile } from '../identity/phone.ts';
import { readCard } from '../identity/read-number.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/crypto.ts';
import { ShiminError } from '../lib/errors.ts';
import { call } from '../lib/http.ts';
import { rsaPrivateKey, rsaPublicKey } from '../lib/pem.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import type { Upstream } from '../lib/upstream.ts';
import type { Applicant, ProofingMethod, ProofingResult } from './method.ts';
import { unavailableFor } from './signed-call.ts';
import { encrypted, type Fields, malformed, openedAnswer, signedForm } from './unionpay-wire.ts';

/** All texts, so that a form or a file can hold them. */
export const unionPaySettings = z.object({
  /** The whole address: `https://gateway.95516.com/gateway/api/backTransReq.do`. */
  gatewayUrl: z.url(),
  merchantId: z.string().regex(/^[0-9A-Za-z]{15}$/),
  /** Our signing certificate's number, and its private key. */
  certId: z.string().regex(/^[0-9]{1,60}$/),
  signKey: rsaPrivateKey,
  /** The number of the certificate that card numbers are encrypted for, and its public key or itself. */
  encryptCertId: z.string().regex(/^[0-9]{1,60}$/),
  encryptKey: rsaPublicKey,
  /** JSON: UnionPay's own signing certificates or public keys by their numbers; several while they change. */
  verifyKeys: z.string().transform((text, context) => {
    const json = parseStrictJson(text);
    const keys = z.record(z.string(), rsaPublicKey).safeParse(json.ok ? json.value : null);
    if (keys.success && Object.keys(keys.data).length > 0) return keys.data;
    context.addIssue({ code: 'custom', message: 'must be a JSON object of PEM texts' });
    return z.NEVER;
  }),
});

export const unionPaySecrets = ['signKey'] as const;

export interface UnionPayPorts {
  readonly upstream: Upstream;
  readonly allowLoopback?: boolean;
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

/** Kinds of document by UnionPay's numbers. */
const certificateTypes: Readonly<Record<string, string>> = {
  cn_resident_id: '01',
  cn_hm_travel_permit: '04',
  cn_tw_travel_permit: '05',
};

/** What every request and its answer say of themselves: a real-name check of four elements, without money. */
const transaction = {
  version: '5.1.0',
  encoding: 'UTF-8',
  signMethod: '01',
  txnType: '72',
  txnSubType: '12',
  bizType: '000803',
  accessType: '0',
} as const;

const answerSchema = z.object({
  respCode: z.string().regex(/^[0-9A-Z]{2}$/),
  queryId: z.string().min(1).max(64).optional(),
});

/** 61: no such card; 63: the card is not in order; 66: name, number or phone differ. One word for all: it is nobody's oracle. */
const differs = ['61', '63', '66'];
/** The card's bank does not take part. */
const unsupported = ['68', '77'];

export type UnionPayCheck = ProofingMethod;

/**
 * The four-element check: do name, document, phone and bank card belong together in the books of the card's bank. It shows that
 * they agree and not who is asking, and the card number goes no further than to UnionPay, encrypted.
 */
export function unionPayCheck(given: unknown, ports: UnionPayPorts): UnionPayCheck {
  const settings = unionPaySettings.parse(given);
  const { upstream, allowLoopback = false, timeoutMs, clock } = ports;
  return {
    id: 'unionpay',
    async verify(applicant) {
      const asked = askedOf(applicant);
      if (asked === null) return { outcome: 'refused' };
      const order = { merId: settings.merchantId, orderId: newId().replaceAll('-', ''), txnTime: cityTime(clock()) };
      const own = { ...transaction, ...order };
      const body = signedForm(requestOf(asked, own, settings), settings.signKey);
      const ask = async () => {
        const answer = await call({
          url: settings.gatewayUrl,
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
          body,
          allowLoopback,
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        });
        if (answer.status !== 200) throw unusable(answer.status);
        return judge(openedAnswer(answer.body, settings.verifyKeys), own, applicant, asked);
      };
      try {
        // Reading happens inside: answers that can't be trusted open the circuit as silence does.
        return await upstream.run(ask);
      } catch (error) {
        return unavailableFor(error);
      }
    },
  };
}

interface Asked {
  readonly name: string;
  readonly documentType: string;
  readonly number: string;
  readonly certificateType: string;
  readonly phone: string;
  readonly card: string;
}

/** Null for what UnionPay can't be asked. */
function askedOf({
  name,
  number,
  documentType = 'cn_resident_id',
  phone = '',
  bankCard = '',
}: Applicant): Asked | null {
  const certificateType = Object.hasOwn(certificateTypes, documentType) ? certificateTypes[documentType] : undefined;
  const mobile = mainlandMobile(phone);
  const card = readCard(bankCard);
  const plainName = normaliseName(name);
  const plainNumber = canonicalDocument(documentType, number).number;
  // Fields inside `customerInfo` are joined without escapes: nobody's name may add one.
  const clean = [plainName, plainNumber].every((value) => value !== '' && !/[&={}]/.test(value));
  if (certificateType === undefined || mobile === null || card === null || !clean) return null;
  return { name: plainName, documentType, number: plainNumber, certificateType, phone: mobile, card };
}

function requestOf(asked: Asked, own: Fields, settings: z.infer<typeof unionPaySettings>): Fields {
  const sensitive = encrypted(`phoneNo=${asked.phone}`, settings.encryptKey);
  const holder = [
    `certifTp=${asked.certificateType}`,
    `certifId=${asked.number}`,
    `customerNm=${asked.name}`,
    `encryptedInfo=${sensitive}`,
  ].join('&');
  return {
    ...own,
    productId: 'B156',
    accNo: encrypted(asked.card, settings.encryptKey),
    customerInfo: Buffer.from(`{${holder}}`, 'utf8').toString('base64'),
    encryptCertId: settings.encryptCertId,
    certId: settings.certId,
  };
}

/** What is signed may still be the answer to another question; then nothing follows from it (F-36). */
function judge(answer: Fields, own: Fields, applicant: Applicant, asked: Asked): ProofingResult {
  for (const [name, value] of Object.entries(own))
    if (answer[name] !== value) throw malformed(`is to another question: ${name}`);
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) throw malformed('has no usable code');
  const { respCode, queryId } = parsed.data;
  const reference = own.orderId ?? '';
  if (differs.includes(respCode)) return { outcome: 'mismatch' };
  if (unsupported.includes(respCode)) return { outcome: 'refused' };
  if (respCode !== '00') throw failed(respCode);
  return {
    outcome: 'verified',
    facts: {
      recordRef: queryId ?? reference,
      name: applicant.name,
      category: categoryOfDocument(asked.documentType, asked.number),
      documentType: asked.documentType,
      documentNumber: asked.number,
      birthDate: null,
      validUntil: null,
      reference,
    },
  };
}

const unusable = (status: number) =>
  new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream answered ${status}`,
    detail: { status, upstream: 'unionpay' },
    retryAfter: 30,
  });

/** Their system's fault or ours, and never the person's: refused signatures, duplicates, busy, closed for the night. */
const failed = (respCode: string) =>
  new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream failed with ${respCode}`,
    detail: { respCode, upstream: 'unionpay' },
    retryAfter: 60,
  });

/** YYYYMMDDhhmmss where UnionPay is. */
function cityTime(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
}
