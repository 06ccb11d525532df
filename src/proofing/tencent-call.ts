import { createHash, createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { ShiminError } from '../lib/errors.ts';
import { callJson } from '../lib/http.ts';
import type { Upstream } from '../lib/upstream.ts';

export interface TencentSource {
  /** `https://faceid.tencentcloudapi.com/`. */
  readonly url: string;
  readonly secretId: string;
  readonly secretKey: string;
  readonly timeoutMs?: number;
  readonly allowLoopback?: boolean;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

const service = 'faceid';
const version = '2018-03-01';
const contentType = 'application/json; charset=utf-8';
const signedHeaders = 'content-type;host;x-tc-action';

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8').digest();

/** The `Authorization` of API v3 (TC3-HMAC-SHA256): over action, host, body and time; the key is derived anew for each day. */
export function authorization(
  request: { url: URL; action: string; body: string; seconds: number },
  { secretId, secretKey }: { secretId: string; secretKey: string },
): string {
  const { url, action, body, seconds } = request;
  const headers = `content-type:${contentType}\nhost:${url.host}\nx-tc-action:${action.toLowerCase()}\n`;
  const canonical = ['POST', url.pathname, '', headers, signedHeaders, sha256(body)].join('\n');
  const date = new Date(seconds * 1000).toISOString().slice(0, 10);
  const scope = `${date}/${service}/tc3_request`;
  const text = ['TC3-HMAC-SHA256', seconds, scope, sha256(canonical)].join('\n');
  const key = hmac(hmac(hmac(`TC3${secretKey}`, date), service), 'tc3_request');
  const signature = hmac(key, text).toString('hex');
  return `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

const failure = z.object({
  Error: z.object({ Code: z.string().max(200), Message: z.string().optional() }),
  RequestId: z.string().optional(),
});

/**
 * One action of Tencent Cloud's identity service. Errors come as HTTP 200, too: they and answers of another shape throw
 * `upstream_*`.
 */
export async function tencentCall<Answer>(
  source: TencentSource,
  action: string,
  parameters: Readonly<Record<string, string>>,
  schema: z.ZodType<Answer>,
): Promise<Answer> {
  const url = new URL(source.url);
  const body = JSON.stringify(parameters);
  const seconds = Math.floor(source.clock().getTime() / 1000);
  const outcome = z.union([
    failure.transform((failed) => ({ code: failed.Error.Code })),
    schema.transform((answer) => ({ code: null, answer })),
  ]);
  const { Response } = await callJson({
    url,
    method: 'POST',
    headers: {
      'content-type': contentType,
      'x-tc-action': action,
      'x-tc-version': version,
      'x-tc-timestamp': String(seconds),
      authorization: authorization({ url, action, body, seconds }, source),
    },
    body,
    schema: z.object({ Response: outcome }),
    upstream: source.upstream,
    ...(source.timeoutMs === undefined ? {} : { timeoutMs: source.timeoutMs }),
    ...(source.allowLoopback === undefined ? {} : { allowLoopback: source.allowLoopback }),
  });
  if (Response.code === null) return Response.answer;
  throw new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream failed with ${Response.code}`,
    detail: { code: Response.code, upstream: source.upstream.name },
    retryAfter: 60,
  });
}
