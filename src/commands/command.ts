import type { Clock } from '../lib/clock.ts';
import type { Keyring } from '../lib/crypto.ts';
import type { Db } from '../storage/db.ts';

/** What every command receives: where rows go, what time it is, and the keys that seal them. */
export interface CommandDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly keyring: Keyring;
}

/** Who asked for it and in which request, for the audit line. */
export interface Cause {
  readonly requestId: string | null;
  readonly clientId: string | null;
}
