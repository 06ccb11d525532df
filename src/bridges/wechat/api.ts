import { z } from 'zod';
import type { Upstream } from '../../lib/upstream.ts';
import { callLeniently } from '../lenient-call.ts';

export interface WeChatApiOptions {
  readonly url: string;
  readonly upstream: Upstream;
  readonly allowLoopback: boolean;
  readonly timeoutMs?: number;
}

/** An answer that arrived whole and can't be trusted. */
export class UntrustedAnswer extends Error {}

/** WeChat's own number of what went wrong; its text holds request ids and is not repeated. */
export class WeChatError extends Error {
  readonly errcode: number;
  constructor(errcode: number) {
    super(`errcode ${errcode}`);
    this.errcode = errcode;
  }
}

/** WeChat documents a number; some gateways of theirs write it as text. 0 is what other methods say when all is well. */
const fault = z.object({ errcode: z.coerce.number().int() });

/** Identifiers: letters, digits, `_` and `-`, and case counts. An empty one was not said. */
const identifier = z.string().regex(/^[A-Za-z0-9_-]{10,64}$/);
const unionid = z
  .union([z.literal(''), identifier])
  .transform((value) => value || undefined)
  .optional();
/** 1 for the virtual user of a page seen in WeChat's preview, since July 2022. */
const snapshot = z.union([z.number(), z.string()]).optional();

export const tokenAnswer = z.object({
  access_token: z.string().min(1).max(1024),
  openid: identifier,
  unionid,
  is_snapshotuser: snapshot,
});
export const userAnswer = z.object({ openid: identifier, unionid, is_snapshotuser: snapshot });

export type WeChatApi = <T extends z.ZodType>(
  path: string,
  query: Readonly<Record<string, string>>,
  schema: T,
) => Promise<z.output<T>>;

/**
 * WeChat's API: everything is a GET, errors are HTTP 200 with `errcode`, nothing is signed. The app's secret travels in the
 * query: no URL of this file is ever logged or put into an error.
 */
export function weChatApi({ url, ...ports }: WeChatApiOptions): WeChatApi {
  return async (path, query, schema) => {
    const at = new URL(`${url.replace(/\/$/, '')}${path}`);
    at.search = new URLSearchParams(query).toString();
    const { fields } = await callLeniently({ url: at, ...ports });
    if (fields === null) throw new UntrustedAnswer('a name twice');
    if ('errcode' in fields) {
      const failed = fault.safeParse(fields);
      if (!failed.success) throw new UntrustedAnswer('an error without a number');
      if (failed.data.errcode !== 0) throw new WeChatError(failed.data.errcode);
    }
    const answer = schema.safeParse(fields);
    // Which members, not what stood in them.
    if (!answer.success)
      throw new UntrustedAnswer(`shape: ${answer.error.issues.map(({ path: [member] }) => String(member)).join(', ')}`);
    return answer.data;
  };
}
