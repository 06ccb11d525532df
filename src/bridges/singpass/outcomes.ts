import * as oidc from 'openid-client';
import { ShiminError } from '../../lib/errors.ts';
import type { BridgeRefusal, BridgeRefused, BridgeUnavailable } from '../bridge.ts';

export const refused = (reason: BridgeRefusal, cause?: unknown): BridgeRefused => ({
  outcome: 'refused',
  reason,
  ...(cause === undefined ? {} : { cause }),
});

export function unavailable(cause: unknown): BridgeUnavailable {
  return { outcome: 'unavailable', retryAfter: faultOfUpstream(cause)?.retryAfter ?? 30, cause };
}

/** Our own fault of the outbound call, however deep the library has wrapped it. */
function faultOfUpstream(error: unknown): ShiminError | null {
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth += 1)
    if (each instanceof ShiminError && each.code.startsWith('upstream_')) return each;
  return null;
}

/** Status of an answer that was not what the protocol says; null: the fault is another. */
export function statusOf(error: unknown): number | null {
  if (error instanceof oidc.WWWAuthenticateChallengeError) return error.status;
  return error instanceof oidc.ClientError && error.cause instanceof Response ? error.cause.status : null;
}

/** Not what the protocol speaks at all: an error page of something in between. */
const unusable = new Set(['OAUTH_PARSE_ERROR', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_RESPONSE_IS_NOT_CONFORM']);

/** Singpass lists no error for people who turn back, so every usual one is taken for that. */
const byRedirect: Readonly<Record<string, BridgeRefusal>> = {
  access_denied: 'cancelled',
  user_cancelled: 'cancelled',
  login_required: 'cancelled',
  interaction_required: 'cancelled',
  consent_required: 'cancelled',
  invalid_request_uri: 'expired',
};
/** Nothing that the person did: our keys, clock or registration are not what Singpass has on file. */
const ours = new Set(['invalid_client', 'invalid_dpop_proof', 'unauthorized_client', 'unsupported_grant_type']);

/** What a fault on the way back means; nobody but the log sees Singpass' own words, which anybody can write into the address. */
export function outcomeOf(error: unknown): BridgeRefused | BridgeUnavailable {
  if (faultOfUpstream(error)) return unavailable(error);
  if (error instanceof oidc.AuthorizationResponseError) {
    if (['temporarily_unavailable', 'server_error'].includes(error.error)) return unavailable(error);
    return refused(byRedirect[error.error] ?? 'denied', error);
  }
  if (error instanceof oidc.ResponseBodyError) {
    if (error.status >= 500 || ours.has(error.error)) return unavailable(error);
    // Used, or older than its minute (RFC 6749 5.2).
    return refused(error.error === 'invalid_grant' ? 'expired' : 'denied', error);
  }
  const status = statusOf(error);
  // Userinfo: a foreign account, or a token that is not good any more, is a 4xx.
  if (status !== null) return status >= 400 && status < 500 ? refused('denied', error) : unavailable(error);
  if (error instanceof oidc.ClientError && unusable.has(error.code ?? '')) return unavailable(error);
  return refused('answer_invalid', error);
}
