/** Every fault Shimin can report. A closed list: each code has a text in four languages (`error.<code>`) and a row in the error book. */
export const errorCodes = [
  'bad_request',
  'form_invalid',
  'csrf_rejected',
  'not_found',
  'method_not_allowed',
  'body_too_large',
  'too_many_requests',
  'interaction_expired',
  'interaction_foreign',
  'ceremony_expired',
  'ceremony_replayed',
  'code_wrong',
  'code_expired',
  'credentials_wrong',
  'account_locked',
  'account_suspended',
  'forbidden',
  'invitation_void',
  'draft_conflict',
  'self_approval',
  'own_change',
  'same_person',
  'decider_no_person',
  'name_unproved',
  'role_not_for_apps',
  'app_has_roles',
  'change_decided',
  'change_expired',
  'change_stale',
  'proposer_lost_role',
  'merge_unproven',
  'merge_barred',
  'policy_invalid',
  'app_taken',
  'app_invalid',
  'passkey_rejected',
  'passkey_unknown',
  'passkey_set_aside',
  'passkey_too_new',
  'binding_too_weak',
  'staff_password',
  'last_way_in',
  'identity_mismatch',
  'identity_minor',
  'identity_unknown',
  'bridge_off',
  'identity_in_use',
  'person_deceased',
  'record_cancelled',
  'face_mismatch',
  'level_unreachable',
  'upstream_unavailable',
  'upstream_malformed',
  'service_busy',
  'client_invalid',
  'config_invalid',
  'storage_unavailable',
  'key_missing',
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** A fault with a stable code. `message`/`detail` are for the log only and never reach a person. */
export class ShiminError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: Record<string, unknown>;
  /** Seconds after which trying again makes sense (Retry-After), if known. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    options: {
      status?: number;
      message?: string;
      cause?: unknown;
      detail?: Record<string, unknown>;
      retryAfter?: number;
    } = {},
  ) {
    super(options.message ?? code, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ShiminError';
    this.code = code;
    this.status = options.status ?? 400;
    this.detail = options.detail ?? {};
    this.retryAfter = options.retryAfter;
  }
}
