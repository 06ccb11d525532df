import { type DestinationStream, pino } from 'pino';

export interface Log {
  debug(fields: object, message?: string): void;
  debug(message: string): void;
  info(fields: object, message?: string): void;
  info(message: string): void;
  warn(fields: object, message?: string): void;
  warn(message: string): void;
  error(fields: object, message?: string): void;
  error(message: string): void;
  child(fields: Record<string, unknown>): Log;
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Fields that never reach a log line, whatever their depth up to three: redaction is the logger's work, not the
 * caller's memory (ASVS 16.2.5). Ids and reason codes are what a log is for and stay.
 */
export const redactedFields = [
  'password',
  'newPassword',
  'code',
  'otp',
  'secret',
  'clientSecret',
  'client_secret',
  'client_assertion',
  'token',
  'accessToken',
  'access_token',
  'refreshToken',
  'refresh_token',
  'idToken',
  'id_token',
  'id_token_hint',
  'logout_token',
  'authorization',
  'cookie',
  'set-cookie',
  'name',
  'displayName',
  'documentNumber',
  'bankCard',
  'number',
  'birthDate',
  'phone',
  'email',
  'value',
  'photo',
  'payload',
  'privateKey',
  'pepper',
  'ip',
] as const;

/** `"a-b"` needs bracket notation in a redaction path. */
function at(prefix: string, field: string): string {
  const key = /^\w+$/.test(field) ? field : `["${field}"]`;
  if (prefix === '') return key;
  return key.startsWith('[') ? `${prefix}${key}` : `${prefix}.${key}`;
}

const redactionPaths = redactedFields.flatMap((field) => ['', '*', '*.*'].map((prefix) => at(prefix, field)));

/** JSON lines, one per event; `destination` is for tests. */
export function createLog(options: { level: LogLevel; destination?: DestinationStream }): Log {
  const settings = {
    level: options.level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactionPaths, censor },
    // An error's own fields may hold what the person typed: only its class, code, text and stack are kept. `cause` is followed.
    serializers: { err: describeError, error: describeError },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

const REDACTED = '[redacted]';

/** `code` is an error's code as often as a secret one; ours are snake_case words, which no one-time code is. */
function censor(value: unknown, path: string[]): unknown {
  return path.at(-1) === 'code' && typeof value === 'string' && /^[a-z]+(_[a-z]+)+$/.test(value) ? value : REDACTED;
}

const redacted: ReadonlySet<string> = new Set(redactedFields);

function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const detail = 'detail' in error && typeof error.detail === 'object' && error.detail !== null ? error.detail : {};
  return {
    type: error.name,
    errorCode: 'code' in error && typeof error.code === 'string' ? error.code : undefined,
    message: error.message,
    stack: error.stack,
    detail: Object.fromEntries(
      Object.entries(detail).map(([key, value]) => [key, redacted.has(key) ? REDACTED : value]),
    ),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
