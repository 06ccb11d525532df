import { z } from 'zod';
import { newId } from './crypto.ts';
import { callJson } from './http.ts';
import type { Upstream } from './upstream.ts';

export interface SmsMessage {
  /** E.164. */
  readonly to: string;
  readonly text: string;
  readonly template: string;
  /** Of a message that may be sent again until it arrived; each other one is sent once. */
  readonly id?: string;
}

const receipt = z.object({ message_id: z.string().min(1).max(200), status: z.enum(['accepted', 'queued', 'sent']) });

/**
 * Client of the SMS gateway. Sending throws `upstream_*` unless the gateway accepted: then nothing is counted against the
 * person (F-37). Not retried here: whoever tries again gives the same `id`,
 * since a lost answer may mean a message that went out.
 */
export function smsGateway(settings: {
  /** Messages go to `<url>/v1/messages`. */
  url: string;
  token: string;
  allowLoopback: boolean;
  upstream: Upstream;
  timeoutMs?: number;
}): (message: SmsMessage) => Promise<void> {
  return async ({ to, text, template, id = newId() }) => {
    await callJson({
      url: `${settings.url.replace(/\/$/, '')}/v1/messages`,
      method: 'POST',
      headers: { authorization: `Bearer ${settings.token}` },
      // The gateway drops a second message with the same request id.
      json: { request_id: id, to, text, template },
      schema: receipt,
      upstream: settings.upstream,
      timeoutMs: settings.timeoutMs ?? 3000,
      maxBytes: 16 * 1024,
      allowLoopback: settings.allowLoopback,
    });
  };
}
