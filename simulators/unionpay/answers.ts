import { sign } from 'node:crypto';
import { digestOf, type Fields, type KeyPair, signatureOf } from './wire.ts';

/** Answers that arrive in good order and are wrong: forged, about another question, or of a system that fails. */
export const unionPayFaults = [
  'unsigned',
  'signature',
  'altered',
  'cert_unknown',
  'cert_from_answer',
  'single_hash',
  'code_twice',
  'replay',
  'other_order',
  'other_merchant',
  'other_time',
  'other_transaction',
  'older_version',
  'no_code',
  'code_unknown',
  'failed',
  'busy',
  'escaped_badly',
] as const;
export type UnionPayFault = (typeof unionPayFaults)[number];

interface Occasion {
  readonly reply: Fields;
  /** PEM of the gateway's private key. */
  readonly key: string;
  readonly stranger: KeyPair;
  /** The answer before this one. */
  readonly last: string | null;
  readonly sealed: (reply: Fields, key: string) => string;
}

const form = (fields: Fields) => new URLSearchParams(fields).toString();
/** A yes where there was a no: all forgeries claim it. */
const yes = (reply: Fields): Fields => ({
  ...reply,
  respCode: '00',
  respMsg: '成功[0000000]',
  queryId: '822000000000000000001',
});
const signed =
  (change: Fields) =>
  ({ reply, key, sealed }: Occasion) =>
    sealed({ ...yes(reply), ...change }, key);

/** The body to send for each fault. */
export const wireFaults: Readonly<Record<UnionPayFault, (occasion: Occasion) => string>> = {
  unsigned: ({ reply }) => form(yes(reply)),
  signature: ({ reply, stranger, sealed }) => sealed(yes(reply), stranger.private),
  altered: ({ reply, key }) => form({ ...yes(reply), signature: signatureOf({ ...reply, respCode: '66' }, key) }),
  cert_unknown: ({ reply, stranger, sealed }) => sealed({ ...yes(reply), certId: '10000000000' }, stranger.private),
  cert_from_answer: ({ reply, stranger, sealed }) =>
    sealed({ ...yes(reply), certId: '10000000000', signPubKeyCert: stranger.public }, stranger.private),
  // As version 5.0.0 signed: the text itself and not its digest's digits.
  single_hash: ({ reply, key }) => {
    const text = Buffer.from(digestOf(yes(reply)), 'hex');
    return form({ ...yes(reply), signature: sign('sha256', text, key).toString('base64') });
  },
  code_twice: ({ reply, key, sealed }) => `${sealed(yes(reply), key)}&respCode=66`,
  replay: ({ reply, key, last, sealed }) => last ?? sealed({ ...yes(reply), orderId: '20260801000001' }, key),
  other_order: signed({ orderId: '20260801000001' }),
  other_merchant: signed({ merId: '777290058110097' }),
  other_time: signed({ txnTime: '20260801120000' }),
  other_transaction: signed({ txnType: '79', txnSubType: '00' }),
  older_version: signed({ version: '5.0.0' }),
  no_code: ({ reply, key, sealed }) => {
    const { respCode: _, ...rest } = yes(reply);
    return sealed(rest, key);
  },
  code_unknown: signed({ respCode: 'perhaps' }),
  failed: signed({ respCode: '01', respMsg: '交易失败' }),
  busy: signed({ respCode: '06', respMsg: '系统繁忙，请稍后再试' }),
  escaped_badly: ({ reply, key, sealed }) => `${sealed(yes(reply), key)}&respTail=%E4%B`,
};
