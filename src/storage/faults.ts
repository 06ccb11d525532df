import { ShiminError } from '../lib/errors.ts';

/** PostgreSQL: connection exceptions, operator intervention (shutdown, terminate), too many connections, disk full, read-only. */
const postgresStates = /^(08...|57P0[1-4]|57014|53...|25006)$/;
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/** Connection exceptions and operator intervention: the server went away, and what it was doing may be done. 40003 says so. */
const unknownStates = /^(08...|57P..|40003)$/;

/**
 * Whether PostgreSQL itself says that a statement failed, so that it is known not to have happened. A connection that broke
 * says nothing: the statement may be committed, and sent again it would find its own traces and take them for somebody else's.
 */
export function isUndone(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return /^[0-9A-Z]{5}$/.test(error.code) && !networkCodes.has(error.code) && !unknownStates.test(error.code);
}

const sqliteCodes = /^SQLITE_(BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|CORRUPT|NOTADB)/;
const messages = /Timeout acquiring a connection|Connection terminated|timeout expired|Connection ended unexpectedly/;

/**
 * Says whether a fault is the database's state rather than our mistake, and if so as what it is reported: 503 with
 * Retry-After (F-17, F-20, F-23). Anything else is null and stays what it is.
 */
export function storageFault(error: unknown): ShiminError | null {
  if (error instanceof ShiminError || !(error instanceof Error)) return null;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known =
    postgresStates.test(code) || networkCodes.has(code) || sqliteCodes.test(code) || messages.test(error.message);
  if (!known) return null;
  return new ShiminError('storage_unavailable', {
    status: 503,
    retryAfter: 2,
    cause: error,
    message: 'the database does not answer',
  });
}
