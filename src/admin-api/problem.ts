import { ShiminError } from '../lib/errors.ts';
import type { Fault } from './faults.ts';

/** An answer as it goes out; JSON only, so that it can be kept. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a program may be told, in English; the code is what it decides by. */
const titles: Readonly<Record<string, string>> = {
  token_missing: 'An access token is needed',
  invalid_token: 'The access token is not valid here',
  insufficient_scope: 'The access token lacks the scope',
  invalid_request: 'The request is not well formed',
  unsupported_media_type: 'The body must be application/json',
  request_invalid: 'The request is refused; errors names every fault',
  precondition_required: 'Say by If-Match which revision you saw',
  idempotency_key_reused: 'This Idempotency-Key belongs to another request',
  forbidden: 'No role of the app allows this',
  not_found: 'There is no such thing',
  method_not_allowed: 'This cannot be done here',
  body_too_large: 'The body is too large',
  too_many_requests: 'Too many requests',
  draft_conflict: 'It was changed since the revision you saw',
  self_approval: 'Whoever proposed it cannot decide it',
  own_change: 'It is about whoever asks',
  same_person: 'Whoever proposed it is, or may be, the same person',
  decider_no_person: 'Changes are decided by people, in the console',
  name_unproved: 'The person has not proved their name',
  staff_password: 'The person has a password, which staff may not have',
  role_not_for_apps: 'No app may hold this role',
  app_has_roles: 'The app holds roles of staff',
  change_decided: 'It is decided or done already',
  change_expired: 'It was left undecided for too long',
  change_stale: 'What it would change is not as it was',
  merge_unproven: 'Not both accounts have just been proved by their holder',
  merge_barred: 'These two accounts cannot be merged or parted',
  proposer_lost_role: 'Whoever proposed it may not propose it any more',
  policy_invalid: 'The policy is refused; errors names every fault',
  app_taken: 'There is an app of that name',
  app_invalid: 'The settings of the app are refused',
  service_busy: 'The service is busy',
};

/** A problem (RFC 9457). `code` is stable; `errors` names every fault and its place. */
export function problem(
  status: number,
  code: string,
  more: {
    detail?: string;
    errors?: readonly Fault[];
    headers?: Readonly<Record<string, string>>;
    requestId?: string;
  } = {},
): Answer {
  const { detail, errors, headers = {}, requestId } = more;
  const body = {
    type: `urn:shimin:problem:${code}`,
    title: titles[code] ?? code.replaceAll('_', ' '),
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(requestId === undefined ? {} : { instance: `urn:shimin:request:${requestId}` }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  };
  return { status, headers: { 'Content-Type': 'application/problem+json', ...headers }, body };
}

/** A fault of ours or a refusal, without anything that is for the log only. */
export function problemOf(error: ShiminError, more: { errors?: readonly Fault[]; requestId?: string } = {}): Answer {
  const retry = error.retryAfter === undefined ? {} : { 'Retry-After': `${Math.max(1, Math.ceil(error.retryAfter))}` };
  // Of two who write, the second is told by the status that If-Match has for it (RFC 9110 section 13.1.1).
  const status = error.code === 'draft_conflict' ? 412 : error.status;
  return problem(status, error.code, { ...more, headers: retry });
}

/** RFC 6750 section 3: what kind of token is needed, and only where one came, what is wrong with it. */
export function challenge(
  status: 401 | 403,
  error: 'invalid_token' | 'insufficient_scope' | null,
  options: { scope: string; requestId: string },
): Answer {
  const parts = ['realm="admin-api"', `scope="${options.scope}"`];
  if (error !== null) parts.push(`error="${error}"`);
  const headers = { 'WWW-Authenticate': `Bearer ${parts.join(', ')}` };
  return problem(status, error ?? 'token_missing', { headers, requestId: options.requestId });
}

export function asShiminError(thrown: unknown): ShiminError {
  return thrown instanceof ShiminError ? thrown : new ShiminError('internal', { status: 500, cause: thrown });
}
