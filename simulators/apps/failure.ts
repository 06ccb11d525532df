import { AuthorizationResponseError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';
import { ProviderUnreachable } from './relying-party.ts';

/** An outcome the person is told about, by a code that also names its texts. */
export class Failure extends Error {
  override name = 'Failure';
  readonly code: string;
  readonly status: number;
  readonly description: string | undefined;
  constructor(code: string, status: number, options: { description?: string | undefined; cause?: unknown } = {}) {
    super(code, { cause: options.cause });
    this.code = code;
    this.status = status;
    this.description = options.description;
  }
}

function isNetworkFault(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof ProviderUnreachable || at.name === 'TimeoutError' || at.message === 'fetch failed') return true;
  }
  return false;
}

/** Every error of the protocol as a Failure: the provider's own code where it sent one (RFC 6749 4.1.2.1, 5.2). */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    const code = /^[\x21-\x7e]{1,80}$/.test(error.error) ? error.error : 'answer_invalid';
    return new Failure(code, 403, { description: error.error_description, cause: error });
  }
  if (error instanceof WWWAuthenticateChallengeError) return new Failure('invalid_token', 403, { cause: error });
  // koa's own refusals: a body too large or malformed.
  if (error instanceof Error && 'status' in error && error.status !== undefined && 'expose' in error) {
    return new Failure('form_expired', 400, { cause: error });
  }
  if (isNetworkFault(error)) return new Failure('provider_unreachable', 503, { cause: error });
  const description = error instanceof Error ? error.message : undefined;
  return new Failure('answer_invalid', 502, { description, cause: error });
}
