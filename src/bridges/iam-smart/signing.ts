import { createHmac } from 'node:crypto';

/** The only method there is (reference 4.1). */
export const SIGNATURE_METHOD = 'HmacSHA256';

export interface SignedCall {
  readonly clientId: string;
  readonly secret: string;
  /** Milliseconds; the gateway wants them never to go back. */
  readonly timestamp: string;
  /** At most 36 characters, once. */
  readonly nonce: string;
  /** The very text that is sent; empty when there is none. */
  readonly body: string;
}

/** `plain`: base64 as it is, which some gateways want instead. */
export function signatureOf(call: SignedCall, form: 'encoded' | 'plain'): string {
  const message = call.clientId + SIGNATURE_METHOD + call.timestamp + call.nonce + call.body;
  const signature = createHmac('sha256', call.secret).update(message).digest('base64');
  return form === 'encoded' ? encodeURIComponent(signature) : signature;
}

export function signedHeaders(call: SignedCall, form: 'encoded' | 'plain'): Record<string, string> {
  const { clientId, timestamp, nonce } = call;
  return {
    clientID: clientId,
    signatureMethod: SIGNATURE_METHOD,
    signature: signatureOf(call, form),
    timestamp,
    nonce,
  };
}
