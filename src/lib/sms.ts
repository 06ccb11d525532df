import { createHash, createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { newId, randomToken } from './crypto.ts';
import { callJson, type Upstream } from './http.ts';

export interface SmsSettings {
  /** The gateway; messages go to `<baseUrl>/v1/messages`. */
  readonly baseUrl: string;
  readonly clientId: string;
  readonly secret: string;
  readonly timeoutMs?: number;
  readonly allowLoopback?: boolean;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

export interface SmsMessage {
  /** E.164. */
  readonly to: string;
  readonly text: string;
  readonly template: string;
}

const receipt = z.object({ message_id: z.string().min(1).max(200), status: z.enum(['accepted', 'queued', 'sent']) });

/**
 * Hands one message to the gateway. Throws `upstream_*` unless it was accepted: then the caller keeps the code unsent and
 * counts nothing against the person (F-37). Never retried here, since a lost answer may mean a message sent twice.
 */
export async function sendSms(settings: SmsSettings, message: SmsMessage): Promise<{ messageId: string }> {
  const url = new URL(`${settings.baseUrl.replace(/\/$/, '')}/v1/messages`);
  const body = JSON.stringify({ request_id: newId(), to: message.to, text: message.text, template: message.template });
  const timestamp = String(Math.floor(settings.clock().getTime() / 1000));
  const nonce = randomToken(16);
  const digest = createHash('sha256').update(body).digest('hex');
  const canonical = ['POST', url.pathname, timestamp, nonce, digest].join('\n');
  const answer = await callJson({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-client-id': settings.clientId,
      'x-timestamp': timestamp,
      'x-nonce': nonce,
      'x-signature': createHmac('sha256', settings.secret).update(canonical).digest('hex'),
    },
    body,
    schema: receipt,
    upstream: settings.upstream,
    timeoutMs: settings.timeoutMs ?? 3000,
    maxBytes: 16 * 1024,
    allowLoopback: settings.allowLoopback ?? false,
  });
  return { messageId: answer.message_id };
}
