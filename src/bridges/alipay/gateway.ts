import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import type { Upstream } from '../../lib/upstream.ts';
import { callLeniently, type LenientAnswer } from '../lenient-call.ts';
import { rawMembers } from './raw-members.ts';
import type { Trust } from './trust.ts';

export interface GatewayOptions {
  readonly url: string;
  readonly appId: string;
  readonly privateKey: KeyObject;
  readonly trust: Trust;
  readonly clock: Clock;
  readonly upstream: Upstream;
  readonly allowLoopback: boolean;
  readonly timeoutMs?: number;
}

export type GatewayAnswer =
  | { readonly ok: true; readonly fields: unknown }
  /** `code` of the gateway, `subCode` of the method; both Alipay's own. */
  | { readonly ok: false; readonly code: string; readonly subCode: string };

/** An answer that arrived whole and can't be trusted. */
export class UntrustedAnswer extends Error {}

/** A method's name and its own parameters; all travel at the top, none of ours needs `biz_content`. */
export type Gateway = (method: string, own: Readonly<Record<string, string>>) => Promise<GatewayAnswer>;

/** Names sorted by ASCII, empty values and `sign` left out, values raw; `sign_type` is included. */
export function signingText(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .filter(([name, value]) => name !== 'sign' && value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** `yyyy-MM-dd HH:mm:ss` of China, which has had no summer time since 1991. */
export function chinaTime(at: Date): string {
  return new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

/** Alipay's gateway in JSON, UTF-8 and RSA2. */
export function gateway(options: GatewayOptions): Gateway {
  const { url, appId, privateKey, trust, clock, upstream, allowLoopback, timeoutMs } = options;
  return async (method, own) => {
    const parameters = {
      app_id: appId,
      method,
      format: 'JSON',
      charset: 'utf-8',
      sign_type: 'RSA2',
      timestamp: chinaTime(clock()),
      version: '1.0',
      ...trust.names,
      ...own,
    };
    const signature = sign('RSA-SHA256', Buffer.from(signingText(parameters), 'utf8'), privateKey).toString('base64');
    // All in the body: codes and tokens have no place in a URL, which proxies write down.
    const body = new URLSearchParams({ ...parameters, sign: signature }).toString();
    const answer = await callLeniently({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
      body,
      upstream,
      allowLoopback,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    return read(answer, method, (named) => trust.keyFor(named, clock()));
  };
}

const envelope = z.looseObject({ sign: z.string().optional(), alipay_cert_sn: z.string().optional() });
const fault = z.object({
  code: z.union([z.string(), z.number()]).transform(String),
  sub_code: z.string().optional(),
});

const SUCCESS = '10000';

/** @throws UntrustedAnswer for all that is not signed as it must be. */
function read(
  { text, fields: members }: LenientAnswer,
  method: string,
  keyFor: (named: string | null) => KeyObject | string,
): GatewayAnswer {
  if (members === null) throw new UntrustedAnswer('a name twice');
  const whole = envelope.safeParse(members);
  if (!whole.success) throw new UntrustedAnswer('shape of the envelope');
  const raw = rawMembers(text);
  const ownName = `${method.replaceAll('.', '_')}_response`;
  const [own, error] = [raw.get(ownName), raw.get('error_response')];
  const inner = own ?? error;
  if (inner === undefined) throw new UntrustedAnswer('not an answer of this method');
  if (own !== undefined && error !== undefined) throw new UntrustedAnswer('success and error at once');
  const fields: unknown = JSON.parse(inner);
  const read = fault.safeParse(fields);
  // The token answer has no code when it went well; the others say 10000.
  const failed =
    error !== undefined || (read.success && (read.data.code !== SUCCESS || read.data.sub_code !== undefined));
  const { sign: signature, alipay_cert_sn: named = null } = whole.data;
  // Errors before the app is known (wrong app or signature of ours) come unsigned: believed, they only end the sign-in.
  if (!(failed && signature === undefined)) {
    if (signature === undefined) throw new UntrustedAnswer('not signed');
    const key = keyFor(named);
    if (typeof key === 'string') throw new UntrustedAnswer(key);
    if (!verify('RSA-SHA256', Buffer.from(inner, 'utf8'), key, Buffer.from(signature, 'base64')))
      throw new UntrustedAnswer('signature does not verify');
  }
  if (!failed) return { ok: true, fields };
  if (!read.success) throw new UntrustedAnswer('an error without a code');
  return { ok: false, code: read.data.code, subCode: read.data.sub_code ?? '' };
}
