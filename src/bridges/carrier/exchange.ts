import { z } from 'zod';
import { ShiminError } from '../../lib/errors.ts';
import { callJson } from '../../lib/http.ts';
import type { BridgePorts, BridgeRefusal } from '../bridge.ts';

/** What a carrier tells for a token. */
export type Exchanged =
  | {
      readonly outcome: 'subscriber';
      /** Eleven digits. */
      readonly mobile: string;
      /** The carrier's name of the subscription for our app. */
      readonly openId: string;
      /** By the carrier's clock. */
      readonly at: Date;
    }
  | { readonly outcome: 'refused'; readonly reason: BridgeRefusal; readonly why: string };

/** One carrier's server. @throws ShiminError `upstream_*` where it fails rather than refuses. */
export type Exchange = (token: string) => Promise<Exchanged>;

export const refusedFor = (reason: BridgeRefusal, why: string): Exchanged => ({ outcome: 'refused', reason, why });

const subscriberSchema = z.object({
  mobile: z.string().regex(/^1[3-9][0-9]{9}$/),
  openId: z.string().regex(/^[\w.~-]{8,128}$/),
});

/** Minutes by which a carrier's clock may differ, the call itself included. */
const APART_MS = 5 * 60_000;

/** A number and whose it is, from an answer to this very request, given now; otherwise nothing. */
export function subscriber(
  told: { mobile: unknown; openId: unknown; at: Date; request: unknown },
  request: string,
  now: Date,
): Exchanged {
  if (told.request !== request) return refusedFor('answer_invalid', 'the answer to another request');
  const apart = Math.abs(told.at.getTime() - now.getTime());
  if (!(apart <= APART_MS)) return refusedFor('answer_invalid', 'an answer of another time');
  const known = subscriberSchema.safeParse(told);
  if (!known.success) {
    const [issue] = known.error.issues;
    return refusedFor('answer_invalid', `no usable ${issue?.path.join('.')}`);
  }
  return { outcome: 'subscriber', ...known.data, at: told.at };
}

/** POST; the answer as JSON of this shape. */
export function ask<T extends z.ZodType>(
  ports: BridgePorts,
  url: string,
  sent: { json: unknown } | { form: Readonly<Record<string, string>> },
  schema: T,
): Promise<z.output<T>> {
  const content =
    'form' in sent
      ? {
          body: new URLSearchParams(sent.form).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }
      : { json: sent.json };
  return callJson({
    url,
    method: 'POST',
    ...content,
    schema,
    upstream: ports.upstream,
    allowLoopback: ports.allowLoopback,
    ...(ports.timeoutMs === undefined ? {} : { timeoutMs: ports.timeoutMs }),
  });
}

/** Too busy, or failing in a way that says nothing of the person. */
export const failing = (carrier: string, code: string, retryAfter = 30) =>
  new ShiminError('upstream_unavailable', {
    status: 503,
    message: `upstream ${carrier} failed with ${code}`,
    detail: { carrier, code },
    retryAfter,
  });
