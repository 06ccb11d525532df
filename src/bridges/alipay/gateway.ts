import { type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { ShiminError } from '../../lib/errors.ts';
import { call, type OutboundAnswer, type Upstream } from '../../lib/http.ts';
import { parseStrictJson } from '../../lib/strict-json.ts';
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
    const text = await upstream.run(async () => {
      const answer = await call({
        url,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' },
        body,
        allowLoopback,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      return textOf(answer, upstream.name);
    });
    return read(text, method, (named) => trust.keyFor(named, clock()));
  };
}

/** Whatever is not a JSON object in UTF-8 is a page of something in between; its content type says nothing (`text/html`). */
function textOf(answer: OutboundAnswer, upstream: string): string {
  // Errors of the gateway come with 200.
  if (answer.status !== 200)
    throw new ShiminError('upstream_unavailable', {
      status: 503,
      detail: { why: `answered ${answer.status}`, upstream, status: answer.status },
      retryAfter: 5,
    });
  const text = utf8(answer.body);
  const json = text === null ? null : parseStrictJson(text);
  // A repeated name is no accident of the line: `read` refuses it for what it is.
  const repeated = json !== null && !json.ok && json.reason === 'duplicate_key';
  const isObject = json?.ok && z.record(z.string(), z.unknown()).safeParse(json.value).success;
  if (text === null || !(isObject || repeated))
    throw new ShiminError('upstream_malformed', {
      status: 502,
      detail: { why: 'not a JSON object in UTF-8', upstream },
      retryAfter: 5,
    });
  return text;
}

function utf8(body: Buffer): string | null {
  try {
    // A byte order mark stays, and then it is no JSON: the text must be the bytes, for the signature is over the bytes.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

const envelope = z.looseObject({ sign: z.string().optional(), alipay_cert_sn: z.string().optional() });
const fault = z.object({
  code: z.union([z.string(), z.number()]).transform(String),
  sub_code: z.string().optional(),
});

const SUCCESS = '10000';

/** @throws UntrustedAnswer for all that is not signed as it must be. */
function read(text: string, method: string, keyFor: (named: string | null) => KeyObject | string): GatewayAnswer {
  const json = parseStrictJson(text);
  if (!json.ok) throw new UntrustedAnswer('a name twice');
  const whole = envelope.safeParse(json.value);
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
